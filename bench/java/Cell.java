/** A row of the minute counts. */
record Cell(CellKey key, long plays, long skips, long listeners) {}
