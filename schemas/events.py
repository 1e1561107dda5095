"""Events that clients and importers send to Kafka, one released version after another.

The envelope is described in the design: one playback gives exactly one event, at the moment the playback ended.
"""

from dataclasses import replace

from schemas.model import Event, Field

OUTCOMES = ("play", "skip")
CONTENT_TYPES = ("track", "episode", "unknown")

PLAYBACK_V1 = Event(
    name="PlaybackEvent",
    version=1,
    description="One playback as the client reported it, sent when it ended. What counts as a play is decided later.",
    fields=(
        Field("event_id", "string", "Identity of the playback; the same playback sent twice has the same id."),
        Field("source", "string", "Family of the sender: spotify-basic, spotify-extended, simulator, or a client."),
        Field("user_id", "string", "Keyed pseudonym of the listener.", personal=True),
        Field("session_id", "string", "Listening session as the client sees it.", nullable=True, personal=True),
        Field("device_id", "string", "Device the playback ran on.", nullable=True, personal=True),
        Field(
            "install_id", "string", "Installation of the client that counts `sequence`.", nullable=True, personal=True
        ),
        Field("sequence", "long", "Number of the event within the installation, gap-free from 0.", nullable=True),
        Field("occurred_at", "timestamp", "UTC moment the playback ended: event time everywhere."),
        Field("utc_offset_minutes", "int", "Listener's offset from UTC at that moment, in minutes.", nullable=True),
        Field("offline", "boolean", "Whether the client was offline when the playback ended.", nullable=True),
        Field("app_version", "string", "Version of the client.", nullable=True),
        Field("track_id", "string", "The source's own id (URI) of what was played.", nullable=True),
        Field("track_title", "string", "Title as the source spells it.", nullable=True),
        Field("artist_name", "string", "Artist (of an episode: show) as the source spells it.", nullable=True),
        Field("album_title", "string", "Album as the source spells it.", nullable=True),
        Field("content_type", "string", "track, episode or unknown."),
        Field("country", "string", "ISO 3166-1 alpha-2 country of the connection.", nullable=True),
        Field("platform", "string", "Platform as the client names it.", nullable=True),
        Field("context", "string", "Where it was started from: playlist, radio, Discover Weekly, …", nullable=True),
        Field(
            "outcome", "string", "play (ended or was stopped), skip (the listener moved on); null: not reported.", True
        ),
        Field("ms_played", "long", "Milliseconds that were heard."),
        Field("track_ms", "long", "Length of the track in milliseconds.", nullable=True),
        Field("seek_count", "int", "How often the listener moved the position.", nullable=True),
        Field("paused_ms", "long", "Milliseconds in pause.", nullable=True),
        Field("reason_start", "string", "Why it started, in the client's words.", nullable=True),
        Field("reason_end", "string", "Why it ended, in the client's words.", nullable=True),
        Field("bitrate_kbps", "int", "Mean delivered bit rate in kbit/s.", nullable=True),
        Field("rebuffer_count", "int", "Interruptions while the buffer was empty.", nullable=True),
        Field("network", "string", "wifi, cellular, ethernet or none.", nullable=True),
    ),
)

PLAYBACK_V2 = replace(
    PLAYBACK_V1,
    version=2,
    fields=(
        *PLAYBACK_V1.fields,
        Field("shuffle", "boolean", "Whether the order of what is played was left to chance.", nullable=True),
        Field(
            "private_session",
            "boolean",
            "Whether the listener asked that the playback be kept out of what others see of them.",
            nullable=True,
        ),
    ),
)

RELEASED: tuple[Event, ...] = (PLAYBACK_V1, PLAYBACK_V2)
"""Every version that may be on a topic, oldest first; the Avro fingerprint of a message names one of them."""

CURRENT: Event = RELEASED[-1]
"""The version that importers, the simulator and new clients write."""

HEADER_INSTALL_ID = "install_id"
HEADER_SEQUENCE = "sequence"
HEADER_MANIFEST_ID = "manifest_id"
"""Kafka header that names the manifest a producer counted the message in."""
HEADER_HIGH_WATER = "high_water"
"""Kafka header of a mark: a message without body and sequence, by which an installation says how many sequence numbers
it has used, all of them sent. What has not come by then is lost, the tail included."""
HEADER_REPLAY_OF = "replay_of"
"""Kafka header of a dead letter that comes back: the record that it was, as `<topic id>/<partition>/<offset>`."""
