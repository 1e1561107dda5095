"""What exists: events, tables and rules, declared with the standard library only."""
