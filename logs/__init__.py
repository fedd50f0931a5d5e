"""Who did what? Log sources, intake doors, parsers, events, use roll-ups."""
