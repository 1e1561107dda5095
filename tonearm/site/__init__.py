"""The site of tables: one static page a table, from declarations, the lake, checks and lineage. Nothing is by hand."""
