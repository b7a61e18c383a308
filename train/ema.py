"""A running average of a network's weights, which is what gets evaluated and shipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class WeightAverage:
    """Exponential average of weights and normalisation statistics (Polyak & Juditsky 1992).

    The share kept grows from 2/11 towards `keep` as steps go by, so that the average of the first epochs is
    of what was just learnt and not of the random start.
    """

    def __init__(
        self, keep: float, values: list[npt.NDArray[np.float32]] | None = None, steps: int = 0
    ) -> None:
        self.keep = keep
        self.values = values
        self.steps = steps

    def update(self, weights: list[npt.NDArray[Any]]) -> None:
        """Take in the weights after one step."""
        self.steps += 1
        current = [np.array(weight, np.float32) for weight in weights]
        if self.values is None:
            self.values = current
            return
        share = 1.0 - min(self.keep, (1.0 + self.steps) / (10.0 + self.steps))
        for average, weight in zip(self.values, current, strict=True):
            np.add(average, share * (weight - average), out=average)
