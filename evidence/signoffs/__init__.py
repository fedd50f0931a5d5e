"""Signs a built pack off before it is issued: a preparer and another person who approves, each over its manifest."""
