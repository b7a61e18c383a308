"""The motion gate: whether the scene has changed since it was last searched for faces."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np

from edge.types import Gray

GATE_WIDTH_PX: Final = 80
GATE_HEIGHT_PX: Final = 60
"""Small enough to cost microseconds, large enough that a walking person changes the mean."""

Box = tuple[int, int, int, int]


class MotionGate:
    """Compares each frame, scaled to 80x60, with the frame of the last search.

    Comparing with the last *searched* frame, not the one before, also sees what moves slowly.
    """

    def __init__(self, levels: float) -> None:
        self._levels = levels
        self._reference: Gray | None = None
        self._current: Gray | None = None

    def moved(self, gray: Gray, ignore: Iterable[Box] = ()) -> bool:
        """Tell whether the mean absolute difference outside `ignore` has reached the threshold.

        Parameters
        ----------
        gray: uint8 (H, W).
        ignore: boxes in pixels of `gray` whose motion does not count: the faces already known.
        """
        size = (GATE_WIDTH_PX, GATE_HEIGHT_PX)
        self._current = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
        if self._levels <= 0 or self._reference is None:
            return True
        difference = np.asarray(cv2.absdiff(self._current, self._reference))
        counted = difference.size
        for x, y, width, height in ignore:
            # Shoulders and hair move with the face: twice its size is not news.
            left, right = _span(x - width // 2, x + width + width // 2, gray.shape[1], GATE_WIDTH_PX)
            top, bottom = _span(y - height // 2, y + height * 2, gray.shape[0], GATE_HEIGHT_PX)
            difference[top:bottom, left:right] = 0
            counted -= max(0, right - left) * max(0, bottom - top)
        return float(difference.sum()) >= self._levels * max(1, counted)

    def searched(self) -> None:
        """Remember the last frame given to `moved` as the one that was searched."""
        self._reference = self._current


def _span(low: int, high: int, frame_px: int, gate_px: int) -> tuple[int, int]:
    first = max(0, min(gate_px, low * gate_px // frame_px))
    last = max(0, min(gate_px, -(-high * gate_px // frame_px)))
    return first, last
