"""Token-based authentication: OAuth 1.0a with HMAC-SHA256, signed afresh for every attempt.

NetSuite accepts a nonce once and a timestamp for five minutes, so a signed request is neither kept nor sent twice.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import httpx
from msgspec import Struct
from pydantic import SecretStr
from requests_oauthlib import OAuth1

from sinks.answer import Answer

# Its debug log tells tokens and signatures.
logging.getLogger("oauthlib").setLevel(logging.INFO)


class Credentials(Struct, frozen=True, kw_only=True):
    """An integration's key and an access token, with their secrets. They never show in a ``repr``."""

    consumer_key: str
    consumer_secret: SecretStr
    token_id: str
    token_secret: SecretStr

    def __repr__(self) -> str:
        return "Credentials(...)"


def realm_of(account: str) -> str:
    """The account id as signatures name it: ``123456_SB1`` for a sandbox."""
    return account.strip().replace("-", "_").upper()


class TokenAuth:
    """Signs each request as it is sent, query string included, body not (NetSuite's scheme leaves it out).

    ``nonce`` and ``timestamp`` are drawn afresh by the OAuth library; they can be given to reproduce a signature.
    """

    def __init__(
        self,
        account: str,
        credentials: Credentials,
        *,
        nonce: Callable[[], str] | None = None,
        timestamp: Callable[[], str] | None = None,
    ) -> None:
        self._realm = realm_of(account)
        self._credentials = credentials
        self._nonce = nonce
        self._timestamp = timestamp

    async def sent(self, request: httpx.Request, send: Callable[[httpx.Request], Awaitable[Answer]]) -> Answer:
        """Put a new signature on ``request`` and send it, once, whatever the answer."""
        request.headers["Authorization"] = self.header_for(request.method, str(request.url))
        return await send(request)

    async def close(self) -> None:
        """Nothing is kept that would have to end."""

    def header_for(self, method: str, url: str) -> str:
        """The ``Authorization`` header of one attempt."""
        signer = OAuth1(
            self._credentials.consumer_key,
            client_secret=self._credentials.consumer_secret.get_secret_value(),
            resource_owner_key=self._credentials.token_id,
            resource_owner_secret=self._credentials.token_secret.get_secret_value(),
            signature_method="HMAC-SHA256",  # the library's default, SHA-1, is refused
            realm=self._realm,
            decoding=None,  # text, where the default gives bytes
            nonce=self._nonce() if self._nonce else None,
            timestamp=self._timestamp() if self._timestamp else None,
        )
        _, headers, _ = signer.client.sign(url, http_method=method)
        return str(headers["Authorization"])
