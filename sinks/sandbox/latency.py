"""How long the sandbox takes to answer."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

Latency = Callable[[], float]
"""Draws the seconds that one request takes."""


def fixed(seconds: float) -> Latency:
    """Every request takes as long."""
    return lambda: seconds


def lognormal(median: float, *, spread: float = 0.5, seed: int | None = None) -> Latency:
    """Most requests take about ``median`` seconds, a few of them several times as long.

    ``spread`` is the standard deviation of the logarithm; with a ``seed`` the same times come every time.
    """
    chance = random.Random(seed)  # noqa: S311  nothing secret depends on it
    return lambda: chance.lognormvariate(math.log(median), spread)
