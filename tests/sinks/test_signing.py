from __future__ import annotations

import base64
import hmac
import re
from urllib.parse import quote, unquote

import httpx
import pytest
from pydantic import SecretStr

from sinks.answer import Answer
from sinks.client import query_string
from sinks.signing import Credentials, TokenAuth, realm_of

# The worked example that Oracle prints in its help page on token-based authentication.
ORACLE = Credentials(
    consumer_key="ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4",
    consumer_secret=SecretStr("d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5"),
    token_id="2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc",
    token_secret=SecretStr("c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295"),
)


def field(header: str, name: str) -> str:
    found = re.search(rf'{name}="([^"]*)"', header)
    assert found, f"{name} is not in {header}"
    return found[1]


def test_the_signature_is_the_one_that_oracle_prints_for_its_example() -> None:
    auth = TokenAuth("123456", ORACLE, nonce=lambda: "fjaLirsIcCGVZWzBX0pg", timestamp=lambda: "1508242306")
    header = auth.header_for("GET", "https://123456.suitetalk.api.netsuite.com/services/rest/record/v1/employee/40")
    assert field(header, "oauth_signature") == "B5OIWznZ2YP0OB7VrJrGkYsTh%2B8H%2B5T9Hag%2Bo92q0zY%3D"
    assert field(header, "oauth_signature_method") == "HMAC-SHA256"
    assert field(header, "realm") == "123456"


def test_the_query_string_is_part_of_what_is_signed() -> None:
    auth = TokenAuth("123456", ORACLE, nonce=lambda: "fjaLirsIcCGVZWzBX0pg", timestamp=lambda: "1508242306")
    url = (
        "https://123456.restlets.api.netsuite.com/app/site/hosting/restlet.nl"
        "?script=6&deploy=1&customParam=someValue&testParam=someOtherValue"
    )
    assert field(auth.header_for("POST", url), "oauth_signature") == "%2BKK4SKNgz4ZiILGLwOMtfYlgcXSy1eis8ldE9X90azQ%3D"


def signed_by_hand(method: str, url: str, query: dict[str, str], header: str) -> str:
    """The signature by the letter of RFC 5849, with nothing but the standard library."""
    params = {name: unquote(field(header, name)) for name in re.findall(r'(oauth_\w+)="', header)}
    del params["oauth_signature"]
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in (params | query).items())
    base = "&".join(quote(part, safe="~") for part in (method, url, "&".join("=".join(pair) for pair in pairs)))
    key = f"{ORACLE.consumer_secret.get_secret_value()}&{ORACLE.token_secret.get_secret_value()}"
    return base64.b64encode(hmac.digest(key.encode(), base.encode(), "sha256")).decode()


def test_spaces_and_plus_signs_in_the_query_are_signed_for_what_they_are() -> None:
    query = {"q": "one two+three&four=5 % ü"}
    url = "https://x.example/services/rest/record/v1/customer/eid:NUE-CUST-1"
    header = TokenAuth("123456", ORACLE).header_for("GET", url + query_string(query))
    assert unquote(field(header, "oauth_signature")) == signed_by_hand("GET", url, query, header)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_every_attempt_is_signed_afresh_as_text(method: str) -> None:
    auth = TokenAuth("123456-sb1", ORACLE)
    request = httpx.Request(method, "https://x.example/a", content=b"{}")
    nonces = set()

    async def send(signed: httpx.Request) -> Answer:
        header = signed.headers["Authorization"]
        nonces.add(field(header, "oauth_nonce"))
        assert field(header, "realm") == "123456_SB1"
        assert "oauth_body_hash" not in header
        return Answer(401, {})

    for _ in range(3):
        assert (await auth.sent(request, send)).status == 401
    assert len(nonces) == 3


@pytest.mark.parametrize(
    ("account", "realm"),
    [("123456", "123456"), ("123456_SB1", "123456_SB1"), ("123456-sb1", "123456_SB1"), ("tstdrv12", "TSTDRV12")],
)
def test_a_sandbox_is_spelt_in_its_realm_as_netsuite_shows_it_not_as_in_its_address(account: str, realm: str) -> None:
    assert realm_of(account) == realm


def test_credentials_never_show() -> None:
    shown = f"{ORACLE!r} {ORACLE} {TokenAuth('1', ORACLE)!r} {vars(TokenAuth('1', ORACLE))}"
    for secret in (ORACLE.consumer_secret, ORACLE.token_secret):
        assert secret.get_secret_value() not in shown
    assert ORACLE.token_id not in shown
