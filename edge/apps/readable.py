"""Events as people read them: one line each."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from edge.types import Event

FACE_DIGITS: Final = 4
"""The last digits of a face's id tell the faces on a screen apart."""
BAR_WIDTH: Final = 20
VERBS: Final = {"new": "arrived", "update": "changed", "end": "left"}


def event_line(event: Event) -> str:
    """Return e.g. `13:05:02  face 3f2a  changed  happy     0.93 ███████████████████`."""
    when = datetime.fromisoformat(event.ts).astimezone().strftime("%H:%M:%S")
    bar = "█" * round(event.confidence * BAR_WIDTH)
    stayed = ""
    if event.end_ts is not None:
        stay = datetime.fromisoformat(event.end_ts) - datetime.fromisoformat(event.start_ts)
        reason = f", {event.reason}" if event.reason != "left" else ""
        stayed = f"  after {stay.total_seconds():.1f} s{reason}"
    return (
        f"{when}  face {event.face_id[-FACE_DIGITS:]}  {VERBS[event.type]:8} "
        f"{event.emotion:9} {event.confidence:.2f} {bar:{BAR_WIDTH}}{stayed}"
    )
