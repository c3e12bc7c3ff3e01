"""The only socket to NetSuite: one request, one answer, or the reason why there is none.

It never retries, but for a request that was turned away because its access token had expired.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from decimal import Decimal
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
import msgspec

from sinks.access_token import AccessTokens
from sinks.answer import Answer, NoAnswer, NotSent
from sinks.assertion import CertificateCredentials
from sinks.gate import Gate
from sinks.signing import Credentials, TokenAuth
from sinks.translate import HEADERS, QUERY_HEADERS, Request, eid_path, id_path

_log = logging.getLogger(__name__)

_RECORDS = "/services/rest/record/v1/"
_SUITEQL = "/services/rest/query/v1/suiteql"
_CONNECT_TIMEOUT = 10.0
TRIAL = "NUE-DOCTOR-"
"""How the external ids of records begin that are made to try things; the only ones that are ever deleted."""
# The request did not leave this machine; every other failure leaves open what NetSuite did with it.
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class NetSuiteClient:
    """Requests to one account, at most ``concurrency`` at a time.

    While the account turns requests away (429), fewer go out at a time.

    ``url`` is the account's own address; ``timeout`` (seconds) bounds a whole request. By the kind of ``credentials``
    a request carries an access token (OAuth 2.0) or is signed when it leaves (token-based authentication). Usable as
    an async context. Raises :class:`~sinks.assertion.BadKey` for a private key that cannot sign.
    """

    def __init__(
        self,
        url: str,
        account: str,
        credentials: Credentials | CertificateCredentials,
        *,
        concurrency: int = 5,
        timeout: float = 60.0,
    ) -> None:
        self.url = url
        self._timeout = timeout
        self._gate = Gate(concurrency, _tell_cut)
        self._http = httpx.AsyncClient(
            base_url=url,
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
            timeout=httpx.Timeout(timeout, connect=min(timeout, _CONNECT_TIMEOUT)),
            follow_redirects=False,  # a redirected POST would be signed for another address, or become a GET
            trust_env=not _is_loopback(httpx.URL(url).host),  # proxies are for the world outside
        )
        self._login: TokenAuth | AccessTokens
        if isinstance(credentials, Credentials):
            self._login = TokenAuth(account, credentials)
        else:
            self._login = AccessTokens(self._http, credentials, timeout=timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._login.close()
        await self._http.aclose()

    async def write(self, request: Request) -> Answer:
        """Send a ``POST`` or ``PATCH`` of the record service."""
        return await self._send(request.method, _RECORDS + request.path, HEADERS, content=request.content)

    async def get_by_eid(self, record: str, external_id: str) -> Answer:
        """The record under our external id, with its sublists."""
        return await self._get(eid_path(record, external_id))

    async def get_by_id(self, record: str, internal_id: str) -> Answer:
        """The record with this internal id, with its sublists."""
        return await self._get(id_path(record, internal_id))

    async def metadata(self, name: str) -> Answer:
        """The JSON Schema of a record type, or of a part that another schema refers to, as this account has it."""
        headers = {**HEADERS, "Accept": "application/schema+json"}
        return await self._send("GET", f"{_RECORDS}metadata-catalog/{quote(name, safe='')}", headers)

    async def _get(self, path: str) -> Answer:
        return await self._send("GET", _RECORDS + path, HEADERS, query={"expandSubResources": "true"})

    async def suiteql(self, query: str, params: Sequence[str] = (), offset: int = 0) -> Answer:
        """A page of a SuiteQL query, from row ``offset`` on; ``?`` in it stand for ``params``, in order."""
        content = msgspec.json.encode({"q": query, "params": list(params)})
        page = {"offset": str(offset)} if offset else {}
        return await self._send("POST", _SUITEQL, QUERY_HEADERS, query=page, content=content)

    async def catalog(self, record: str) -> Answer:
        """What the account's metadata-catalog says of a record type, as OpenAPI."""
        path = f"{_RECORDS}metadata-catalog"
        return await self._send("GET", path, {"Accept": "application/swagger+json"}, query={"select": record})

    async def delete_trial(self, record: str, external_id: str) -> Answer:
        """Delete a record that was made to try things. Raises ``ValueError`` for any other."""
        if not external_id.startswith(TRIAL):
            raise ValueError(f"{external_id} was not made to try things")
        return await self._send("DELETE", _RECORDS + eid_path(record, external_id), HEADERS)

    async def knock(self) -> Answer:
        """Whatever the account's address says to somebody who does not log in: it is there, and what time it has."""
        async with self._gate.turn():
            return await self._sent(self._http.build_request("GET", "/"))

    async def _send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Raises :class:`NotSent`, :class:`NoAnswer` and, with OAuth 2.0, :class:`Unauthorized`.

        Every HTTP status is an answer.
        """
        request = self._http.build_request(method, path + query_string(query or {}), headers=headers, content=content)
        async with self._gate.turn() as turn:
            answer = await self._login.sent(request, self._sent)
            turn.turned_away = answer.status == httpx.codes.TOO_MANY_REQUESTS
        return answer

    async def _sent(self, request: httpx.Request) -> Answer:
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.send(request)
        except _NEVER_SENT as error:
            raise NotSent(f"{type(error).__name__}: {error}") from error
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}".rstrip(": ")) from error
        return Answer(response.status_code, response.headers, _json_in(response))


def _tell_cut(allowed: int) -> None:
    _log.warning("NetSuite turns requests away: %d at a time from now on, more again as it lets them in", allowed)


def query_string(query: Mapping[str, str]) -> str:
    """``query`` as it is sent and signed: a space is ``%20``, never ``+``, which the two ends read differently."""
    pairs = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items())
    return f"?{pairs}" if pairs else ""


def _json_in(response: httpx.Response) -> object:
    try:
        return json.loads(response.content, parse_float=Decimal) if response.content else None
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
