"""Token-based authentication: who gets in, and that everybody else gets the same answer."""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
import requests
from pydantic import SecretStr

from sinks.sandbox.auth import SandboxCredentials, Verifier
from sinks.sandbox.errors import Refused
from sinks.signing import Credentials, TokenAuth
from tests.sandbox_server import RunningSandbox
from tests.sinks.sandbox.caller import Caller, refusal

# the example of Oracle's help page on signing, with the signature that it prints
KNOWN = SandboxCredentials(
    account="123456",
    consumer_key="ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4",
    consumer_secret=SecretStr("d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5"),
    token_id="2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc",
    token_secret=SecretStr("c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295"),
)
ORACLE = Credentials(
    consumer_key=KNOWN.consumer_key,
    consumer_secret=KNOWN.consumer_secret,
    token_id=KNOWN.token_id,
    token_secret=KNOWN.token_secret,
)
KNOWN_URL = "https://123456.suitetalk.api.netsuite.com/services/rest/record/v1/employee/40"
KNOWN_AT = 1508242306
KNOWN_PARTS = {
    "realm": "123456",
    "oauth_consumer_key": KNOWN.consumer_key,
    "oauth_token": KNOWN.token_id,
    "oauth_nonce": "fjaLirsIcCGVZWzBX0pg",
    "oauth_timestamp": str(KNOWN_AT),
    "oauth_signature_method": "HMAC-SHA256",
    "oauth_version": "1.0",
    "oauth_signature": "B5OIWznZ2YP0OB7VrJrGkYsTh%2B8H%2B5T9Hag%2Bo92q0zY%3D",
}


def header(**changes: str | None) -> str:
    parts = {name: value for name, value in (KNOWN_PARTS | changes).items() if value is not None}
    return "OAuth " + ", ".join(f'{name}="{value}"' for name, value in parts.items())


def is_accepted(text: str | None, url: str = KNOWN_URL, *, now: float = KNOWN_AT, method: str = "GET") -> bool:
    try:
        Verifier(KNOWN, clock=lambda: now).verify(method, url, text)
    except Refused:
        return False
    return True


def test_the_signature_that_oracle_prints_is_accepted() -> None:
    assert is_accepted(header())


@pytest.mark.parametrize(
    "changed",
    [
        {"realm": "123456_SB1"},
        {"realm": None},
        {"oauth_consumer_key": KNOWN.token_id},
        {"oauth_token": KNOWN.consumer_key},
        {"oauth_nonce": "fjaLirsIcCGVZWzBX0ph"},
        {"oauth_nonce": ""},
        {"oauth_timestamp": str(KNOWN_AT + 1)},
        {"oauth_signature_method": "HMAC-SHA1"},
        {"oauth_version": None},
        {"oauth_version": "2.0"},
        {"oauth_signature": None},
        {"oauth_signature": "%C3%A9"},
        {"oauth_signature": "A5OIWznZ2YP0OB7VrJrGkYsTh%2B8H%2B5T9Hag%2Bo92q0zY%3D"},
    ],
    ids=lambda changed: "{}={}".format(*next(iter(changed.items()))),
)
def test_any_other_parameter_makes_it_a_wrong_login(changed: dict[str, str | None]) -> None:
    assert not is_accepted(header(**changed))


@pytest.mark.parametrize(("method", "accepted"), [("HMAC-SHA256", True), ("HMAC-SHA1", False), ("PLAINTEXT", False)])
def test_a_method_is_judged_by_its_name_too_not_only_by_what_it_signed(method: str, accepted: bool) -> None:
    parts = {name: value for name, value in KNOWN_PARTS.items() if name not in ("realm", "oauth_signature")}
    signed = "&".join(f"{name}={value}" for name, value in sorted((parts | {"oauth_signature_method": method}).items()))
    base = "&".join(quote(part, safe="") for part in ("GET", KNOWN_URL, signed))
    key = f"{KNOWN.consumer_secret.get_secret_value()}&{KNOWN.token_secret.get_secret_value()}"
    signature = base64.b64encode(hmac.digest(key.encode(), base.encode(), "sha256")).decode()
    text = header(oauth_signature_method=method, oauth_signature=quote(signature, safe=""))
    assert is_accepted(text) is accepted


@pytest.mark.parametrize("text", [None, "", "Bearer abc", "OAuth", header().replace("OAuth", "Basic"), "OAuth x"])
def test_what_is_no_such_header_is_a_wrong_login(text: str | None) -> None:
    assert not is_accepted(text)


def test_a_parameter_that_stands_twice_is_refused_though_the_signature_holds() -> None:
    assert not is_accepted(header() + ', oauth_version="1.0"')


def test_method_address_and_query_are_signed() -> None:
    assert not is_accepted(header(), method="POST")
    assert not is_accepted(header(), KNOWN_URL + "1")
    assert not is_accepted(header(), KNOWN_URL + "?expandSubResources=true")
    assert not is_accepted(header(), KNOWN_URL + "?a={b")


@pytest.mark.parametrize(("off", "accepted"), [(-300, True), (300, True), (-301, False), (301, False)])
def test_the_clock_may_be_five_minutes_off(off: int, accepted: bool) -> None:
    assert is_accepted(header(), now=KNOWN_AT + off) is accepted


