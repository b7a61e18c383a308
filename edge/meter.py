"""How long each stage takes: the last few hundred times of each, for `stats` and `bench`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

WINDOW: Final = 600
"""Times kept for each stage: a minute at ten frames a second."""


class Meter:
    """Collects stage times.

    Parameters
    ----------
    read_s: a clock in seconds; the daemon passes the processor time of its thread.
    window: times kept for each stage.
    """

    def __init__(self, read_s: Callable[[], float], *, window: int = WINDOW) -> None:
        self._read_s = read_s
        self._window = window
        self._times: dict[str, deque[float]] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block as one run of the stage `name`."""
        start = self._read_s()
        try:
            yield
        finally:
            self._times.setdefault(name, deque(maxlen=self._window)).append(self._read_s() - start)

    def summary_ms(self) -> dict[str, dict[str, float]]:
        """Return median and 95th percentile in milliseconds, and the count, of each stage."""
        return {name: summarise_ms(list(times)) for name, times in self._times.items() if times}

    def times_s(self, name: str) -> list[float]:
        """Return the kept times of a stage, in seconds, oldest first."""
        return list(self._times.get(name, ()))


def summarise_ms(times_s: list[float]) -> dict[str, float]:
    """Return `median`, `p95` and `mean` in milliseconds, and `count`."""
    values = np.asarray(times_s, np.float64) * 1000.0
    return {
        "median": round(float(np.median(values)), 4),
        "p95": round(float(np.percentile(values, 95)), 4),
        "mean": round(float(values.mean()), 4),
        "count": len(times_s),
    }
