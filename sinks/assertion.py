"""OAuth 2.0 client credentials: the integration's certificate, and what it signs to get an access token."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from msgspec import Struct
from pydantic import SecretStr

LIFE = 600
"""Seconds for which an assertion serves; NetSuite takes it below 3600. Long enough for a clock that is a little off."""

SCOPE = "rest_webservices"

_ALGORITHMS: Mapping[str, str] = MappingProxyType({"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"})
_SHORTEST_RSA_KEY = 3072


class CertificateCredentials(Struct, frozen=True, kw_only=True):
    """An integration's client id, and the certificate that NetSuite has mapped to a user and role.

    ``certificate_id`` is the id that NetSuite gave to the certificate; ``private_key`` belongs to it, in PEM. Nothing
    of it shows in a ``repr``.
    """

    client_id: str
    certificate_id: str
    private_key: SecretStr

    def __repr__(self) -> str:
        return "CertificateCredentials(...)"


class BadKey(ValueError):
    """A private key that cannot sign assertions; the text says why, and nothing of the key."""


class Signer:
    """Signs assertions, with the algorithm that the key's type calls for. Raises :class:`BadKey`."""

    def __init__(self, credentials: CertificateCredentials) -> None:
        self._credentials = credentials
        self._key, self._algorithm = _read(credentials.private_key)

    @property
    def public_key(self) -> str:
        """What a certificate for the key would hold, in PEM."""
        return self._key.as_pem(private=False).decode()

    def assertion(self, token_url: str, now: float) -> SecretStr:
        """The statement that asks the token endpoint at ``token_url`` for a token; ``now`` is in Unix seconds."""
        claims = {
            "iss": self._credentials.client_id,
            "scope": [SCOPE],  # Oracle's text says separated by commas; what its sample holds is an array
            "aud": token_url,
            "iat": int(now),
            "exp": int(now) + LIFE,
            "jti": uuid4().hex,
        }
        header = {"alg": self._algorithm, "kid": self._credentials.certificate_id}
        return SecretStr(jwt.encode(header, claims, self._key, algorithms=[self._algorithm]))


def _read(private_key: SecretStr) -> tuple[RSAKey | ECKey, str]:
    text = private_key.get_secret_value().strip()
    if "ENCRYPTED" in text:
        raise BadKey(
            "the private key is protected by a passphrase: give it without one (openssl pkey -in ... -out ...)"
        )
    if "\n" not in text:
        text = text.replace("\\n", "\n")  # how environment files often write it
    for kind in (RSAKey, ECKey):
        try:
            key = kind.import_key(text)
        except (JoseError, ValueError, TypeError):
            continue
        if key.is_private:
            return key, _algorithm_of(key)
    raise BadKey("the private key is no RSA or EC key in PEM (-----BEGIN PRIVATE KEY----- ...)")


def _algorithm_of(key: RSAKey | ECKey) -> str:
    if isinstance(key, RSAKey):
        size = key.raw_value.key_size
        if size < _SHORTEST_RSA_KEY:
            raise BadKey(f"the private key has {size} bits; NetSuite takes RSA keys of 3072 or 4096")
        return "PS256"
    if key.curve_name not in _ALGORITHMS:
        raise BadKey(f"the private key is of curve {key.curve_name}; NetSuite takes {', '.join(_ALGORITHMS)}")
    return _ALGORITHMS[key.curve_name]
