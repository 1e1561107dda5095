/** What a cell is of; the minute is counted from the epoch. */
record CellKey(long minute, String country, String track) {}
