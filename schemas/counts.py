"""Fields and checks that tables about music share."""

from dataclasses import replace

from schemas.checks import AtMost, Between, Matches
from schemas.model import Field

COUNTRY = Field("country", "string", "ISO 3166-1 alpha-2 country; ZZ where the source does not say.")
TRACK_ID = Field("track_id", "string", "Identity of the track.")
USER_ID = Field("user_id", "string", "Keyed pseudonym of the listener.", personal=True)
PLAYBACK_COUNT = Field("playback_count", "long", "Playbacks of any length and outcome.")
PLAY_COUNT = Field("play_count", "long", "Playbacks that count as a play under the rules of their date.")
SKIP_COUNT = Field("skip_count", "long", "Playbacks that the rules see as a skip.")
PLAYED_MS = Field("played_ms", "long", "Milliseconds heard in all playbacks.")
TRACK_COUNT = Field("track_count", "long", "Distinct tracks, exact.")
LISTENER_COUNT = Field("listener_count", "long", "Distinct listeners, exact.")
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


def clean_of(one: Field) -> Field:
    """The same count without the days on which listeners are flagged."""
    return replace(one, name=f"clean_{one.name}", description=f"{one.description} Without flagged days of listeners.")


def later_clean(*counts: Field) -> tuple[Field, ...]:
    """Clean counts beside those of a table that was without them once: rows from then have none."""
    return tuple(replace(clean_of(one), nullable=True) for one in counts)


def clean_at_most(*counts: Field) -> tuple[AtMost, ...]:
    """No count is less than the clean one beside it."""
    return tuple(AtMost(clean_of(one).name, one.name) for one in counts)
