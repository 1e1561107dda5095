/** What cells count of an event. */
record Event(CellKey key, String user, boolean isPlay, boolean isSkip) {}
