"""Open, read, pace, lose, back off, open again: the source's life, one step at a time and without a thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from edge.clock import Clock
from edge.errors import SourceError
from edge.settings import SourceSettings
from edge.source import Source, SourceState
from edge.types import Frame

CHANGED_SHOWN_S: Final = 10.0
"""How long `changed` is shown after the picture's size changed: long enough for a person or stats to see it."""
MAX_LAG_S: Final = 1.0
"""A file later than this (slow decoder, a stopped process) goes on from now instead of rushing to catch up."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Status:
    """State and one line about it, replaced together so that another thread never sees half."""

    state: SourceState
    detail: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call into the camera's library that has not come back."""

    opening: bool
    since_s: float


@dataclass(slots=True)
class _Progress:
    """What outlives one opening of the source."""

    next_index: int = 0
    pause_s: float = 0.0
    size: tuple[int, int] = (0, 0)
    last_frame_s: float = 0.0
    changed_s: float = -float("inf")
    lost_since_s: float | None = None
    said: frozenset[str] = field(default_factory=frozenset)


class SourceCycle:
    """Drives one source. `step` is called by one thread; `status`, `call` and `size` may be read by any.

    Parameters
    ----------
    settings: pauses and limits.
    clock: every wait goes through it.
    opener: returns an opened source or raises `SourceError`.
    live: whether a source that cannot be opened is tried again.
    """

    def __init__(
        self, settings: SourceSettings, clock: Clock, opener: Callable[[], Source], *, live: bool
    ) -> None:
        self.stop = threading.Event()
        """Set by another thread to end the cycle at its next step or wait."""
        self.over = False
        """Whether no frame will come any more."""
        self.call: Call | None = None
        self.live = live
        self.status = Status(SourceState.OPENING, "not opened yet")
        self._settings, self._clock, self._opener = settings, clock, opener
        self._source: Source | None = None
        self._progress = _Progress(pause_s=settings.reopen_min_s, last_frame_s=clock.now().monotonic_s)
        self._pause_due = False
        self._base_index = 0
        self._opened_s = 0.0
        self._shift_s = 0.0

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last frame in pixels; (0, 0) before the first."""
        return self._progress.size

    def open_now(self) -> None:
        """Open the source, or raise its `SourceError`."""
        if self._source is None:
            self._source = self._call_opener()

    def step(self) -> Frame | None:
        """Do the next thing: open, read one frame and wait until it is due, or wait before opening again."""
        try:
            if self._pause_due:
                self._pause()
            elif self._source is None:
                self.open_now()
            else:
                return self._read(self._source)
        except SourceError as error:
            self._lose(error)
        except Exception as error:
            # A library's own error must not end the thread that is there to heal it.
            found = f"the source failed with {type(error).__name__}"
            if found not in self._progress.said:
                _log.exception(found)
            self._lose(SourceError(found))
        return None

    def successor(self, detail: str) -> SourceCycle:
        """Return a cycle that goes on in place of this one, whose call into the library does not come back."""
        heir = SourceCycle(self._settings, self._clock, self._opener, live=self.live)
        heir._progress = replace(self._progress)
        heir._base_index = heir._progress.next_index
        heir._note_loss(SourceState.STALLED, detail)
        heir._pause_due = True
        return heir

    def _pause(self) -> None:
        """Wait before the next opening; each pause is twice the one before, up to `reopen_max_s`."""
        self._pause_due = False
        pause_s = self._progress.pause_s
        self._progress.pause_s = min(2 * pause_s, self._settings.reopen_max_s)
        self._clock.wait(self.stop, pause_s)

    def close(self) -> None:
        """Give the source back."""
        source, self._source = self._source, None
        if source is not None:
            try:
                source.close()
            except Exception:
                _log.debug("the source did not close cleanly", exc_info=True)

    def note(self, state: SourceState, detail: str, *, level: int = logging.DEBUG) -> None:
        """Set the state; a new state is the loop's to report, a new reason for the same one is logged here."""
        before, self.status = self.status, Status(state, detail)
        if before != self.status:
            _log.log(level if before.state is state else logging.DEBUG, "source %s: %s", state, detail)

    def _call_opener(self) -> Source:
        if self._progress.lost_since_s is None:
            self.note(SourceState.OPENING, "opening")
        now_s = self._clock.now().monotonic_s
        self.call = Call(opening=True, since_s=now_s)
        try:
            source = self._opener()
        finally:
            self.call = None
        self._opened_s = self._clock.now().monotonic_s
        self._base_index = self._progress.next_index
        self._shift_s = 0.0
        self.live = source.live
        return source

    def _read(self, source: Source) -> Frame | None:
        self.call = Call(opening=False, since_s=self._clock.now().monotonic_s)
        try:
            frame = source.read()
        finally:
            self.call = None
        if frame is None:
            if source.live:
                raise SourceError(f"{source.name} ended", expected="a camera that goes on")
            self.over = True
            self.note(SourceState.ENDED, f"{source.name} has been played to its end")
            self.close()
            return None
        frame = replace(frame, index=self._base_index + frame.index)
        if not source.live:
            frame = self._when_due(frame)
        if self.stop.is_set():
            return None
        self._note_frame(source, frame)
        return frame

    def _when_due(self, frame: Frame) -> Frame:
        now_s = self._clock.now().monotonic_s
        due_s = frame.at_s + self._shift_s
        if now_s - due_s > MAX_LAG_S:
            self._shift_s += now_s - due_s
            due_s = now_s
        elif due_s > now_s:
            self._clock.wait(self.stop, due_s - now_s)
        return replace(frame, at_s=due_s) if self._shift_s else frame

    def _note_frame(self, source: Source, frame: Frame) -> None:
        progress, now_s = self._progress, self._clock.now().monotonic_s
        height, width = frame.gray.shape
        before, progress.size = progress.size, (width, height)
        progress.next_index, progress.last_frame_s = frame.index + 1, now_s
        if now_s - self._opened_s >= self._settings.stall_s:
            # Only now: a camera that comes and goes every second would be opened every half second for ever.
            progress.pause_s = self._settings.reopen_min_s
        if progress.lost_since_s is not None:
            _log.info("source: frames again, after %.1f s without", now_s - progress.lost_since_s)
            progress.lost_since_s, progress.said = None, frozenset()
        if before not in {(0, 0), (width, height)}:
            progress.changed_s = now_s
            detail = f"{source.name} changed from {before[0]} x {before[1]} to {width} x {height} pixels"
            self.note(SourceState.CHANGED, detail, level=logging.WARNING if source.live else logging.DEBUG)
        elif self.status.state is not SourceState.CHANGED or now_s - progress.changed_s >= CHANGED_SHOWN_S:
            self.note(SourceState.PLAYING, f"{source.name}, {width} x {height} pixels")

    def _lose(self, error: SourceError) -> None:
        opened = self._source is not None
        self.close()
        if not self.live:
            self.over = True
            self.note(SourceState.FAILED, str(error))
            return
        silent_s = self._clock.now().monotonic_s - max(self._opened_s, self._progress.last_frame_s)
        stalled = opened and silent_s >= self._settings.stall_s
        self._note_loss(SourceState.STALLED if stalled else SourceState.GONE, str(error))
        self._pause_due = True

    def _note_loss(self, state: SourceState, detail: str) -> None:
        progress = self._progress
        if progress.lost_since_s is None:
            progress.lost_since_s = progress.last_frame_s
        # Each reason is said once an outage, however often opening is tried.
        level = logging.DEBUG if detail in progress.said else logging.WARNING
        progress.said |= {detail}
        self.note(state, detail, level=level)
