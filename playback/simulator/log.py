"""The log of a simulation: what was really played and what became of each message on its way.

The answer key is computed from it (package `truth`, which reads the columns by their names and imports nothing here).
"""

import pyarrow as pa

LOG: pa.Schema = pa.schema(
    [
        pa.field("message_number", pa.int64()),
        pa.field("event_id", pa.string()),
        pa.field("playback_id", pa.string()),
        pa.field("user_id", pa.string()),
        pa.field("install_id", pa.string()),
        pa.field("sequence", pa.int64()),
        pa.field("high_water", pa.int64()),
        pa.field("occurred_at", pa.timestamp("us", tz="UTC")),
        pa.field("utc_offset_minutes", pa.int32()),
        pa.field("country", pa.string()),
        pa.field("track_id", pa.string()),
        pa.field("artist_name", pa.string()),
        pa.field("track_title", pa.string()),
        pa.field("album_title", pa.string()),
        pa.field("content_type", pa.string()),
        pa.field("outcome", pa.string()),
        pa.field("ms_played", pa.int64()),
        pa.field("fault", pa.string()),
        pa.field("reason", pa.string()),
    ]
)
"""One row a message, sent or lost, and a mark.

`message_number`: place in the order of sending, from 0 over the whole simulation; null: it was never sent.
`event_id`: of a playback that more than one message reports, or whose listener has clocks that disagree, and of all
where some are told of twice; null: no other message reports it, and no other one of the listener ends at that moment.
`playback_id`: of a playback that is told of twice, under two event ids: the same in both; null: it is not.
`user_id` … `ms_played`: as the client knew them, with its own clock's `occurred_at`, before a fault spoilt the message.
`high_water`: of a mark, which has no playback: all columns but `message_number` and `install_id` are null.
`fault`: what is wrong with the message (a kind of `playback.simulator.malformed`, or another fault), null: nothing.
`reason`: the word of `playback.reasons` that it must be a dead letter for; null: it is a valid event.
"""