def test_a_nonce_serves_once_for_as_long_as_its_timestamp_is_taken() -> None:
    now = KNOWN_AT - 300.0
    verifier = Verifier(KNOWN, clock=lambda: now)
    verifier.verify("GET", KNOWN_URL, header())
    for now in (KNOWN_AT - 300.0, KNOWN_AT, KNOWN_AT + 300.0):  # noqa: B007  the clock reads it
        with pytest.raises(Refused):
            verifier.verify("GET", KNOWN_URL, header())


def test_a_wrong_signature_does_not_use_up_the_nonce() -> None:
    verifier = Verifier(KNOWN, clock=lambda: KNOWN_AT)
    with pytest.raises(Refused):
        verifier.verify("POST", KNOWN_URL, header())
    verifier.verify("GET", KNOWN_URL, header())


def test_secrets_are_not_in_what_credentials_show() -> None:
    for secret in (KNOWN.consumer_secret, KNOWN.token_secret):
        assert secret.get_secret_value() not in repr(KNOWN) + str(KNOWN)


def test_a_signed_request_with_a_query_and_an_external_id_gets_in(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    answer = caller.send("GET", "customer/eid:NUE-CUST-ä?expandSubResources=true&x=a%20b")
    assert (answer.status_code, refusal(answer)["o:errorCode"]) == (404, "NONEXISTENT_ID")


@pytest.mark.parametrize(
    "wrong",
    [
        {"signature_method": "HMAC-SHA1"},
        {"realm": "123456-sb1"},
        {"client_secret": "another"},
        {"resource_owner_secret": "another"},
        {"client_key": "another"},
        {"timestamp": "1508242306"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_over_http_a_wrong_login_gets_the_body_that_netsuite_sends(
    sandbox: RunningSandbox, wrong: dict[str, Any]
) -> None:
    caller = Caller(sandbox)
    url = f"{sandbox.url}/services/rest/record/v1/customer/1"
    answer = caller.session.get(url, auth=caller.auth(**wrong), timeout=20)
    assert answer.status_code == 401
    assert refusal(answer) == {
        "detail": "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at "
        "Setup > Users/Roles > User Management > View Login Audit Trail.",
        "o:errorCode": "INVALID_LOGIN",
    }


def test_a_header_that_is_sent_again_is_refused(sandbox: RunningSandbox) -> None:
    caller = Caller(sandbox)
    url = f"{sandbox.url}/services/rest/record/v1/customer/1"
    prepared = requests.Request("GET", url, auth=caller.auth()).prepare()
    assert [caller.session.send(prepared, timeout=20).status_code for _ in range(2)] == [404, 401]


@pytest.mark.parametrize(
    "garble",
    [
        lambda text: re.sub('oauth_nonce="[^"]*"', 'oauth_nonce=""', text),
        lambda text: re.sub('oauth_signature="[^"]*"', 'oauth_signature="%C3%A9"', text),
        lambda text: re.sub('oauth_timestamp="[^"]*"', 'oauth_timestamp="%C2%B2"', text),
    ],
)
def test_garbled_headers_are_wrong_logins_not_faults_of_the_server(
    sandbox: RunningSandbox, garble: Callable[[str], str]
) -> None:
    caller = Caller(sandbox)
    url = f"{sandbox.url}/services/rest/record/v1/customer/1"
    signed = requests.Request("GET", url, auth=caller.auth()).prepare().headers["Authorization"]
    text = signed.decode() if isinstance(signed, bytes) else signed
    assert caller.session.get(url, headers={"Authorization": garble(text)}, timeout=20).status_code == 401


def test_nothing_of_the_services_answers_without_a_login(sandbox: RunningSandbox) -> None:
    for path in ("record/v1/customer/1", "query/v1/suiteql", "anything"):
        assert requests.get(f"{sandbox.url}/services/rest/{path}", timeout=20).status_code == 401


class LockableUser:
    """Logs in well or badly, at a time of the test's choice."""

    def __init__(self) -> None:
        self.now = float(KNOWN_AT)
        self.verifier = Verifier(KNOWN, clock=lambda: self.now)

    def is_let_in(self) -> bool:
        text = TokenAuth("123456", ORACLE, timestamp=lambda: str(int(self.now))).header_for("GET", KNOWN_URL)
        return self._is_accepted(text)

    def fails(self, times: int = 1, **changes: str | None) -> None:
        for _ in range(times):
            assert not self._is_accepted(header(**({"oauth_signature": "wrong"} | changes)))

    def _is_accepted(self, text: str) -> bool:
        try:
            self.verifier.verify("GET", KNOWN_URL, text)
        except Refused:
            return False
        return True


def test_five_failed_logins_lock_the_user_out_for_half_an_hour() -> None:
    user = LockableUser()
    user.fails(4)
    assert user.is_let_in()
    user.fails(5)
    assert not user.is_let_in()
    user.now += 1799
    assert not user.is_let_in()
    user.now += 1
    assert user.is_let_in()


def test_a_login_that_names_another_token_or_none_locks_nobody_out() -> None:
    user = LockableUser()
    user.fails(9, oauth_token="another")
    user.fails(9, oauth_token=None)
    assert user.is_let_in()
