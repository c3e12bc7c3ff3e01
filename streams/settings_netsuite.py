"""The NetSuite account: where it is, how to log in, how much it is asked at once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator

from streams.settings_connect import Seconds, Section
from streams.settings_mapping import MappingSettings

CLIENT_CREDENTIALS = ("client_id", "certificate_id", "private_key")
"""What OAuth 2.0 needs."""
TOKEN_BASED = ("consumer_key", "consumer_secret", "token_id", "token_secret")
"""What token-based authentication needs."""


class NetSuiteSettings(Section):
    """The NetSuite account, and how the sink logs in to it.

    ``account`` is as NetSuite shows it (``1234567`` or ``1234567_SB1``); ``url`` follows from it where it is not
    given. ``auth`` is ``oauth2`` (client credentials: ``client_id``, ``certificate_id``, and the ``private_key`` of
    the certificate in PEM) or ``tba`` (token-based: ``consumer_key`` to ``token_secret``); where it is not given, it
    is ``tba`` if only values of that are there.

    ``request_limit`` is how long an unanswered request may still be running there, ``reference_timeout`` how long a
    document waits for its customer and items; a new customer waits for its parent for half of that. ``adopt`` is a CSV
    file of customers and items that were there before.
    """

    secrets: ClassVar[tuple[str, ...]] = ("private_key", "consumer_secret", "token_secret")

    account: Annotated[str, Field(pattern=r"^([A-Z0-9]+(_[A-Z0-9]+)*)?$")] = ""
    url: Annotated[str, Field(pattern="^(https?://.+)?$")] = ""
    auth: Literal["oauth2", "tba"] | None = None
    client_id: str = ""
    certificate_id: str = ""
    private_key: SecretStr = SecretStr("")
    private_key_file: Path | None = None
    consumer_key: str = ""
    consumer_secret: SecretStr = SecretStr("")
    consumer_secret_file: Path | None = None
    token_id: str = ""
    token_secret: SecretStr = SecretStr("")
    token_secret_file: Path | None = None
    mapping: MappingSettings = MappingSettings()
    adopt: FilePath | None = None
    concurrency: Annotated[int, Field(ge=1, le=500)] = 5
    timeout: Seconds = 60.0
    request_limit: Annotated[float, Field(ge=0)] = 900.0
    reference_timeout: Seconds = 300.0

    @model_validator(mode="before")
    @classmethod
    def name_account(cls, values: object) -> object:
        """Write the account as NetSuite does, and derive its address."""
        if not isinstance(values, dict) or not isinstance(values.get("account"), (str, int)):
            return values
        account = str(values["account"]).strip().upper().replace("-", "_")
        slug = account.lower().replace("_", "-")
        derived = f"https://{slug}.suitetalk.api.netsuite.com" if slug else ""
        return {**values, "account": account, "url": values.get("url") or derived}

    @field_validator("url")
    @classmethod
    def without_slash(cls, url: str) -> str:
        """Paths are appended to it."""
        return url.rstrip("/")

    @property
    def method(self) -> Literal["oauth2", "tba"]:
        """How the sink logs in."""
        if self.auth is not None:
            return self.auth
        return "tba" if self.gives(*TOKEN_BASED) and not self.gives(*CLIENT_CREDENTIALS) else "oauth2"

    @property
    def needed(self) -> tuple[str, ...]:
        """The settings without which there is no login."""
        return ("account", "url", *(CLIENT_CREDENTIALS if self.method == "oauth2" else TOKEN_BASED))

    def gives(self, *fields: str) -> bool:
        """Whether any of these fields has a value."""
        values = [getattr(self, field) for field in fields]
        return any(value.get_secret_value() if isinstance(value, SecretStr) else value for value in values)

    def why_needed(self, field: str) -> str:
        """What to add to a message that ``field`` is not set."""
        if field in CLIENT_CREDENTIALS:
            return ' for OAuth 2.0 (netsuite.auth = "tba" logs in by token-based authentication instead)'
        return " for token-based authentication" if field in TOKEN_BASED else ""
