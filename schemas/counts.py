"""Fields and checks that tables about music share."""

from schemas.checks import AtMost, Between, Matches
from schemas.model import Field

COUNTRY = Field("country", "string", "ISO 3166-1 alpha-2 country; ZZ where the source does not say.")
TRACK_ID = Field("track_id", "string", "Identity of the track.")
USER_ID = Field("user_id", "string", "Keyed pseudonym of the listener.", personal=True)
PLAYBACK_COUNT = Field("playback_count", "long", "Playbacks of any length and outcome.")
PLAY_COUNT = Field("play_count", "long", "Playbacks that count as a play under the rules of their date.")
SKIP_COUNT = Field("skip_count", "long", "Playbacks that the rules see as a skip.")
PLAYED_MS = Field("played_ms", "long", "Milliseconds heard in all playbacks.")
COUNTS = (PLAYBACK_COUNT, PLAY_COUNT, SKIP_COUNT)
COUNT_CHECKS = (
    Between("playback_count", 1),
    Between("play_count", 0),
    Between("skip_count", 0),
    Between("played_ms", 0),
    AtMost("play_count", "playback_count"),
    AtMost("skip_count", "playback_count"),
)
IS_COUNTRY = Matches("country", "^[A-Z]{2}$")
CHART_LENGTH = 100
