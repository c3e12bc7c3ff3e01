"""OAuth 2.0: one access token for all requests of a process, fetched anew before it expires."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping

import httpx
from pydantic import SecretStr

from sinks.answer import Answer, NotSent
from sinks.assertion import CertificateCredentials, Signer
from sinks.login import Login
from sinks.retry import kind_of, words_of
from sinks.verdict import Unauthorized

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105  an address
FRESH_SHARE = 0.9
"""A token is replaced when this share of its life is over, so that none expires on its way."""

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFE = 3600.0
_PASSING = (408, 429)
_CODE = re.compile(r"[a-z_]{1,40}")
_CHECK: Mapping[str, str] = {
    "invalid_client": "check the client id, and that the integration record is enabled",
    "invalid_grant": "check the certificate id, that the certificate has neither expired nor been revoked, that the "
    "private key belongs to it, and this machine's clock",
    "invalid_scope": "tick the scope REST Web Services on the integration record",
    "unauthorized_client": "tick Client Credentials (Machine to Machine) Grant on the integration record",
}
_CHECK_ALL = (
    "check the account, the client id, the certificate id, the private key, the integration record (Client Credentials "
    "Grant, scope REST Web Services) and this machine's clock"
)

Send = Callable[[httpx.Request], Awaitable[Answer]]


class AccessToken:
    """A token, and whether NetSuite has let a request in with it. Until it has, requests try it one at a time."""

    def __init__(self, value: SecretStr, fresh_until: float) -> None:
        self.fresh_until = fresh_until
        self._value = value
        self._login = Login()

    async def carry(self, request: httpx.Request, send: Send) -> Answer:
        """Send ``request`` with this token. Answers 401 only where the token has served before: it has expired then.

        Raises :class:`Unauthorized` where it never has.
        """
        async with self._login.turn():
            request.headers["Authorization"] = f"Bearer {self._value.get_secret_value()}"
            answer = await send(request)
            if answer.status != httpx.codes.UNAUTHORIZED or not self._login.works:
                self._login.learn(kind_of(answer), words_of(answer))
        return answer


class AccessTokens:
    """Sends requests with the current token.

    One request at a time fetches a token, the others wait for it. ``timeout`` (seconds) bounds that; ``clock`` is in
    seconds from anywhere, ``now`` in Unix seconds.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        credentials: CertificateCredentials,
        *,
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._url = str(http.base_url).rstrip("/") + TOKEN_PATH
        self._signer = Signer(credentials)
        self._timeout = timeout
        self._clock = clock
        self._now = now
        self._token: AccessToken | None = None
        self._fetching: asyncio.Task[AccessToken] | None = None
        self._refusal: str | None = None

    async def sent(self, request: httpx.Request, send: Send) -> Answer:
        """Send ``request``, and once more with a new token where the one that it carried turns out to have expired.

        A request that is answered with 401 was not processed, so that repeating it is safe. Raises :class:`NotSent`
        where there is no token to be had at the moment, :class:`Unauthorized` where NetSuite refuses to give one or
        does not take the new one either.
        """
        token = await self._current()
        answer = await token.carry(request, send)
        if answer.status == httpx.codes.UNAUTHORIZED:
            if token is self._token:
                self._token = None
            token = await self._current()
            answer = await token.carry(request, send)
        return answer

    async def close(self) -> None:
        """Fetch nothing any more."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    async def _current(self) -> AccessToken:
        if self._token is not None and self._clock() < self._token.fresh_until:
            return self._token
        if self._refusal is not None:
            raise Unauthorized(self._refusal)
        if self._fetching is None:
            self._fetching = asyncio.create_task(self._fetch())
        return await asyncio.shield(self._fetching)  # who is cancelled takes it away from nobody

    async def _fetch(self) -> AccessToken:
        try:
            self._token = await self._ask()
        except Unauthorized as refused:
            self._refusal = str(refused)
            raise
        finally:
            self._fetching = None
        return self._token

    async def _ask(self) -> AccessToken:
        asked_at = self._clock()
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self._signer.assertion(self._url, self._now()).get_secret_value(),
        }
        try:
            async with asyncio.timeout(self._timeout):
                response = await self._http.post(TOKEN_PATH, data=form, headers={"Accept": "application/json"})
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise NotSent(f"no access token: {type(error).__name__}: {error}".rstrip(": ")) from error
        body = _object_in(response)
        if response.status_code == httpx.codes.OK and isinstance(token := body.get("access_token"), str) and token:
            return AccessToken(SecretStr(token), asked_at + _life_in(body) * FRESH_SHARE)
        status = response.status_code
        if 400 <= status < 500 and status not in _PASSING:
            raise Unauthorized(_refusal(status, body))
        raise NotSent(f"no access token: HTTP {status} by the token endpoint", Answer(status, response.headers))


def _refusal(status: int, body: Mapping[str, object]) -> str:
    code = str(body.get("error"))
    if not _CODE.fullmatch(code):  # only a code is repeated: what else stands there might repeat what we sent
        code = f"HTTP {status}"
    return f"NetSuite refuses an access token ({code}): {_CHECK.get(code, _CHECK_ALL)}"


def _life_in(body: Mapping[str, object]) -> float:
    try:
        life = float(str(body.get("expires_in")))
    except ValueError:
        return _LIFE
    return life if 0 < life <= _LIFE else _LIFE


def _object_in(response: httpx.Response) -> Mapping[str, object]:
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, Mapping) else {}
