"""How long the sandbox takes to answer."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from statistics import NormalDist

import msgspec

Latency = Callable[[], float]
"""Draws the seconds that one request takes."""

_P99 = NormalDist().inv_cdf(0.99)


class LatencySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Latency as plain data, in seconds: ``seconds`` for every request, or a ``median`` and a ``p99``.

    Raises ``ValueError`` for what is no latency.
    """

    seconds: float = 0.0
    median: float | None = None
    p99: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < math.inf:
            raise ValueError("seconds must be 0 or more")
        if (self.median is None) != (self.p99 is None):
            raise ValueError("median and p99 go together")
        if self.median is not None and self.p99 is not None and not 0 < self.median <= self.p99 < math.inf:
            raise ValueError("median must be above 0, and p99 not below it")

    def latency(self) -> Latency:
        """The draw that these settings describe."""
        if self.median is None or self.p99 is None:
            return fixed(self.seconds)
        return lognormal(self.median, spread=math.log(self.p99 / self.median) / _P99, seed=self.seed)


def fixed(seconds: float) -> Latency:
    """Every request takes as long."""
    return lambda: seconds


def lognormal(median: float, *, spread: float = 0.5, seed: int | None = None) -> Latency:
    """Most requests take about ``median`` seconds, a few of them several times as long.

    ``spread`` is the standard deviation of the logarithm; with a ``seed`` the same times come every time.
    """
    chance = random.Random(seed)  # noqa: S311  nothing secret depends on it
    return lambda: chance.lognormvariate(math.log(median), spread)
