"""Row counts over time as inline SVG: bars by day, by week or by month, whichever is few enough to see."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

_WIDTH, _HEIGHT = 860, 190
_LEFT, _TOP, _BOTTOM = 56, 12, 26
_MOST_BARS = 120
_LABELS = 6


@dataclass(frozen=True)
class Bar:
    """What a bar is of, said under it and when it is pointed at, and how many rows."""

    label: str
    rows: int


def by_time(rows: dict[date, int]) -> tuple[str, list[Bar]]:
    """Bars of days, weeks or months without a gap between the first and the last, and which of these they are."""
    if not rows:
        return "day", []
    first, last = min(rows), max(rows)
    for word, start in (("day", _day), ("week", _week), ("month", _month)):
        counts: dict[date, int] = {}
        for ordinal in range(first.toordinal(), last.toordinal() + 1):
            day = date.fromordinal(ordinal)
            counts[start(day)] = counts.get(start(day), 0) + rows.get(day, 0)
        if len(counts) <= _MOST_BARS or word == "month":
            break
    return word, [Bar(f"{day:%Y-%m}" if word == "month" else day.isoformat(), count) for day, count in counts.items()]


def svg(bars: Iterable[Bar], what: str) -> str:
    """The picture of at least one bar; `what` is said to those who cannot see it."""
    shown = list(bars)
    top = _round_up(max(bar.rows for bar in shown))
    room = (_WIDTH - _LEFT) / len(shown)
    inner = _HEIGHT - _TOP - _BOTTOM
    drawn = [_tick(top * share // 4, _TOP + inner * (1 - share / 4)) for share in range(0, 5, 2)]
    every = max(1, -(-len(shown) // _LABELS))
    for number, bar in enumerate(shown):
        x, height = _LEFT + number * room, inner * bar.rows / top
        gap = min(room * 0.2, 4)
        drawn.append(
            f'<rect x="{x + gap / 2:.1f}" y="{_TOP + inner - height:.1f}" width="{min(room - gap, 48):.1f}" '
            f'height="{height:.1f}" rx="1.5"><title>{bar.label}: {bar.rows:,} rows</title></rect>'
        )
        if number % every == 0:
            drawn.append(f'<text x="{x + gap / 2:.1f}" y="{_HEIGHT - 8}">{bar.label}</text>')
    return f'<svg class="bars" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{what}">{"".join(drawn)}</svg>'


def _tick(rows: int, y: float) -> str:
    return (
        f'<path d="M{_LEFT} {y:.1f} H{_WIDTH}"/>'
        f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_short(rows)}</text>'
    )


def _round_up(rows: int) -> int:
    """The next of 4, 8, 12, 16, 20, 40 … times a power of ten: quarters of it are whole."""
    scale = 1
    while True:
        for step in (4, 8, 12, 16, 20, 28):
            if rows <= step * scale:
                return step * scale
        scale *= 10


def _short(rows: int) -> str:
    for size, word in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if rows >= size:
            return f"{rows / size:g}{word}"
    return str(rows)


def _day(day: date) -> date:
    return day


def _week(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _month(day: date) -> date:
    return day.replace(day=1)
