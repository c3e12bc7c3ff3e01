"""OAuth 2.0 in the sandbox: which assertions get a token, and how long one serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from joserfc import jwt

from tests.sandbox_server import RunningSandbox, running_sandbox
from tests.sinks import certificates
from tests.sinks.sandbox.caller import refusal

TOKEN = "/services/rest/auth/oauth2/v1/token"
RECORD = "/services/rest/record/v1/customer/1"
SESSION = requests.Session()
SESSION.trust_env = False


class Clock:
    """A clock that tests move, in Unix seconds."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[RunningSandbox]:
    with running_sandbox(credentials=certificates.known(), clock=clock) as running:
        yield running


def asked(
    sandbox: RunningSandbox, *, alg: str = "PS256", kind: str = "RSA-3072", which: int = 0, **changes: Any
) -> requests.Response:
    """Ask for a token, with an assertion in which ``changes`` differ from a good one."""
    now = sandbox.verifier._clock()
    claims = {
        "iss": certificates.CLIENT_ID,
        "scope": ["restlets", "rest_webservices"],
        "aud": sandbox.url + TOKEN,
        "iat": now,
        "exp": now + 3599,
    }
    header = {"alg": alg, "kid": changes.pop("kid", certificates.CERTIFICATE_ID)}
    changed = {name: value for name, value in (claims | changes).items() if value is not None}
    key = certificates.key(kind, which)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(header, changed, key, algorithms=[alg]),
    }
    return SESSION.post(sandbox.url + TOKEN, data=form, timeout=20)


def read(sandbox: RunningSandbox, authorization: str) -> requests.Response:
    return SESSION.get(sandbox.url + RECORD, headers={"Authorization": authorization}, timeout=20)


@pytest.mark.parametrize(
    ("kind", "alg"),
    [("RSA-3072", "PS256"), ("RSA-3072", "PS512"), ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512")],
)
def test_a_good_assertion_gets_a_token_for_an_hour(kind: str, alg: str) -> None:
    with running_sandbox(credentials=certificates.known(kind)) as sandbox:
        answer = asked(sandbox, alg=alg, kind=kind)
        assert answer.status_code == 200
        body = answer.json()
        assert (body["expires_in"], body["token_type"]) == (3600, "Bearer")
        assert read(sandbox, f"Bearer {body['access_token']}").status_code == 404  # let in; there is no such customer


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"alg": "RS256"}, "invalid_grant"),
        ({"alg": "RS512"}, "invalid_grant"),
        ({"alg": "ES256", "kind": "P-256"}, "invalid_grant"),
        ({"which": 1}, "invalid_grant"),
        ({"kid": "another"}, "invalid_grant"),
        ({"iss": "another"}, "invalid_client"),
        ({"aud": "https://654321.suitetalk.api.netsuite.com" + TOKEN}, "invalid_grant"),
        ({"aud": None}, "invalid_grant"),
        ({"exp": None}, "invalid_grant"),
        ({"exp": 1_700_000_000 + 3600}, "invalid_grant"),
        ({"exp": 1_700_000_000}, "invalid_grant"),
        ({"iat": 1_700_000_301, "exp": 1_700_000_400}, "invalid_grant"),
        ({"iat": "1700000000"}, "invalid_grant"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "restlets"}, "invalid_scope"),
        ({"scope": ["rest_webservices", "everything"]}, "invalid_scope"),
    ],
    ids=str,
)
def test_any_other_assertion_gets_none(sandbox: RunningSandbox, change: dict[str, Any], code: str) -> None:
    answer = asked(sandbox, **change)
    assert answer.status_code == (401 if code == "invalid_client" else 400)
    assert answer.json() == {"error": code}
    assert sandbox.verifier.tokens.issued == 0


@pytest.mark.parametrize("scope", ["rest_webservices", "restlets,rest_webservices", ["rest_webservices"]])
def test_scopes_may_be_an_array_or_separated_by_commas(sandbox: RunningSandbox, scope: object) -> None:
    assert asked(sandbox, scope=scope).status_code == 200


def test_an_assertion_with_an_id_serves_once(sandbox: RunningSandbox) -> None:
    assert [asked(sandbox, jti="the-same").status_code for _ in range(2)] == [200, 400]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "invalid_request"),
        (
            {"grant_type": "client_credentials", "client_assertion_type": "x", "client_assertion": "y"},
            "invalid_request",
        ),
    ],
)
def test_a_request_without_an_assertion_is_refused(sandbox: RunningSandbox, form: dict[str, str], code: str) -> None:
    assert SESSION.post(sandbox.url + TOKEN, data=form, timeout=20).json() == {"error": code}


@pytest.mark.parametrize("assertion", ["y", "a.b.c", "e30.e30.", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_assertion_is_refused(sandbox: RunningSandbox, assertion: str) -> None:
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    assert SESSION.post(sandbox.url + TOKEN, data=form, timeout=20).json() == {"error": "invalid_grant"}


def test_an_account_without_a_certificate_knows_no_client() -> None:
    with running_sandbox() as sandbox:
        assert asked(sandbox).json() == {"error": "invalid_client"}


def test_a_token_that_has_run_out_is_told_in_the_header_that_oauth_has_for_it(
    sandbox: RunningSandbox, clock: Clock
) -> None:
    token = asked(sandbox).json()["access_token"]
    clock.now += 3599
    assert read(sandbox, f"Bearer {token}").status_code == 404
    clock.now += 1
    answer = read(sandbox, f"Bearer {token}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        'Bearer realm="123456_SB1", error="invalid_token", error_description="Invalid login attempt."'
    )
    assert refusal(answer)["o:errorCode"] == "INVALID_LOGIN"
    renewed = asked(sandbox).json()["access_token"]
    assert read(sandbox, f"Bearer {renewed}").status_code == 404


def test_a_token_that_was_never_given_is_refused_and_what_is_none_is_a_bad_request(sandbox: RunningSandbox) -> None:
    assert read(sandbox, "Bearer abc").status_code == 401
    malformed = read(sandbox, "Bearer ")
    assert malformed.status_code == 400
    assert 'error="invalid_request"' in malformed.headers["WWW-Authenticate"]


def test_every_answer_says_what_time_it_is_in_the_sandbox(sandbox: RunningSandbox) -> None:
    assert read(sandbox, "Bearer abc").headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"


def test_the_token_endpoint_is_counted_by_name_and_can_be_made_to_fail(sandbox: RunningSandbox) -> None:
    maintenance = {"scripts": [{"faults": [{"kind": "maintenance"}], "match": {"record": "token"}}]}
    sandbox.admin("PUT", "faults", maintenance)
    assert [asked(sandbox).status_code for _ in range(2)] == [503, 200]
    assert sandbox.admin("GET", "report")["requests"] == {"POST token 200": 1, "POST token 503": 1}
