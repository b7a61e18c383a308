"""Which face is which: keeps a face's id from search to search, and over a short absence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.haar import Box, Detection
from edge.types import Face

REACH: Final = 0.75
"""A face may move by this share of its width between two searches and still be the same."""
SIZE_RATIO: Final = 1.8
"""... and grow or shrink by this factor."""
CONFIRM_HITS: Final = 2
"""Searches that must find a new face before it counts: a cascade's wrong boxes seldom come twice in place."""
UNCONFIRMED_S: Final = 0.7
"""A new face that is not found again within this time was none."""
SMOOTHING: Final = 0.6
"""Weight of the new box: a cascade's boxes jump by a few pixels on a still face."""


@dataclass(slots=True)
class _Track:
    box: tuple[float, float, float, float]
    score: float
    found_at_s: float
    hits: int = 1
    face_id: str = ""


class Tracker:
    """Follows faces by position and size; knows no pixels.

    Parameters
    ----------
    keep_lost_s: a face missing for longer than this has left.
    max_faces: the largest are kept.
    new_id: makes an id that is never used again.
    """

    def __init__(self, *, keep_lost_s: float, max_faces: int, new_id: Callable[[], str]) -> None:
        self._keep_lost_s = keep_lost_s
        self._max_faces = max_faces
        self._new_id = new_id
        self._tracks: list[_Track] = []

    @property
    def boxes(self) -> list[Box]:
        """Where faces are being followed, confirmed or not, in pixels of the frame."""
        return [_rounded(track.box) for track in self._tracks]

    def update(self, found: list[Detection], at_s: float) -> None:
        """Take in what a search at `at_s` found: the nearest face of a like size is the same face."""
        pairs = sorted(
            (distance, row, column)
            for row, track in enumerate(self._tracks)
            for column, (box, _) in enumerate(found)
            if (distance := _distance(track.box, box)) is not None
        )
        matched_tracks: set[int] = set()
        matched_boxes: set[int] = set()
        for _, row, column in pairs:
            if row in matched_tracks or column in matched_boxes:
                continue
            matched_tracks.add(row)
            matched_boxes.add(column)
            self._found_again(self._tracks[row], found[column], at_s)
        news = [detection for column, detection in enumerate(found) if column not in matched_boxes]
        for box, score in sorted(news, key=lambda detection: -detection[0][2]):
            # A second box within a known face is the cascade's echo, not a second person.
            if len(self._tracks) < self._max_faces and not any(_inside(box, t.box) for t in self._tracks):
                self._tracks.append(_Track(_floats(box), score, at_s))

    def faces(self, at_s: float) -> list[Face]:
        """Drop who has left and return who is there, the largest first."""
        self._tracks = [track for track in self._tracks if self._is_there(track, at_s)]
        confirmed = [track for track in self._tracks if track.face_id]
        confirmed.sort(key=lambda track: -track.box[2])
        return [
            Face(_rounded(track.box), track.score, track.face_id, seen=track.found_at_s == at_s)
            for track in confirmed
        ]

    def clear(self) -> None:
        """Forget everyone: the source was opened again or the picture's size changed."""
        self._tracks = []

    def _found_again(self, track: _Track, detection: Detection, at_s: float) -> None:
        box, track.score = detection
        old = track.box
        track.box = (
            old[0] + SMOOTHING * (box[0] - old[0]),
            old[1] + SMOOTHING * (box[1] - old[1]),
            old[2] + SMOOTHING * (box[2] - old[2]),
            old[3] + SMOOTHING * (box[3] - old[3]),
        )
        track.found_at_s = at_s
        track.hits += 1
        if track.hits >= CONFIRM_HITS and not track.face_id:
            track.face_id = self._new_id()

    def _is_there(self, track: _Track, at_s: float) -> bool:
        limit = self._keep_lost_s if track.face_id else min(UNCONFIRMED_S, self._keep_lost_s)
        return at_s - track.found_at_s <= limit


def _distance(old: tuple[float, float, float, float], box: Box) -> float | None:
    """Return the distance of two centres in widths, or None when they cannot be the same face."""
    wide, narrow = max(old[2], box[2]), min(old[2], box[2])
    if wide > SIZE_RATIO * narrow:
        return None
    dx = old[0] + old[2] / 2 - (box[0] + box[2] / 2)
    dy = old[1] + old[3] / 2 - (box[1] + box[3] / 2)
    distance: float = (dx * dx + dy * dy) ** 0.5 / wide
    return distance if distance <= REACH else None


def _inside(box: Box, old: tuple[float, float, float, float]) -> bool:
    centre_x, centre_y = box[0] + box[2] / 2, box[1] + box[3] / 2
    return old[0] <= centre_x <= old[0] + old[2] and old[1] <= centre_y <= old[1] + old[3]


def _floats(box: Box) -> tuple[float, float, float, float]:
    return (float(box[0]), float(box[1]), float(box[2]), float(box[3]))


def _rounded(box: tuple[float, float, float, float]) -> Box:
    return (round(box[0]), round(box[1]), round(box[2]), round(box[3]))
