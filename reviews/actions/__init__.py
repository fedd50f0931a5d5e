"""Deeds of reviews: planning, opening, deciding, signing, carrying out."""
