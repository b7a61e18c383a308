"""edge/slot.py: the latest frame, never a queue."""

from __future__ import annotations

import threading

import numpy as np

from edge.clock import ManualClock, SystemClock
from edge.slot import LatestFrame
from edge.types import Frame


def frame(index):
    return Frame(gray=np.zeros((2, 2), np.uint8), index=index, at_s=float(index))


def test_only_the_latest_frame_is_kept_and_the_others_count_as_dropped():
    slot = LatestFrame(ManualClock())
    assert [slot.put(frame(i)) for i in range(3)] == [False, True, True]
    assert slot.waiting
    assert slot.take(-1, 0).index == 2
    assert not slot.waiting
    assert slot.put(frame(3)) is False


def test_a_frame_is_given_once():
    slot = LatestFrame(ManualClock())
    slot.put(frame(0))
    assert slot.take(-1, 0).index == 0
    assert slot.take(0, 0) is None
    assert slot.take(-1, 0).index == 0  # Who asks for an older one may have it again.


def test_a_time_out_takes_the_clocks_time():
    clock = ManualClock()
    assert LatestFrame(clock).take(-1, 0.5) is None
    assert clock.now().monotonic_s == 0.5


def test_a_waiting_taker_is_woken_by_a_frame():
    slot = LatestFrame(SystemClock())
    threading.Timer(0.05, slot.put, [frame(7)]).start()
    assert slot.take(-1, 5).index == 7


def test_a_waiting_taker_is_woken_at_the_end():
    clock = SystemClock()
    slot = LatestFrame(clock)
    before = clock.now().monotonic_s
    threading.Timer(0.05, slot.wake).start()
    assert slot.take(-1, 5) is None
    assert clock.now().monotonic_s - before < 2


def test_two_threads_lose_nothing_but_what_is_counted():
    slot = LatestFrame(SystemClock())
    dropped = []
    thread = threading.Thread(target=lambda: dropped.extend(slot.put(frame(i)) for i in range(5000)))
    thread.start()
    seen, last = 0, -1
    while last < 4999:
        found = slot.take(last, 1)
        assert found is not None
        assert found.index > last
        seen, last = seen + 1, found.index
    thread.join()
    assert seen + sum(dropped) == 5000
