"""How far a figure measured on so many faces may be off: 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

Z: Final = 1.959964
"""The normal distribution's 97.5 % quantile."""
RESAMPLES: Final = 400
"""Bootstrap draws; the ends of a 95 % interval then move by a few per cent of its width between seeds."""


class Interval(msgspec.Struct, frozen=True):
    """A 95 % interval."""

    low: float
    high: float


def wilson(successes: int, count: int) -> Interval:
    """Return Wilson's score interval of a share (Wilson 1927); it stays within 0 and 1 for few faces."""
    if count == 0:
        return Interval(0.0, 1.0)
    share = successes / count
    centre = share + Z * Z / (2 * count)
    half = Z * math.sqrt(share * (1 - share) / count + Z * Z / (4 * count * count))
    scale = 1 + Z * Z / count
    return Interval(max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale))


def of_mean(values: npt.NDArray[np.floating]) -> Interval:
    """Return the interval of a mean by the normal approximation; `values`: (N,)."""
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, mean)
    half = Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(mean - half, mean + half)


def bootstrap(
    count: int, figure: Callable[[npt.NDArray[np.int64]], float], *, seed: int = 0, resamples: int = RESAMPLES
) -> Interval:
    """Return the percentile bootstrap interval (Efron 1979) of a figure of `count` faces.

    Parameters
    ----------
    figure: gets row indices, int64 (count,), drawn with replacement.
    """
    random = np.random.default_rng(seed)
    found = [figure(random.integers(0, count, count)) for _ in range(resamples)]
    low, high = np.quantile(found, [0.025, 0.975])
    return Interval(float(low), float(high))
