"""OAuth 2.0 client credentials: assertions checked against a registered certificate, and tokens that run out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from sinks.sandbox.errors import Refused, invalid_login

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105  an address
LIFE = 3600
"""Seconds for which a token serves."""

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_RSA = ("PS256", "PS384", "PS512")  # not RS256, which libraries sign with unless told otherwise
_CURVES: Mapping[str, str] = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_SCOPES = frozenset({"restlets", "rest_webservices", "suite_analytics"})
_SKEW = 300


@dataclass(frozen=True, slots=True)
class Certificate:
    """What is registered for an integration: its client id, and a certificate (or public key) in PEM with its id."""

    client_id: str
    certificate_id: str
    pem: str


class NoToken(Exception):
    """A request for a token that is refused, with OAuth's code for why."""

    def __init__(self, code: str, status: int = 400) -> None:
        super().__init__(code)
        self.code = code
        self.status = status

    def response(self) -> web.Response:
        """The HTTP answer, as RFC 6749 has it."""
        return web.json_response({"error": self.code}, status=self.status)


class BadToken(Refused):
    """A bearer token that is not, or no longer, good; the answer says so in a header of its own."""

    def __init__(self, account: str, *, malformed: bool = False) -> None:
        login = invalid_login()
        super().__init__(login.detail, status=400 if malformed else 401, code=login.code)
        error = "invalid_request" if malformed else "invalid_token"
        self._challenge = f'Bearer realm="{account}", error="{error}", error_description="Invalid login attempt."'

    def response(self) -> web.Response:
        """The HTTP answer."""
        answer = super().response()
        answer.headers["WWW-Authenticate"] = self._challenge
        return answer


class Tokens:
    """Gives tokens for assertions, and takes them until they run out. ``clock`` is in Unix seconds."""

    def __init__(self, account: str, certificate: Certificate | None, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._certificate = certificate
        self._clock = clock
        self._until: dict[str, float] = {}
        self._used: set[str] = set()
        self.issued = 0

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request of the token endpoint."""
        url = f"{request.scheme}://{request.host}{request.path}"
        try:
            return web.json_response(self.issue(await request.post(), url))
        except NoToken as refused:
            return refused.response()

    def issue(self, form: Mapping[str, object], url: str) -> dict[str, object]:
        """The answer to one request of the token endpoint at ``url``. Raises :class:`NoToken`."""
        if form.get("grant_type") != "client_credentials":
            raise NoToken("unsupported_grant_type")
        assertion = form.get("client_assertion")
        if form.get("client_assertion_type") != _ASSERTION_TYPE or not isinstance(assertion, str):
            raise NoToken("invalid_request")
        self._check(assertion, url)
        now = self._clock()
        self._until = {token: until for token, until in self._until.items() if until > now}
        token = secrets.token_urlsafe(48)
        self._until[token] = now + LIFE
        self.issued += 1
        return {"access_token": token, "expires_in": LIFE, "token_type": "Bearer"}

    def verify(self, header: str) -> None:
        """Accept a request with this ``Authorization`` header. Raises :class:`BadToken`."""
        token = header.removeprefix("Bearer").strip()
        if not token or " " in token:
            raise BadToken(self._account, malformed=True)
        if self._until.get(token, 0.0) <= self._clock():
            raise BadToken(self._account)

    def revoke(self) -> None:
        """Let no token serve any more; new ones can be had."""
        self._until.clear()

    def _check(self, assertion: str, url: str) -> None:
        known = self._certificate
        if known is None:
            raise NoToken("invalid_client", 401)
        key, algorithms = _public(known.pem)
        try:
            token = jwt.decode(assertion, key, algorithms=algorithms)
        except (JoseError, ValueError) as error:
            raise NoToken("invalid_grant") from error
        claims, now = token.claims, self._clock()
        if claims.get("iss") != known.client_id:
            raise NoToken("invalid_client", 401)
        scope = claims.get("scope")
        scopes = set(scope.replace(",", " ").split() if isinstance(scope, str) else scope or ())
        if "rest_webservices" not in scopes or not scopes <= _SCOPES:
            raise NoToken("invalid_scope")
        issued_at, until = claims.get("iat"), claims.get("exp")
        if (
            token.header.get("kid") != known.certificate_id
            or token.header.get("typ") != "JWT"
            or claims.get("aud") != url
            or not isinstance(issued_at, int | float)
            or not isinstance(until, int | float)
            or not issued_at - _SKEW <= now < until
            or not 0 < until - issued_at < LIFE
            or claims.get("jti") in self._used
        ):
            raise NoToken("invalid_grant")
        if jti := claims.get("jti"):
            self._used.add(str(jti))


def _public(pem: str) -> tuple[RSAKey | ECKey, tuple[str, ...]]:
    try:
        return RSAKey.import_key(pem), _RSA
    except (JoseError, ValueError):
        key = ECKey.import_key(pem)
        return key, (_CURVES[key.curve_name],)
