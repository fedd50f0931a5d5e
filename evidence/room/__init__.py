"""The auditor's room: requests for evidence, frozen populations, and samples that anybody can draw again."""
