from __future__ import annotations

import pytest

from sinks.answer import Answer, NoAnswer, NotSent
from sinks.retry import (
    AFTER_CREATE,
    AFTER_PATCH,
    AFTER_READ,
    Kind,
    Step,
    delay,
    kind_of,
    retry_after,
    when_absent,
    words_of,
)

SAYS = {"title": "Bad Request", "o:errorDetails": [{"detail": "No.", "o:errorCode": "USER_ERROR"}]}
CHANGED = {
    "title": "Bad Request",
    "o:errorDetails": [{"detail": "Record has been changed", "o:errorCode": "USER_ERROR"}],
}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Answer(204, {}), Kind.ACCEPTED),
        (Answer(200, {}, {"id": "1"}), Kind.ACCEPTED),
        (Answer(200, {}), Kind.SILENT),  # a log-in page of something in between
        (Answer(202, {}), Kind.SILENT),
        (Answer(302, {}), Kind.SILENT),
        (Answer(400, {}, SAYS), Kind.REFUSED),
        (Answer(400, {}, CHANGED), Kind.FAILED),
        (Answer(403, {}, SAYS), Kind.REFUSED),
        (Answer(403, {}), Kind.SILENT),
        (Answer(404, {}, SAYS), Kind.ABSENT),
        (Answer(404, {}), Kind.SILENT),
        (Answer(408, {}, SAYS), Kind.SILENT),
        (Answer(429, {}, SAYS), Kind.BUSY),
        (Answer(429, {}), Kind.BUSY),
        (Answer(401, {}), Kind.UNAUTHORIZED),
        (Answer(500, {}, SAYS), Kind.FAILED),
        (Answer(500, {}), Kind.SILENT),
        (Answer(503, {}, SAYS), Kind.SILENT),
        (NoAnswer("ReadTimeout"), Kind.SILENT),
        (NotSent("ConnectError"), Kind.NOT_SENT),
    ],
)
def test_an_answer_tells_by_its_status_and_its_speaker(reply: Answer | NoAnswer | NotSent, kind: Kind) -> None:
    assert kind_of(reply) is kind


@pytest.mark.parametrize("table", [AFTER_CREATE, AFTER_PATCH, AFTER_READ])
def test_every_kind_of_answer_has_its_step(table: dict[Kind, Step]) -> None:
    assert table.keys() == set(Kind) - {Kind.UNAUTHORIZED}


def test_nothing_is_created_again_before_a_look_up_unless_it_was_certainly_not_processed() -> None:
    again = {kind for kind, step in AFTER_CREATE.items() if step is Step.AGAIN}
    assert again == {Kind.BUSY, Kind.NOT_SENT}


def test_a_refusal_is_believed_only_when_nothing_can_contradict_it() -> None:
    assert when_absent(refused=True, running=False) is Step.REFUSE
    assert when_absent(refused=True, running=True) is Step.WAIT
    assert when_absent(refused=False, running=True) is Step.AGAIN
    assert when_absent(refused=False, running=False) is Step.AGAIN


def test_pauses_double_up_to_the_longest_and_are_spread_over_all_of_it() -> None:
    longest = [delay(tries, initial=0.5, longest=60, draw=1, asked=None) for tries in range(9)]
    assert longest == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert delay(10**6, initial=0.5, longest=60, draw=1, asked=None) == 60
    assert delay(5, initial=0.5, longest=60, draw=0, asked=None) == 0
    assert delay(5, initial=0.5, longest=60, draw=0.25, asked=None) == 4


def test_a_pause_is_never_shorter_than_asked_for_nor_absurd() -> None:
    assert delay(0, initial=0.5, longest=60, draw=1, asked=120) == 120
    assert delay(9, initial=0.5, longest=60, draw=1, asked=2) == 60
    assert delay(0, initial=0.5, longest=60, draw=1, asked=10**9) == 3600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "Tue, 24 Nov 2026 03:00:30 GMT", "date": "Tue, 24 Nov 2026 03:00:00 GMT"}, 30),
        ({"retry-after": "Tue, 24 Nov 2026 02:00:00 GMT", "date": "Tue, 24 Nov 2026 03:00:00 GMT"}, 0),
        ({"retry-after": "Tue, 24 Nov 2026 03:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({}, None),
    ],
)
def test_the_pause_asked_for_is_read_as_seconds_or_by_the_answers_own_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(Answer(429, headers)) == seconds


def test_what_happened_is_said_in_netsuites_words_or_ours() -> None:
    assert words_of(Answer(400, {}, SAYS)) == "No."
    assert words_of(Answer(502, {})) == "HTTP 502 without NetSuite's words"
    assert words_of(NoAnswer("ReadTimeout")) == "ReadTimeout"
