"""Answers of reviews: campaigns, the reviewer's desk, and facts for evidence."""
