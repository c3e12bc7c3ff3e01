"""The file of customers and items that were in NetSuite before: every mistake with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.adoption import adopted_in, read_adoptions
from streams.errors import SettingsError

HEADER = "nue_id,record,netsuite_id\n"


def file_of(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / "adopt.csv"
    file.write_text(text, encoding=encoding)
    return file


def test_a_line_says_which_record_one_of_nues_is(tmp_path: Path) -> None:
    file = file_of(tmp_path, HEADER + "acme,customer,12\n\n seat , Item , 7 \n")
    assert adopted_in(file) == {"NUE-CUST-acme": "12", "NUE-ITEM-seat": "7"}
    assert adopted_in(None) == {}


def test_ids_are_widened_as_commands_have_them_and_external_ids_are_taken_as_they_are(tmp_path: Path) -> None:
    file = file_of(tmp_path, HEADER + "0015g00000AbCdE,customer,1\nNUE-CUST-acme,customer,2\nNUE-CUST-x,item,3\n")
    assert adopted_in(file) == {"NUE-CUST-0015g00000AbCdEAAV": "1", "NUE-CUST-acme": "2", "NUE-ITEM-NUE-CUST-x": "3"}


@pytest.mark.parametrize("between", [";", "\t"])
def test_a_spreadsheets_own_separator_and_byte_order_mark_are_read(tmp_path: Path, between: str) -> None:
    text = (HEADER + "acme,customer,12\n").replace(",", between)
    assert adopted_in(file_of(tmp_path, text, "utf-8-sig")) == {"NUE-CUST-acme": "12"}


def test_every_mistake_is_told_with_its_line(tmp_path: Path) -> None:
    lines = [
        "acme,customer,12",
        "bolt,vendor,13",
        "core,customer",
        ",customer,14",
        "dune,customer,A-15",
        "acme,customer,16",
        "echo,customer,12",
        "echo2,item,12",
    ]
    adoptions, mistakes = read_adoptions(file_of(tmp_path, HEADER + "\n".join(lines)))
    assert [f"line {mistake.line}: {mistake.problem}" for mistake in mistakes] == [
        "line 3: record is 'vendor', not customer or item",
        "line 4: it has 2 columns, not 3",
        "line 5: nue_id is empty",
        "line 6: netsuite_id is 'A-15', not an internal id (a number)",
        "line 7: customer acme stands in line 2 already",
        "line 8: NetSuite's customer 12 stands in line 2 already",
    ]
    assert adoptions[-1] == (9, "item", "NUE-ITEM-echo2", "12")


def test_a_file_with_mistakes_keeps_the_sink_from_starting_and_names_setting_file_and_lines(tmp_path: Path) -> None:
    file = file_of(tmp_path, HEADER + "bolt,vendor,13\n" * 7)
    with pytest.raises(SettingsError) as raised:
        adopted_in(file)
    told = str(raised.value)
    assert told.startswith(f"netsuite.adopt (NUESTREAM_NETSUITE__ADOPT): {file}: line 2: ")
    assert told.endswith("; and 2 more")


@pytest.mark.parametrize("text", ["", "id,record,netsuite\nacme,customer,1\n"])
def test_a_file_without_its_header_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="line 1: the columns are nue_id, record, netsuite_id"):
        adopted_in(file_of(tmp_path, text))


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="not UTF-8"):
        adopted_in(file_of(tmp_path, HEADER + "é", "latin-1"))
