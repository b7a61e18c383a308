from __future__ import annotations

import numpy as np

from train.ema import WeightAverage


def test_the_first_step_is_taken_whole_and_later_ones_by_share():
    average = WeightAverage(0.5)
    average.update([np.array([2.0], np.float32)])
    assert average.values[0].tolist() == [2.0]
    average.update([np.array([4.0], np.float32)])  # share kept: min(.5, 3 / 12) = .25
    assert average.values[0].tolist() == [3.5]


def test_early_the_random_start_is_forgotten_and_late_the_average_is_slow():
    average = WeightAverage(0.999)
    for _ in range(100):
        average.update([np.array([0.0], np.float32)])
    average.update([np.array([1.0], np.float32)])
    assert 0.05 < average.values[0][0] < 0.1
    average.steps = 100_000
    average.update([np.array([1.0], np.float32)])
    assert average.values[0][0] < 0.1


def test_the_average_is_a_copy():
    weight = np.array([1.0], np.float32)
    average = WeightAverage(0.9)
    average.update([weight])
    weight += 1
    assert average.values[0].tolist() == [1.0]
