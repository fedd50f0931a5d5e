"""Pages of reviews: campaigns for officers, the desk for reviewers."""
