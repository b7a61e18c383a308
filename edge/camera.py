"""The camera's own thread: it keeps the latest frame ready, and is replaced when the camera's library hangs."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from edge.clock import Clock
from edge.errors import SourceError
from edge.settings import SourceSettings
from edge.slot import LatestFrame
from edge.source import Source, SourceState, kind_of, open_source
from edge.source_cycle import SourceCycle
from edge.types import Frame

__all__ = ["Reader", "SourceState"]

OPEN_HANG_S: Final = 30.0
"""Opening takes longer than reading: a sleeping network camera, or a sensor that loads its tuning."""
OPEN_FIRST_WAIT_S: Final = 2.0
"""`open_first` waits this long for a camera, so that start-up can report what it found."""
STOP_WAIT_S: Final = 2.0
"""A thread that has not ended by then hangs in the camera's library; it is left behind (it is a daemon thread)."""
MAX_HUNG: Final = 4
"""Threads left behind at most: a driver that swallowed four will swallow the fifth."""

_log = logging.getLogger(__name__)


class Reader:
    """Reads a source in a thread and heals it: opens again with growing pauses, survives hanging drivers.

    `next_frame`, `state` and `detail` also keep watch over the thread, so the loop needs no other watchdog.

    Parameters
    ----------
    settings: the source's address, limits and pauses.
    clock: all time.
    opener: returns an opened source or raises `SourceError`; default: `open_source`.
    keep_colour: ask the source for `Frame.colour`.
    """

    def __init__(
        self,
        settings: SourceSettings,
        clock: Clock,
        *,
        opener: Callable[[], Source] | None = None,
        keep_colour: bool = False,
    ) -> None:
        self.frames = 0
        """Frames read so far."""
        self.dropped = 0
        """Frames that a newer one replaced before anybody looked at them."""
        self._settings, self._clock = settings, clock
        self._custom = opener is not None
        self._opener = opener or (lambda: open_source(settings, clock, keep_colour=keep_colour))
        self._slot = LatestFrame(clock)
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._hung: list[threading.Thread] = []
        self._thread: threading.Thread | None = None
        self._cycle = SourceCycle(settings, clock, self._opener, live=self._is_live())

    def open_first(self) -> None:
        """Open the source for the first time.

        A camera that is not there is no error: the state says so, and opening it is tried again for ever.

        Raises
        ------
        SourceError
            The address is none, or the file or folder cannot be played.
        """
        if not self._custom:
            kind_of(self._settings.uri)
        if not self._cycle.live:
            self._cycle.open_now()
        elif self._thread is None:
            self._run(self._cycle)
            self._clock.wait(self._settled, OPEN_FIRST_WAIT_S)

    def start(self) -> None:
        """Start reading; `open_first` comes first where it was not called. A second call does nothing."""
        self.open_first()
        if self._thread is None:
            self._run(self._cycle)

    def stop(self) -> None:
        """Stop reading and give the source back; returns within 2 seconds even if the camera hangs."""
        with self._lock:
            self._cycle.stop.set()
            thread = self._thread
        self._slot.wake()
        if thread is None:
            self._cycle.close()
            return
        thread.join(STOP_WAIT_S)
        if thread.is_alive():
            _log.warning("the camera did not let go within %g s and is left behind", STOP_WAIT_S)

    def next_frame(self, after_index: int, timeout_s: float) -> Frame | None:
        """Return the latest frame with an index above `after_index`, or `None` after `timeout_s` seconds."""
        frame = self._slot.take(after_index, timeout_s)
        if frame is None:
            self._watch()
        return frame

    @property
    def state(self) -> SourceState:
        """How the source is doing now."""
        self._watch()
        return self._cycle.status.state

    @property
    def detail(self) -> str:
        """One line about the state, for log and stats; holds no password."""
        return self._cycle.status.detail

    @property
    def finished(self) -> bool:
        """Whether nothing more will come, and the last frame has been taken."""
        return self._cycle.over and not self._slot.waiting

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the last frame in pixels; (0, 0) before the first."""
        return self._cycle.size

    def _is_live(self) -> bool:
        try:
            return kind_of(self._settings.uri).live
        except SourceError:
            return self._custom

    def _run(self, cycle: SourceCycle) -> None:
        self._thread = threading.Thread(
            target=self._work, args=(cycle,), name="emotion-edge-source", daemon=True
        )
        self._thread.start()

    def _work(self, cycle: SourceCycle) -> None:
        while not (cycle.stop.is_set() or cycle.over):
            frame = cycle.step()
            if frame is not None:
                with self._lock:
                    if cycle is not self._cycle:
                        break  # Came back too late: another thread has taken over.
                    self.frames += 1
                    self.dropped += self._slot.put(frame)
            if cycle.status.state is not SourceState.OPENING:
                self._settled.set()
        cycle.close()
        self._slot.wake()

    def _watch(self) -> None:
        """Replace the thread when its call into the camera's library does not come back."""
        with self._lock:
            cycle, thread = self._cycle, self._thread
            call = cycle.call
            if thread is None or call is None or cycle.stop.is_set():
                return
            limit_s = max(OPEN_HANG_S, self._settings.stall_s) if call.opening else self._settings.stall_s
            if self._clock.now().monotonic_s - call.since_s < limit_s:
                return
            detail = f"the camera has not answered for {limit_s:g} s"
            if not cycle.live:  # A file on a disk that sleeps or a share that is away: nothing to open again.
                cycle.note(SourceState.STALLED, f"the file has not answered for {limit_s:g} s")
                return
            self._hung = [old for old in self._hung if old.is_alive()]
            if len(self._hung) >= MAX_HUNG:
                detail = (
                    f"{detail}, and neither have {MAX_HUNG} tries before; unplug it, then restart the service"
                )
                cycle.note(SourceState.FAILED, detail)
                return
            cycle.stop.set()
            self._hung.append(thread)
            self._cycle = cycle.successor(detail)
            self._run(self._cycle)
