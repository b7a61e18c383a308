from __future__ import annotations

import threading
from datetime import UTC, datetime

from edge.clock import ManualClock, SystemClock


def test_a_stamp_is_rfc_3339_in_utc():
    assert ManualClock(datetime(2026, 5, 1, 12, tzinfo=UTC)).advance(1.5).stamp == "2026-05-01T12:00:01.500Z"


def test_a_jump_moves_the_wall_clock_alone():
    clock = ManualClock()
    before = clock.now()
    clock.jump(-86_400)
    after = clock.now()
    assert after.monotonic_s == before.monotonic_s
    assert (before.utc - after.utc).days == 1


def test_waiting_by_hand_takes_no_time_and_moves_the_clock():
    clock, event = ManualClock(), threading.Event()
    assert not clock.wait(event, 3600)
    assert clock.now().monotonic_s == 3600
    event.set()
    assert clock.wait(event, 3600)
    assert clock.now().monotonic_s == 3600


def test_the_machine_s_clock_goes_on():
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert second.monotonic_s >= first.monotonic_s
    assert first.utc.tzinfo is UTC
