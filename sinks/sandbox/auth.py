"""Who gets in, judged as NetSuite does: signatures are computed again and compared, tokens looked up.

After five failed logins in a row the user of token-based authentication is locked out for half an hour.
"""

from __future__ import annotations

import hmac
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from aiohttp import web
from oauthlib.oauth1 import Client
from oauthlib.oauth1.rfc5849 import signature
from pydantic import SecretStr

from sinks.sandbox.errors import invalid_login
from sinks.sandbox.oauth import TOKEN_PATH, Certificate, Tokens
from sinks.sandbox.role import Role

NO_LIMITS = Role()
SKEW = 300
"""Seconds that a request's timestamp may be off."""
FAILURES = 5
LOCKED_FOR = 1800.0
"""Seconds for which a user is locked out after so many failed logins."""

_PAIR = re.compile(r'\s*([A-Za-z_]+)="([^"]*)"\s*')
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NEEDED = (
    "oauth_consumer_key",
    "oauth_nonce",
    "oauth_signature",
    "oauth_signature_method",
    "oauth_timestamp",
    "oauth_token",
    "oauth_version",
)
_SHORTEST_NONCE = 6


@dataclass(frozen=True, slots=True)
class SandboxCredentials:
    """The one integration that the sandbox knows, with its token and perhaps a certificate for OAuth 2.0.

    ``account`` is the realm, e.g. ``123456_SB1``.
    """

    account: str
    consumer_key: str
    consumer_secret: SecretStr
    token_id: str
    token_secret: SecretStr
    certificate: Certificate | None = None


class Verifier:
    """Judges one request after another; remembers which nonces were used, and who failed how often.

    ``clock`` is in Unix seconds. ``role`` may be set to another one at any time.
    """

    def __init__(
        self, credentials: SandboxCredentials, clock: Callable[[], float] = time.time, role: Role = NO_LIMITS
    ) -> None:
        self.role = role
        self.tokens = Tokens(credentials.account, credentials.certificate, clock)
        self._credentials = credentials
        self._clock = clock
        self._failures = 0
        self._locked_until = 0.0
        self._used: set[tuple[str, str]] = set()
        self._order: deque[tuple[float, tuple[str, str]]] = deque()
        self._client = Client(
            credentials.consumer_key,
            client_secret=credentials.consumer_secret.get_secret_value(),
            resource_owner_key=credentials.token_id,
            resource_owner_secret=credentials.token_secret.get_secret_value(),
        )

    def verify(self, method: str, url: str, header: str | None) -> None:
        """Accept the request, or raise the one answer that NetSuite gives to every wrong login.

        ``url`` is the address as the client used it, with its query. Raises another ``Refused`` for what the role may
        not do. The token endpoint needs no login.
        """
        if urlsplit(url).path == TOKEN_PATH:
            return
        if header is not None and header.startswith("Bearer"):
            self.tokens.verify(header)
        else:
            self._verify_signed(method, url, header)
        self.role.check(method, url)

    @web.middleware
    async def dated(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Have every answer say what time it is here."""
        answer = await handler(request)
        answer.headers["Date"] = formatdate(self._clock(), usegmt=True)
        return answer

    def _verify_signed(self, method: str, url: str, header: str | None) -> None:
        parameters = self._read(header)
        is_user = parameters["oauth_token"] == self._credentials.token_id  # a login that names nobody locks nobody out
        try:
            accepted = not self.is_locked and self._is_login(method, url, parameters)
        except ValueError:  # an address, a query or characters that cannot be signed
            accepted = False
        if accepted:
            self._failures = 0
            return
        if is_user:
            self._count_failure()
        raise invalid_login()

    @property
    def is_locked(self) -> bool:
        """Whether the user is locked out."""
        return self._clock() < self._locked_until

    def _count_failure(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES and not self.is_locked:
            self._locked_until = self._clock() + LOCKED_FOR
            self._failures = 0

    def _is_login(self, method: str, url: str, parameters: dict[str, str]) -> bool:
        known = self._credentials
        return (
            parameters.pop("realm", None) == known.account
            and parameters["oauth_consumer_key"] == known.consumer_key
            and parameters["oauth_token"] == known.token_id
            and parameters["oauth_signature_method"] == "HMAC-SHA256"
            and parameters["oauth_version"] == "1.0"
            and self._is_signed(method, url, parameters)
            and self._is_fresh(parameters["oauth_timestamp"], parameters["oauth_nonce"])
        )

    def _read(self, header: str | None) -> dict[str, str]:
        scheme, _, rest = (header or "").partition(" ")
        parameters: dict[str, str] = {}
        for part in rest.split(","):
            pair = _PAIR.fullmatch(part)
            if scheme != "OAuth" or pair is None or pair[1] in parameters or not pair[2]:
                raise invalid_login()
            parameters[pair[1]] = unquote(pair[2])
        if not all(name in parameters for name in _NEEDED):
            raise invalid_login()
        return parameters

    def _is_signed(self, method: str, url: str, parameters: dict[str, str]) -> bool:
        given = parameters["oauth_signature"]
        signed = [(name, value) for name, value in parameters.items() if name != "oauth_signature"]
        query = url.partition("?")[2]
        signed += signature.collect_parameters(uri_query=query)
        base = signature.signature_base_string(
            method, signature.base_string_uri(url), signature.normalize_parameters(signed)
        )
        computed: str = signature.sign_hmac_sha256_with_client(base, self._client)
        return hmac.compare_digest(computed.encode(), given.encode())

    def _is_fresh(self, timestamp: str, nonce: str) -> bool:
        now = self._clock()
        while self._order and now - self._order[0][0] > 2 * SKEW:
            self._used.remove(self._order.popleft()[1])
        if not _TIMESTAMP.fullmatch(timestamp) or abs(now - int(timestamp)) > SKEW or len(nonce) < _SHORTEST_NONCE:
            return False
        if (timestamp, nonce) in self._used:
            return False
        self._used.add((timestamp, nonce))
        self._order.append((now, (timestamp, nonce)))
        return True
