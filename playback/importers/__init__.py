"""Importers: each module here with `claims` and `read` turns one kind of export file into events.

To add one, add its module; nothing registers it. It provides

    FILES: str                                              names it looks for, for people
    claims(path: Path) -> bool                              whether the file is of its kind, by name alone
    read(path: Path, user_id: str) -> Iterator[Batch]       one event or reject for each row, in the file's order
"""
