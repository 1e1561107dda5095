"""The answer key: what the gold tables must say of a simulation, computed from its log alone.

Shares no code with the pipeline, so that both cannot be wrong in the same way. To audit it, read `messages.sql` (what
became of each message, and what it means), for statistics `listened.sql` too, then the file of the table; `identity.py`
names tracks, artists and albums.
"""
