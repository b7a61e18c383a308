"""One-slot mailbox between the camera's thread and the loop: the latest frame, never a queue."""

from __future__ import annotations

import threading

from edge.clock import Clock
from edge.types import Frame


class LatestFrame:
    """Holds the newest frame; a newer one overwrites it whether or not it was looked at.

    One thread puts, another takes. Waiting goes through the clock, so tests drive it by hand.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._frame: Frame | None = None
        self._taken = True

    def put(self, frame: Frame) -> bool:
        """Replace the frame; return whether the one replaced had never been taken."""
        with self._lock:
            dropped = not self._taken
            self._frame = frame
            self._taken = False
            self._news.set()
        return dropped

    def take(self, after_index: int, timeout_s: float) -> Frame | None:
        """Return the latest frame with a larger index, waiting for it at most `timeout_s` seconds."""
        frame = self._newer(after_index)
        if frame is None and timeout_s > 0:
            self._clock.wait(self._news, timeout_s)
            frame = self._newer(after_index)
        return frame

    def wake(self) -> None:
        """End a wait in `take` early: nothing more will come."""
        self._news.set()

    @property
    def waiting(self) -> bool:
        """Whether a frame lies here that nobody has taken."""
        return not self._taken

    def _newer(self, after_index: int) -> Frame | None:
        with self._lock:
            self._news.clear()
            if self._frame is None or self._frame.index <= after_index:
                return None
            self._taken = True
            return self._frame
