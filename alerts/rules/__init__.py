"""Pure rules: facts about events in, hits out. They know no database, no clock and no settings store."""
