"""What every camera read through OpenCV has in common: grab often, decode seldom, name what went wrong."""

from __future__ import annotations

from typing import Any, Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from edge.clock import Clock
from edge.errors import ImageError, SourceError
from edge.images import to_bgr, to_gray
from edge.quiet import hush_opencv
from edge.types import Frame

MAX_DAMAGED: Final = 10
"""Pictures in a row that may be undecodable: a bad cable damages single ones, a dead camera all of them."""

hush_opencv()


class Capture(Protocol):
    """The part of `cv2.VideoCapture` that is used."""

    def grab(self) -> bool:
        """Fetch the next picture without decoding it."""

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the picture fetched last."""

    def release(self) -> None:
        """Give the device back."""


class CaptureSource:
    """A live source on an opened capture.

    Parameters
    ----------
    capture: opened; closed by `close`.
    name: for messages.
    interval_s: pictures that come sooner than this after the last one are fetched but not decoded.
    gone: what to tell the user to do when no more pictures come.
    """

    live = True

    def __init__(
        self, capture: Capture, name: str, clock: Clock, *, interval_s: float, keep_colour: bool, gone: str
    ) -> None:
        self.name = name
        self._capture, self._clock, self._gone = capture, clock, gone
        self._interval_s, self._keep_colour = interval_s, keep_colour
        self._index = -1
        self._last_s = -float("inf")
        # Read now, so that a device that opens but shows nothing is known at once.
        try:
            self._ahead: Frame | None = self._next()
        except SourceError:
            self.close()
            raise

    def read(self) -> Frame | None:
        """Return the next frame, blocking until there is one; raises `SourceError` when there is none."""
        frame, self._ahead = self._ahead, None
        return frame or self._next()

    def close(self) -> None:
        """Give the device back."""
        self._capture.release()

    def _next(self) -> Frame:
        damaged = 0
        while damaged < MAX_DAMAGED:
            if not self._grab():
                raise SourceError(f"{self.name} gives no picture", expected="frames", fix=self._gone)
            self._index += 1
            at_s = self._clock.now().monotonic_s
            if at_s - self._last_s < self._interval_s:
                continue
            pixels = self._retrieve()
            if pixels is None:
                damaged += 1
                continue
            self._last_s = at_s
            colour = to_bgr(pixels) if self._keep_colour else None
            return Frame(gray=to_gray(pixels), index=self._index, at_s=at_s, colour=colour)
        raise SourceError(
            f"{self.name} sent {damaged} pictures in a row that cannot be decoded",
            expected="whole pictures",
            fix="check cable and power; for a network camera, its codec",
        )

    def _grab(self) -> bool:
        try:
            return bool(self._capture.grab())
        except cv2.error:
            return False

    def _retrieve(self) -> npt.NDArray[Any] | None:
        try:
            found, pixels = self._capture.retrieve()
            if not found or pixels is None:
                return None
            pixels = np.asarray(pixels)
            to_gray(pixels[:1])  # Refuses kinds and shapes that no later stage could use.
        except (cv2.error, ImageError):
            return None
        return pixels
