"""Programs that measure the limits Countersign holds; each prints its figures and the machine they belong to."""
