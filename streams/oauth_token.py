"""Access tokens for aiokafka, by OAuth 2.0 client credentials, as librdkafka's own OIDC method gets them."""

from __future__ import annotations

import asyncio
import ssl
import time

import httpx
from aiokafka.abc import AbstractTokenProvider

from streams.errors import KafkaUnavailable
from streams.settings_connect import KafkaSettings

TIMEOUT = 10.0
FRESH_SHARE = 0.8
"""A token is replaced when this share of its life is over, so that none expires on its way."""


class ClientCredentialsToken(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka ships no types
    """One token for all connections of a process, fetched again before it expires."""

    def __init__(self, kafka: KafkaSettings) -> None:
        if kafka.oauth_token_url is None or kafka.oauth_client_id is None or kafka.oauth_client_secret is None:
            raise ValueError("OAUTHBEARER needs a token URL, a client id and a client secret")
        self.url = kafka.oauth_token_url
        self.scope = kafka.oauth_scope
        self.verify = ssl.create_default_context(cafile=kafka.oauth_ca)
        self._login = httpx.BasicAuth(kafka.oauth_client_id, kafka.oauth_client_secret.get_secret_value())
        self._token = ""
        self._fresh_until = 0.0
        self._fetching = asyncio.Lock()

    async def token(self) -> str:
        """The current token.

        Raises:
            KafkaUnavailable: the token endpoint cannot be reached, refuses, or answers without a token.
        """
        async with self._fetching:
            if time.monotonic() >= self._fresh_until:
                self._token, life = await self._fetch()
                self._fresh_until = time.monotonic() + life * FRESH_SHARE
            return self._token

    async def _fetch(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        try:
            async with httpx.AsyncClient(verify=self.verify, timeout=TIMEOUT) as client:
                answer = await client.post(self.url, data=form, auth=self._login)
        except httpx.HTTPError as error:
            raise KafkaUnavailable(f"{self.url}: no access token: {type(error).__name__} {error}".rstrip()) from None
        if answer.status_code != httpx.codes.OK:
            raise KafkaUnavailable(f"{self.url}: no access token: HTTP {answer.status_code}")
        try:
            body = answer.json()
            return str(body["access_token"]), float(body.get("expires_in", 0))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise KafkaUnavailable(f"{self.url}: the answer holds no access_token") from None
