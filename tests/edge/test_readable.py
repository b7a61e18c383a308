from __future__ import annotations

from edge.apps.readable import event_line
from edge.clock import ManualClock
from tests.events import life


def test_each_kind_of_event_is_one_readable_line():
    lines = [event_line(event) for event in life("0192-abcd", ManualClock().now())]
    assert [verb in line for verb, line in zip(("arrived", "changed", "left"), lines, strict=True)] == [
        True
    ] * 3
    assert all(
        "face abcd" in line and "happy" in line and "0.90" in line and "\n" not in line for line in lines
    )
    assert lines[-1].endswith("after 0.0 s")
