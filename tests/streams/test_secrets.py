"""What the sink logs in with is in none of its logs, messages, representations or records, whatever goes wrong."""

from __future__ import annotations

import asyncio
import logging
import re
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, unquote

import pytest

from schemas.outcome import LetterState
from sinks.answer import NotSent
from sinks.deliver import Unauthorized
from streams.netsuite_login import client_of
from streams.reading import TopicReader
from streams.settings import Settings
from tests.environment import Kafka
from tests.sandbox_server import running_sandbox
from tests.sinks import certificates
from tests.sinks.bad_line import BadLine, bad_line, drop, fail_after_commit, page, says
from tests.sinks.orders import customer, item
from tests.streams.sinking import Line, negative, sales_order

REFUSED = says(401, "Invalid login attempt.", "INVALID_LOGIN")
NOWHERE = "http://127.0.0.1:9"
WRONG = {
    "oauth2": {"certificate_id": "another"},
    "tba": {"token_secret": "another-secret-that-must-not-show"},
}


@asynccontextmanager
async def account(kafka: Kafka, prefix: str, auth: str) -> AsyncIterator[tuple[Line, BadLine]]:
    """Topics, and a sandbox behind a line that hears everything. The settings hold the secrets of both logins."""
    with running_sandbox(credentials=certificates.known("P-256")) as sandbox:
        async with bad_line(sandbox.url) as bad:
            given = {
                "url": bad.url,
                "auth": auth,
                "client_id": certificates.CLIENT_ID,
                "certificate_id": certificates.CERTIFICATE_ID,
                "private_key": certificates.pem_of(certificates.key("P-256")),
            }
            line = Line(kafka.bootstrap, prefix, sandbox, netsuite=given)
            line.make_topics()
            yield line, bad


def secrets_of(settings: Settings, bad: BadLine) -> dict[str, str]:
    """Everything that must not show: what is in the settings, and what was made of it and sent."""
    netsuite = settings.netsuite
    key_lines = netsuite.private_key.get_secret_value().splitlines()[1:-1]
    found = {f"line {number} of the private key": line for number, line in enumerate(key_lines)}
    found["the consumer secret"] = netsuite.consumer_secret.get_secret_value()
    found["the token secret"] = netsuite.token_secret.get_secret_value()
    found["another token secret"] = WRONG["tba"]["token_secret"]
    for number, header in enumerate(filter(None, bad.signatures)):
        signature = re.search(r'oauth_signature="([^"]+)"', header)
        found[f"login {number}"] = header.removeprefix("Bearer ") if signature is None else signature[1]
        found[f"login {number}, decoded"] = unquote(found[f"login {number}"])
    for number, form in enumerate(bad.forms):
        (assertion,) = parse_qs(form)["client_assertion"]
        found[f"the signature of assertion {number}"] = assertion.rsplit(".", 1)[1]
        found[f"the claims of assertion {number}"] = assertion.rsplit(".", 1)[0]
    return found


def raw_records(line: Line) -> str:
    """Every byte on the sink's topics."""
    topics = line.settings.topics
    shown = []
    with TopicReader(line.settings.kafka) as reader:
        for topic in (topics.commands, topics.outcomes, topics.dead_letters):
            for record in reader.records(topic, reader.extents(topic)):
                shown += [record.key() or b"", record.value() or b"", repr(record.headers()).encode()]
    return b"\n".join(shown).decode("latin-1")


@pytest.mark.parametrize("auth", ["oauth2", "tba"])
async def test_no_secret_is_in_a_log_or_a_record_of_the_sink(
    kafka: Kafka, topic_prefix: str, tmp_path: Path, auth: str
) -> None:
    logs = [tmp_path / name for name in ("working", "refused", "unreachable")]
    async with account(kafka, topic_prefix, auth) as (line, bad):
        busy = says(429, "Concurrent request limit exceeded.", "CONCURRENCY_LIMIT_EXCEEDED")
        bad.next("POST", drop, page(503), fail_after_commit, busy, path="salesOrder")
        line.ask_for(customer("NUE-CUST-acme"), item(), sales_order("acme", 1), negative("acme", 2))
        line.ask_in_bytes(b"nobody", b"this is not Avro")
        working = await line.start_process(logs[0], "-v")
        await line.settled()
        await line.until(lambda: line.states().get("NUE-SO-acme-2") is LetterState.REFUSED)
        for method, path in (("GET", "/record/"), ("POST", "/record/"), ("POST", "/query/")):
            bad.next(method, *[REFUSED] * 9, path=path)
        line.ask_for(customer("NUE-CUST-bolt"), sales_order("bolt", 1))
        assert await asyncio.wait_for(working.wait(), 30) == 1, logs[0].read_text()
        bad._troubles.clear()
        refused = await line.start_process(logs[1], "-v", **WRONG[auth])
        assert await asyncio.wait_for(refused.wait(), 30) == 1, logs[1].read_text()
        unreachable = await line.start_process(logs[2], "-v", url=NOWHERE)
        await line.until(lambda: "trying again" in logs[2].read_text())
        unreachable.kill()
        await unreachable.wait()
        secrets, records = secrets_of(line.settings, bad), raw_records(line)
    assert len(secrets) > 8
    told = [log.read_text() for log in logs]
    assert "stopped: NetSuite refuses the login" in told[0]
    assert "stopped: NetSuite refuses" in told[1]
    shown = {"logs": "".join(told), "records": records}
    assert [(name, where) for name, secret in secrets.items() for where, text in shown.items() if secret in text] == []


@pytest.mark.parametrize("auth", ["oauth2", "tba"])
async def test_no_secret_is_in_an_exception_or_what_any_library_logs_or_a_representation(
    kafka: Kafka, topic_prefix: str, auth: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for library in ("httpx", "httpcore", "requests_oauthlib", "asyncio"):  # oauthlib's, the sink keeps quiet
        caplog.set_level(logging.DEBUG, library)
    shown = []
    async with account(kafka, topic_prefix, auth) as (line, bad):
        netsuite = line.settings.netsuite
        cases = {
            "refused": (netsuite.model_copy(update=WRONG[auth]), Unauthorized if auth == "oauth2" else None),
            "unreachable": (netsuite.model_copy(update={"url": NOWHERE}), NotSent),
            "in order": (netsuite, None),
        }
        if auth == "tba":
            wrong = {"token_secret": type(netsuite.token_secret)(WRONG["tba"]["token_secret"])}
            cases["refused"] = (netsuite.model_copy(update=wrong), None)
        for name, (given, expected) in cases.items():
            async with client_of(given) as client:
                shown += [repr(given), str(given), repr(client), repr(vars(client)), repr(vars(client._login))]
                if expected is None:
                    answer = await client.get_by_eid("customer", "NUE-CUST-1")
                    assert answer.status == (401 if name == "refused" else 404)
                    shown.append(repr(answer))
                else:
                    with pytest.raises(expected) as caught:
                        await client.get_by_eid("customer", "NUE-CUST-1")
                    shown += traceback.format_exception(caught.value)
                    shown += [repr(caught.value), repr(caught.value.__cause__)]
                shown += [repr(vars(client)), repr(vars(client._login))]
        secrets = secrets_of(line.settings, bad)
        shown += [repr(line.settings), str(line.settings)]
    text = caplog.text + "\n".join(shown)
    assert "DEBUG" in caplog.text
    assert [name for name, secret in secrets.items() if secret in text] == []
