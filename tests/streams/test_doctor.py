"""`nuestream doctor` as its users run it: lines for people, JSON for programs, a status for both."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sinks.sandbox.account_rules import AccountRules
from sinks.sandbox.role import Role
from streams.cli import cli
from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks import certificates


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.upper().startswith("NUESTREAM_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    with running_sandbox(credentials=certificates.known("P-256")) as running:
        yield running


def doctor(sandbox: RunningSandbox, *options: str, **more: str) -> Result:
    Path("key.pem").write_text(certificates.pem_of(certificates.key("P-256")))
    given = {
        "NUESTREAM_NETSUITE__ACCOUNT": "123456_SB1",
        "NUESTREAM_NETSUITE__URL": sandbox.url,
        "NUESTREAM_NETSUITE__CLIENT_ID": certificates.CLIENT_ID,
        "NUESTREAM_NETSUITE__CERTIFICATE_ID": certificates.CERTIFICATE_ID,
        "NUESTREAM_NETSUITE__PRIVATE_KEY_FILE": "key.pem",
    }
    return CliRunner().invoke(cli, ["doctor", *options], env=given | more)


def test_every_check_is_one_line_and_an_account_in_order_is_status_0(sandbox: RunningSandbox) -> None:
    done = doctor(sandbox)
    assert (done.exit_code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == 25
    assert {line[:12].strip() for line in lines} == {"ok", "not checked"}
    assert "ok          login: NetSuite lets this integration in" in lines


def test_something_to_fix_is_status_1_and_json_says_the_same(sandbox: RunningSandbox) -> None:
    sandbox.verifier.role = Role(frozenset({"returnAuthorization"}))
    done = doctor(sandbox, "--json", "--currency", "EUR", "--term", "Net 31")
    assert done.exit_code == 1
    found = {each["check"]: (each["state"], each["words"]) for each in json.loads(done.stdout)}
    assert found["permission to open returnAuthorization"][0] == "fix"
    assert found["payment terms"][0] == "fix"
    assert found["currencies"][0] == "ok"
    fixes = [line for line in doctor(sandbox).stdout.splitlines() if line.startswith("fix ")]
    assert len(fixes) == 1
    assert fixes[0].startswith("fix         permission to open returnAuthorization: give the role Transactions > ")


def test_writing_is_tried_only_when_it_is_asked_for(sandbox: RunningSandbox) -> None:
    assert "creating salesOrder" not in doctor(sandbox).stdout
    done = doctor(sandbox, "--try-writing")
    assert done.exit_code == 0
    assert "ok          opposite lines on one returnAuthorization: NetSuite takes them" in done.stdout.splitlines()


@pytest.mark.parametrize("record", ["salesOrder", "returnAuthorization"])
def test_an_account_that_refuses_opposite_lines_demands_a_policy_that_splits_them(record: str) -> None:
    rules = AccountRules(positive_lines=frozenset({record}))
    with running_sandbox(credentials=certificates.known("P-256"), rules=rules) as sandbox:
        done = doctor(sandbox, "--try-writing")
        assert done.exit_code == 1
        (line,) = [line for line in done.stdout.splitlines() if line.startswith("fix ")]
        assert line.startswith(f"fix         opposite lines on one {record}: NetSuite refuses them (")
        assert "set policy.mixed_orders to split" in line
        done = doctor(sandbox, "--try-writing", NUESTREAM_POLICY__MIXED_ORDERS="split")
        assert (done.exit_code, "fix " in done.stdout) == (0, False)


def test_a_place_that_netsuite_does_not_know_is_told_as_the_sink_would(sandbox: RunningSandbox) -> None:
    done = doctor(sandbox, NUESTREAM_NETSUITE__MAPPING__SUBSIDIARY="Parent Company")
    assert (done.exit_code, "ok          subsidiary Parent Company: it has internal id 1" in done.stdout) == (0, True)
    done = doctor(sandbox, NUESTREAM_NETSUITE__MAPPING__LOCATION="Atlantis")
    assert done.exit_code == 1
    assert "fix         location Atlantis: netsuite.mapping.location: 'Atlantis' is not known by that" in done.stdout


def test_a_policy_that_splits_is_taken_into_account(sandbox: RunningSandbox) -> None:
    done = doctor(sandbox, NUESTREAM_POLICY__MIXED_ORDERS="split")
    assert "ok          opposite lines on one document: the policy makes none" in done.stdout.splitlines()


def test_a_currency_is_known_in_any_case_and_an_empty_name_is_refused(sandbox: RunningSandbox) -> None:
    assert "ok          currencies: " in doctor(sandbox, "--currency", "usd").stdout
    for option in ("--currency", "--term"):
        done = doctor(sandbox, option, " ")
        assert (done.exit_code, f"Invalid value for '{option}': it is empty" in done.stderr) == (2, True)


def test_an_address_where_something_else_answers_is_told_with_the_setting() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        with running_sandbox() as sandbox:
            done = doctor(sandbox, NUESTREAM_NETSUITE__URL=url)
        server.shutdown()
    assert done.exit_code == 1
    (fix,) = [line for line in done.stdout.splitlines() if line.startswith("fix ")]
    assert fix.startswith("fix         login: whether it works cannot be told (")
    assert f"see that {url} is NetSuite's address (netsuite.url)" in fix


def test_a_missing_setting_is_one_line_and_status_2(sandbox: RunningSandbox) -> None:
    done = doctor(sandbox, NUESTREAM_NETSUITE__CLIENT_ID="")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1)
    assert "netsuite.client_id (NUESTREAM_NETSUITE__CLIENT_ID) is not set; `nuestream doctor` needs it" in done.stderr
