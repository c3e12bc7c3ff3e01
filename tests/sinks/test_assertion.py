"""Assertions: what is stated, how it is signed, and which keys cannot."""

from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from pydantic import SecretStr

from sinks.assertion import BadKey, CertificateCredentials, Signer
from tests.sinks import certificates

URL = "https://123456.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token"
NOW = 1_700_000_000.9


def signer(private_key: str) -> Signer:
    return Signer(
        CertificateCredentials(client_id="client", certificate_id="certificate", private_key=SecretStr(private_key))
    )


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("RSA-3072", "PS256"), ("P-256", "ES256"), ("P-384", "ES384"), ("P-521", "ES512")]
)
def test_the_type_of_the_key_says_how_it_is_signed_and_the_claims_are_those_that_netsuite_asks_for(
    kind: str, algorithm: str
) -> None:
    private = certificates.key(kind)
    text = signer(certificates.pem_of(private)).assertion(URL, NOW).get_secret_value()
    token = jwt.decode(text, private, algorithms=[algorithm])
    assert token.header == {"typ": "JWT", "alg": algorithm, "kid": "certificate"}
    assert len(token.claims.pop("jti")) >= 16
    assert token.claims == {
        "iss": "client",
        "scope": ["rest_webservices"],
        "aud": URL,
        "iat": 1_700_000_000,
        "exp": 1_700_000_600,
    }


def test_no_two_assertions_are_the_same() -> None:
    made = signer(certificates.pem_of(certificates.key("P-256")))
    one, other = (jwt.decode(made.assertion(URL, NOW).get_secret_value(), certificates.key("P-256")) for _ in "ab")
    assert one.claims["jti"] != other.claims["jti"]


def test_a_key_whose_line_breaks_were_written_out_is_read_all_the_same() -> None:
    written_out = certificates.pem_of(certificates.key("P-256")).strip().replace("\n", "\\n")
    assert signer(written_out).assertion(URL, NOW)


def _encrypted() -> str:
    return (
        RSAKey.import_key(certificates.pem_of(certificates.key())).as_pem(private=True, password="passphrase").decode()
    )


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: "", "no RSA or EC key in PEM"),
        (lambda: "hunter2", "no RSA or EC key in PEM"),
        (lambda: certificates.certificate_of(certificates.key("P-256")), "no RSA or EC key in PEM"),
        (lambda: certificates.key().as_pem(private=False).decode(), "no RSA or EC key in PEM"),
        (lambda: OctKey.generate_key(256).as_dict(private=True)["k"], "no RSA or EC key in PEM"),
        (lambda: certificates.pem_of(certificates.key("RSA-2048")), "has 2048 bits"),
        (lambda: certificates.pem_of(ECKey.generate_key("secp256k1")), "of curve secp256k1"),
        (_encrypted, "protected by a passphrase"),
    ],
    ids=["nothing", "a word", "a certificate", "a public key", "a secret", "a short key", "another curve", "encrypted"],
)
def test_a_key_that_cannot_sign_is_refused_with_the_reason_and_without_its_text(make: object, why: str) -> None:
    assert callable(make)
    text = make()
    with pytest.raises(BadKey, match=why) as caught:
        signer(text)
    assert not text or text not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_credentials_never_show() -> None:
    given = certificates.credentials("P-256")
    made = Signer(given)
    shown = f"{given!r} {given} {made!r} {vars(made)} {made.assertion(URL, NOW)!r} {made.assertion(URL, NOW)}"
    for line in given.private_key.get_secret_value().splitlines()[1:-1]:
        assert line not in shown
    assert "ey" not in str(made.assertion(URL, NOW))
