"""How batch tables are computed: one file a table, one pure `transform` each, one runner."""
