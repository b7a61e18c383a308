from __future__ import annotations

from types import SimpleNamespace

from edge.clock import ManualClock
from edge.meter import Meter
from edge.outbox import Dropped
from edge.stats import Health, resident_mb


def test_frames_a_second_are_since_the_last_report():
    clock = ManualClock()
    health = Health(clock.now())
    camera = SimpleNamespace(state="playing", dropped=3)
    outbox = SimpleNamespace(depth=2, degraded="disk-full", dropped=Dropped(), oldest_age_s=lambda now: 4.0)
    found = []
    for frames in (50, 20):
        for _ in range(frames):
            health.frame()
        report = health.stats(
            clock.advance(10),
            meter=Meter(lambda: 0.0),
            camera=camera,
            outbox=outbox,
            broker="connected",
            model="m",
        )
        found.append(report)
    assert [report.fps for report in found] == [5.0, 2.0]
    assert (found[1].frames, found[1].uptime_s, found[1].frames_skipped) == (70, 20.0, 3)
    assert (found[1].outbox, found[1].queue_depth, found[1].queue_age_s) == ("disk-full", 2, 4.0)


def test_the_process_knows_its_memory():
    assert 10 < resident_mb() < 5000
