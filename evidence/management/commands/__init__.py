"""Management commands of the evidence room."""
