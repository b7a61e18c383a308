"""Events for tests: whole face lives, written by hand or drawn by hypothesis."""

from __future__ import annotations

from edge.ids import uuid7
from edge.types import Event, Moment


def event(face_id: str, seq: int, kind: str, now: Moment, *, boot_id: str = "boot-1", size: int = 0) -> Event:
    """One event of a face; `size` adds that many bytes to it."""
    return Event(
        id=uuid7(now.utc),
        type=kind,
        face_id=face_id,
        seq=seq,
        emotion="happy",
        confidence=0.9,
        probabilities={"happy": 0.9, "neutral" + "x" * size: 0.1},
        start_ts=now.stamp,
        ts=now.stamp,
        end_ts=now.stamp if kind == "end" else None,
        device="cam",
        boot_id=boot_id,
        view="ferplus",
        **({"reason": "left"} if kind == "end" else {}),
    )


def life(face_id: str, now: Moment, updates: int = 1, **more: object) -> list[Event]:
    """The events of a face from `new` to `end`."""
    kinds = ["new", *["update"] * updates, "end"]
    return [event(face_id, seq, kind, now, **more) for seq, kind in enumerate(kinds)]
