"""The learning rate: one cycle, linear up and cosine down."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Rate at a step: linear from peak / 25 up to `peak`, then half a cosine to 0 (Smith 2018, arXiv 1803.09820)."""

    START_SHARE = 1 / 25
    """First rate as a share of the peak: high enough to move at once, low enough not to diverge."""

    def __init__(self, peak: float, steps: int, warmup_share: float) -> None:
        self.peak = peak
        self.steps = steps
        self.warmup_share = warmup_share

    def __call__(self, step: Any) -> Any:
        """Return the rate at `step`, counted from 0."""
        warmup = max(1.0, self.steps * self.warmup_share)
        step = ops.cast(step, "float32")
        up = self.START_SHARE + (1.0 - self.START_SHARE) * step / warmup
        done = ops.clip((step - warmup) / max(1.0, self.steps - warmup), 0.0, 1.0)
        down = 0.5 * (1.0 + ops.cos(math.pi * done))
        return self.peak * ops.where(step < warmup, up, down)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments, for Keras."""
        return {"peak": self.peak, "steps": self.steps, "warmup_share": self.warmup_share}
