"""An account examined by the doctor, over real HTTP, and what was found."""

from __future__ import annotations

from typing import Any

from sinks.assertion import CertificateCredentials
from sinks.client import NetSuiteClient
from sinks.doctor import Wishes, examine
from sinks.findings import Calls, State
from sinks.sandbox.account_rules import Reference
from sinks.sandbox.show import documents_of
from sinks.signing import Credentials
from tests.sandbox_server import CREDENTIALS, RunningSandbox
from tests.sinks.bad_line import bad_line, says

TOKEN_BASED = Credentials(
    consumer_key=CREDENTIALS.consumer_key,
    consumer_secret=CREDENTIALS.consumer_secret,
    token_id=CREDENTIALS.token_id,
    token_secret=CREDENTIALS.token_secret,
)
DENIED = says(400, "Your current role does not have permission to perform this action.")
PLACES = (Reference("4", "Berlin"), Reference("5", "Twice"), Reference("6", "Twice"))


class Examination:
    """What was found, by check, and what was asked for it."""

    def __init__(self) -> None:
        self.found: dict[str, tuple[State, str]] = {}
        self.calls: list[tuple[str, str]] = []
        self.pauses: list[float] = []

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def those(self, state: State) -> set[str]:
        """The checks that ended so."""
        return {check for check, (ended, _) in self.found.items() if ended is state}

    def words(self, check: str) -> str:
        return self.found[check][1]


async def examined(
    sandbox: RunningSandbox,
    *troubles: tuple[str, str, Any],
    credentials: Credentials | CertificateCredentials = TOKEN_BASED,
    **wishes: Any,
) -> Examination:
    """Examine an account; ``troubles`` are (method, part of the path, what happens to the next such request)."""
    made = Examination()
    async with bad_line(sandbox.url) as line:
        for method, path, trouble in troubles:
            line.next(method, trouble, path=path)
        async with NetSuiteClient(line.url, CREDENTIALS.account, credentials, timeout=5) as client:
            async for finding in examine(client, Wishes(**wishes), Calls(made.pause)):
                assert finding.check not in made.found
                assert "\n" not in finding.words
                made.found[finding.check] = (finding.state, finding.words)
        made.calls = line.calls
    return made


def holds_nothing(sandbox: RunningSandbox) -> bool:
    """Whether nothing was left behind."""
    return not any(documents_of(sandbox.store).values())
