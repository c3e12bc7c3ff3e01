"""Keys and certificates for OAuth 2.0, made once per run, and a sandbox that knows them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey, RSAKey
from pydantic import SecretStr

from sinks.assertion import CertificateCredentials
from sinks.sandbox.auth import SandboxCredentials
from sinks.sandbox.oauth import Certificate
from tests.sandbox_server import CREDENTIALS

CLIENT_ID = "client-id-of-the-tests"
CERTIFICATE_ID = "certificate-id-of-the-tests"


def key(kind: str = "RSA-3072", which: int = 0) -> RSAKey | ECKey:
    """A key by its kind (``RSA-3072``, ``P-256``); ``which`` tells several of them apart."""
    return _generated(kind, which)


@cache
def _generated(kind: str, _which: int) -> RSAKey | ECKey:
    family, _, size = kind.partition("-")
    return RSAKey.generate_key(int(size)) if family == "RSA" else ECKey.generate_key(kind)


def pem_of(private: RSAKey | ECKey) -> str:
    """The private key as people keep it."""
    return private.as_pem(private=True).decode()


def certificate_of(private: RSAKey | ECKey) -> str:
    """A certificate for the key, signed by itself, as people upload it."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "nuestream")])
    begins = datetime.now(UTC) - timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(x509.random_serial_number())
    made = made.not_valid_before(begins).not_valid_after(begins + timedelta(days=700))
    signed = made.public_key(private.public_key).sign(private.private_key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def credentials(kind: str = "RSA-3072", which: int = 0, **changes: str) -> CertificateCredentials:
    """What the integration is given."""
    given = {"client_id": CLIENT_ID, "certificate_id": CERTIFICATE_ID} | changes
    return CertificateCredentials(private_key=SecretStr(pem_of(key(kind, which))), **given)


def known(kind: str = "RSA-3072") -> SandboxCredentials:
    """What a sandbox is told, so that it lets :func:`credentials` in."""
    return replace(CREDENTIALS, certificate=Certificate(CLIENT_ID, CERTIFICATE_ID, certificate_of(key(kind))))
