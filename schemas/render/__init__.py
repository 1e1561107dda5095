"""One pure function per target: a declaration in, a schema, DDL or text of that target out; no engine needed."""
