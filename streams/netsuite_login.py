"""The NetSuite account of the settings, as the sink's client takes it."""

from __future__ import annotations

from sinks.assertion import BadKey, CertificateCredentials
from sinks.client import NetSuiteClient
from sinks.signing import Credentials
from streams.errors import SettingsError
from streams.settings_netsuite import NetSuiteSettings
from streams.settings_source import both_names


def client_of(netsuite: NetSuiteSettings) -> NetSuiteClient:
    """A client of the account. The settings are complete: ``Settings.require_netsuite``.

    Raises:
        SettingsError: the private key cannot sign.
    """
    try:
        return NetSuiteClient(
            netsuite.url,
            netsuite.account,
            credentials_of(netsuite),
            concurrency=netsuite.concurrency,
            timeout=netsuite.timeout,
        )
    except BadKey as error:
        raise SettingsError(f"{both_names(('netsuite', 'private_key'))}: {error}") from None


def credentials_of(netsuite: NetSuiteSettings) -> Credentials | CertificateCredentials:
    """What the sink logs in with."""
    if netsuite.method == "oauth2":
        return CertificateCredentials(
            client_id=netsuite.client_id, certificate_id=netsuite.certificate_id, private_key=netsuite.private_key
        )
    return Credentials(
        consumer_key=netsuite.consumer_key,
        consumer_secret=netsuite.consumer_secret,
        token_id=netsuite.token_id,
        token_secret=netsuite.token_secret,
    )
