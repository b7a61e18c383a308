from __future__ import annotations

import pytest

pytest.importorskip("keras")

from train.schedule import OneCycle


def test_up_to_the_peak_and_down_to_nothing():
    rate = OneCycle(0.1, 1000, 0.1)
    assert float(rate(0)) == pytest.approx(0.004)
    assert float(rate(100)) == pytest.approx(0.1)
    assert float(rate(550)) == pytest.approx(0.05)
    assert float(rate(1000)) == pytest.approx(0.0, abs=1e-8)
    assert float(rate(2000)) == pytest.approx(0.0, abs=1e-8)


def test_keras_can_rebuild_it():
    rate = OneCycle(0.1, 1000, 0.1)
    assert float(OneCycle.from_config(rate.get_config())(300)) == float(rate(300))
