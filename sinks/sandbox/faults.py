"""Which request meets which fault. Pure: the same requests and the same plan give the same faults, from plain data."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec


class Kind(StrEnum):
    """What can happen to a request."""

    NO_ANSWER_BEFORE = "no-answer-before"
    """Nothing is written; the connection ends without an answer, after ``seconds``."""
    NO_ANSWER_AFTER = "no-answer-after"
    """It is written; the connection ends without an answer, after ``seconds``."""
    ERROR_BEFORE = "error-before"
    """Nothing is written; 500."""
    ERROR_AFTER = "error-after"
    """It is written, and a script that runs afterwards fails: 500."""
    RESET = "reset"
    """It is written; the connection is reset in the middle of the answer."""
    TOO_MANY_REQUESTS = "too-many-requests"
    """Nothing is written; 429, for so many ``requests`` or ``seconds``, whosever they are."""
    MAINTENANCE = "maintenance"
    """Nothing is written; 503 and a page for people, for so many ``requests`` or ``seconds``, whosever they are."""
    UNAUTHORIZED = "unauthorized"
    """Nothing is written; 401, for so many ``requests`` or ``seconds``, whosever they are."""
    STALL = "stall"
    """It is written, and answered, after ``seconds``, also when the caller has gone. Others may be faster."""
    IN_FLIGHT = "in-flight"
    """As a stall; others that write the same external id wait for it, and are refused as duplicates."""
    TWIN = "twin"
    """It arrives twice; the answer is that of the second. A create is written, and refused as a duplicate."""
    HALF_BATCH = "half-batch"
    """A batch breaks off after half of its records. Other requests are left alone."""


LONGEST = 900
"""Seconds after which NetSuite gives a request up; what stalls is written before."""

_OUTAGES = frozenset({Kind.TOO_MANY_REQUESTS, Kind.MAINTENANCE, Kind.UNAUTHORIZED})
_DELAYS = frozenset({Kind.STALL, Kind.IN_FLIGHT})
_GATEWAY = frozenset({502, 503, 504})


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """One fault. ``seconds`` are on the clock that a test can move.

    ``requests`` is how many requests in a row meet an outage (429, 503, 401), the first included; with ``seconds``
    all of that time. ``retry_after`` is sent with 429 and 503; ``status`` may be 502 or 504 instead of 503.
    """

    kind: Kind
    seconds: float = 0.0
    requests: int = 1
    retry_after: int | None = None
    status: int = 503

    def __post_init__(self) -> None:
        if not 0 <= self.seconds < math.inf:
            raise ValueError("seconds must be 0 or more")
        if self.kind in _DELAYS and not 0 < self.seconds <= LONGEST:
            raise ValueError(f"{self.kind} needs seconds, at most {LONGEST}")
        if self.requests < 1 or self.status not in _GATEWAY:
            raise ValueError("requests must be at least 1, and status 502, 503 or 504")


class Asked(msgspec.Struct, frozen=True):
    """What a plan sees of a request. ``record`` is its type, or ``suiteql``, ``job``, ``token`` or ``other``."""

    method: str
    record: str
    external_id: str | None = None


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """Which requests are meant; what is not given fits all. ``external_id`` may hold ``*``, in any case of letters."""

    method: str | None = None
    record: str | None = None
    external_id: str | None = None

    def fits(self, asked: Asked) -> bool:
        """Whether a request is meant."""
        if self.method is not None and self.method.upper() != asked.method:
            return False
        if self.record is not None and self.record.lower() != asked.record.lower():
            return False
        return self.external_id is None or fnmatchcase((asked.external_id or "").lower(), self.external_id.lower())


class ByRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fault for certain requests: ``times`` of them (None: all), after the first ``after``."""

    fault: Fault
    match: Match = Match()
    after: int = 0
    times: int | None = 1


class ByRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fault for a share of the requests, 0 to 1."""

    fault: Fault
    rate: float
    match: Match = Match()

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ValueError("rate must be a share from 0 to 1")


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Faults for the requests that match, one after another; None lets one pass. Afterwards all pass."""

    faults: tuple[Fault | None, ...]
    match: Match = Match()


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """All faults that are to happen. The first that fits counts: scripts, then requests, then rates."""

    seed: int = 0
    scripts: tuple[Script, ...] = ()
    requests: tuple[ByRequest, ...] = ()
    rates: tuple[ByRate, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.scripts or self.requests or self.rates)


class Injector:
    """Follows one plan: remembers how far its scripts and counts are, and which outage lasts.

    What a rate gives a request depends on nothing but the request and how often it came before; whether it falls into
    an outage, and what counts and scripts give it, also on the others.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._scripted = [0] * len(plan.scripts)
        self._counted = [0] * len(plan.requests)
        self._seen: Counter[Asked] = Counter()
        self._outage: Fault | None = None
        self._until = 0.0
        self._left = 0

    def fault_for(self, asked: Asked, now: float) -> Fault | None:
        """What happens to the next request, at ``now`` seconds of any clock; None: nothing."""
        if self._outage is not None:
            if self._left > 0 or now < self._until:
                self._left -= 1
                return self._outage
            self._outage = None
        fault = self._planned(asked)
        if fault is not None and fault.kind in _OUTAGES:
            self._outage, self._until, self._left = fault, now + fault.seconds, fault.requests - 1
        return fault

    def _planned(self, asked: Asked) -> Fault | None:
        self._seen[asked] += bool(self.plan.rates)
        for number, script in enumerate(self.plan.scripts):
            if self._scripted[number] < len(script.faults) and script.match.fits(asked):
                self._scripted[number] += 1
                return script.faults[self._scripted[number] - 1]
        for number, rule in enumerate(self.plan.requests):
            if rule.match.fits(asked):
                self._counted[number] += 1
                nth = self._counted[number] - rule.after
                if nth > 0 and (rule.times is None or nth <= rule.times):
                    return rule.fault
        return self._by_rate(asked) if self.plan.rates else None

    def _by_rate(self, asked: Asked) -> Fault | None:
        drawn = chance(self.plan.seed, asked, self._seen[asked])
        for rule in self.plan.rates:
            if rule.match.fits(asked):
                if drawn < rule.rate:
                    return rule.fault
                drawn -= rule.rate
        return None


def chance(seed: int, asked: Asked, nth: int) -> float:
    """A number from 0 to 1 for the ``nth`` request of its kind, the same whatever came in between."""
    text = f"{seed} {asked.method} {asked.record} {(asked.external_id or '').lower()} {nth}"
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest()) / 2**64
