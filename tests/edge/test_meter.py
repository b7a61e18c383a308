from __future__ import annotations

import pytest

from edge.meter import Meter, summarise_ms


def test_median_and_p95_by_hand():
    times_s = [i / 1000 for i in range(1, 101)]
    assert summarise_ms(times_s) == {"median": 50.5, "p95": pytest.approx(95.05), "mean": 50.5, "count": 100}


def test_a_stage_is_timed_even_if_it_fails():
    now = iter([0.0, 0.002, 1.0, 1.004])
    meter = Meter(lambda: next(now))
    with meter.stage("find"):
        pass
    with pytest.raises(ZeroDivisionError), meter.stage("find"):
        1 / 0  # noqa: B018
    assert meter.summary_ms() == {"find": {"median": 3.0, "p95": pytest.approx(3.9), "mean": 3.0, "count": 2}}


def test_old_times_make_room():
    now = iter(range(1000))
    meter = Meter(lambda: float(next(now)), window=10)
    for _ in range(30):
        with meter.stage("read"):
            pass
    assert meter.summary_ms()["read"]["count"] == 10
