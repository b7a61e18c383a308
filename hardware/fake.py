"""A camera that is not there, for tests and try-outs: it stalls, vanishes and changes size by a script."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from edge.clock import Clock
from edge.errors import SourceError
from edge.types import Frame, Gray

FOREVER_S: Final = 1e6
"""Eleven days: longer than any test, and short enough for a wait."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with the camera from one moment to another, in seconds after it was made."""

    kind: Literal["stall", "gone", "hang", "size"]
    """stall: reads fail after a time-out; gone: unplugged; hang: a read blocks until it is over; size: see below."""
    from_s: float
    to_s: float = FOREVER_S
    size: tuple[int, int] = (0, 0)
    """Width and height in pixels that `size` changes to."""


def gradient(index: int, size: tuple[int, int]) -> Gray:
    """Return a picture, uint8 (H, W), that moves with the index."""
    width, height = size
    row = (np.arange(width, dtype=np.uint32) * 255 // max(1, width - 1) + 7 * index).astype(np.uint8)
    return np.repeat(row[np.newaxis], height, axis=0)


class FakeCamera:
    """The device itself; `open` returns a source on it, again and again as a real one does.

    Parameters
    ----------
    clock: a frame is due every 1 / fps seconds of it; with `ManualClock` nothing really waits.
    script: what goes wrong, and when.
    picture: makes the picture from its index and size.
    read_timeout_s: how long a read of a stalled camera takes to fail.
    """

    def __init__(
        self,
        clock: Clock,
        script: Sequence[Trouble] = (),
        *,
        fps: float = 10.0,
        size: tuple[int, int] = (64, 48),
        picture: Callable[[int, tuple[int, int]], Gray] = gradient,
        keep_colour: bool = False,
        read_timeout_s: float = 5.0,
    ) -> None:
        self.clock, self.fps, self.size, self.picture = clock, fps, size, picture
        self.keep_colour, self.read_timeout_s = keep_colour, read_timeout_s
        self.opened = 0
        """How often it was opened with success."""
        self.tries: list[float] = []
        """When opening it was tried, in seconds after it was made."""
        self.released = threading.Event()
        """Set to end every hang at once (a driver that comes back)."""
        self._script = script
        self._made_s = clock.now().monotonic_s

    def open(self) -> FakeSource:
        """Open it; raises `SourceError` while it is gone."""
        self.tries.append(self.now_s)
        if self.trouble("gone"):
            raise SourceError("there is no camera fake", expected="a connected camera", fix="plug it in")
        self.opened += 1
        return FakeSource(self)

    @property
    def now_s(self) -> float:
        """Seconds since it was made."""
        return self.clock.now().monotonic_s - self._made_s

    def trouble(self, kind: str) -> Trouble | None:
        """Return what is wrong of that kind at this moment."""
        now_s = self.now_s
        return next(
            (one for one in self._script if one.kind == kind and one.from_s <= now_s < one.to_s), None
        )


class FakeSource:
    """One opening of a `FakeCamera`."""

    live = True

    def __init__(self, camera: FakeCamera) -> None:
        self.name = "fake"
        self.closed = threading.Event()
        self._camera = camera
        self._index = 0
        self._due_s = camera.clock.now().monotonic_s

    def read(self) -> Frame | None:
        """Wait for the next frame; raises `SourceError` when the script says so."""
        camera, clock = self._camera, self._camera.clock
        self._due_s = max(self._due_s + 1 / camera.fps, clock.now().monotonic_s)
        clock.wait(self.closed, self._due_s - clock.now().monotonic_s)
        if hang := camera.trouble("hang"):
            clock.wait(camera.released, hang.to_s - camera.now_s)
        if camera.trouble("stall"):
            clock.wait(self.closed, camera.read_timeout_s)
            raise SourceError(f"fake gave no frame for {camera.read_timeout_s:g} s", expected="frames")
        if camera.trouble("gone"):
            raise SourceError("fake was unplugged", expected="a connected camera", fix="plug it in")
        other = camera.trouble("size")
        gray = camera.picture(self._index, other.size if other else camera.size)
        colour = np.repeat(gray[:, :, np.newaxis], 3, axis=2) if camera.keep_colour else None
        frame = Frame(gray=gray, index=self._index, at_s=clock.now().monotonic_s, colour=colour)
        self._index += 1
        return frame

    def close(self) -> None:
        """Let go of the camera."""
        self.closed.set()
