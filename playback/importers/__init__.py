"""Importers: each module here with `claims` and `read` turns one kind of export file into events.

To add one, add its module; nothing registers it. It provides

    FILES: str                                                       names it looks for, for people
    claims(path: PurePath) -> bool                                   whether the file is of its kind, by name alone
    read(file: ExportFile, listener: Listener) -> Iterator[Batch]    an event or reject for each row, in their order

and, where its files lie in folders of their own within an export, `WITHIN: tuple[str, ...]`, glob patterns of them.

A zip is a container: its members are read where they are, in any folder, by the same importers (`archives`). `rows`
(identity, fields, batches), `json_lists`, `lines`, `scrobbles` and `own_events` are shared; an importer changes none.
"""
