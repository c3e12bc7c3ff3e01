"""How far long work is told to be."""

from __future__ import annotations

import pytest

from streams import pace
from streams.pace import Pace


def test_work_that_has_not_begun_is_told_without_a_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pace, "_REDRAW", -1.0)
    monkeypatch.setattr(pace, "_SAY_EVERY", -1.0)
    with Pace("working", 1000) as working:
        working.reach(0)
        working.advance(400)
        working.advance(100)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "working: 0 of 1,000 records, 0/s"
    assert second.startswith("working: 500 of 1,000 records, ")
    assert second.endswith(" left")
