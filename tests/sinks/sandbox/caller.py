"""A caller of the sandbox that signs with a client of its own, and records to begin with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import requests
from requests_oauthlib import OAuth1

from tests.sandbox_server import RunningSandbox

STRICT = {"X-NetSuite-PropertyNameValidation": "Error"}
LINK = "custbody_nue_original_orderid"


class Caller:
    """Sends signed requests to a running sandbox; amounts in answers are decimals."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        self.sandbox = sandbox
        self.url = sandbox.url
        self.session = requests.Session()
        self.session.trust_env = False

    def auth(self, **changes: Any) -> OAuth1:
        """The credentials of the sandbox, some of them changed."""
        known = self.sandbox.credentials
        given = {
            "client_key": known.consumer_key,
            "client_secret": known.consumer_secret.get_secret_value(),
            "resource_owner_key": known.token_id,
            "resource_owner_secret": known.token_secret.get_secret_value(),
            "realm": known.account,
            "signature_method": "HMAC-SHA256",
        }
        return OAuth1(**(given | changes))

    def send(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """Send to the record service; ``body`` is JSON text, or a value to be written as JSON."""
        data = body if isinstance(body, str | None) else json.dumps(body)
        address = path if path.startswith("http") else f"{self.url}/services/rest/record/v1/{path}"
        sent = {"Content-Type": "application/json"} | dict(headers or {})
        return self.session.request(method, address, data=data, headers=sent, auth=self.auth(), timeout=20)

    def created(self, record: str, body: object) -> str:
        """Create a record, and return its internal id."""
        answer = self.send("POST", record, body)
        assert answer.status_code == 204, answer.text
        return answer.headers["Location"].rsplit("/", 1)[-1]

    def record(self, path: str) -> Any:
        """A record with its sublists."""
        answer = self.send("GET", f"{path}?expandSubResources=true")
        assert answer.status_code == 200, answer.text
        return json.loads(answer.text, parse_float=Decimal)

    def query(self, q: str, *params: object, page: str = "", prefer: str | None = "transient") -> requests.Response:
        """Run SuiteQL."""
        address = f"{self.url}/services/rest/query/v1/suiteql{page}"
        headers = {"Prefer": prefer} if prefer else {}
        return self.send("POST", address, {"q": q, "params": list(params)}, headers)

    def rows(self, q: str, *params: object) -> list[dict[str, str]]:
        """The rows of a query without their links."""
        answer = self.query(q, *params)
        assert answer.status_code == 200, answer.text
        return [{name: value for name, value in row.items() if name != "links"} for row in answer.json()["items"]]

    def report(self) -> Any:
        """What the sandbox counted."""
        return self.session.get(f"{self.url}/sandbox/report", timeout=20).json()

    def admin(self, method: str, path: str, body: object = None) -> Any:
        """Say something to the sandbox itself, and return its JSON."""
        return self.sandbox.admin(method, path, body)

    def held(self) -> Any:
        """Everything that the sandbox holds."""
        return self.session.get(f"{self.url}/sandbox/documents", timeout=20).json()


class Account(Caller):
    """A caller whose account has a customer and an item, by their internal ids."""

    def __init__(self, sandbox: RunningSandbox) -> None:
        super().__init__(sandbox)
        self.customer = self.created("customer", {"externalId": "NUE-CUST-1", "companyName": "Halvorsen Research"})
        self.item = self.created("nonInventorySaleItem", {"externalId": "NUE-ITEM-1", "itemId": "Seat"})

    def line(self, **fields: Any) -> dict[str, Any]:
        """A line of the one item, over 120.50 where ``fields`` do not say otherwise."""
        return {"item": {"id": self.item}, "quantity": 1, "amount": 120.5} | fields

    def document(self, *lines: object, **fields: Any) -> dict[str, Any]:
        """The body of a sales order or return authorization."""
        return {"entity": {"id": self.customer}, "item": {"items": list(lines) or [self.line()]}} | fields


def refusal(answer: requests.Response) -> dict[str, Any]:
    """The one detail of an error body, whose shape and media type are checked."""
    assert answer.headers["Content-Type"] == "application/vnd.oracle.resource+json; type=error"
    body = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"].startswith("https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.")
    assert body["title"]
    (detail,) = body["o:errorDetails"]
    assert isinstance(detail, dict)
    return detail
