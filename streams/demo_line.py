"""The whole line on this machine for a demo: broker, sandbox and workers, fed no faster than they read."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from pydantic import SecretStr

from schemas.order import OrderEvent
from streams.broker import PARTITIONS, embedded_broker, touch_topics
from streams.chains import Facts
from streams.errors import NuestreamError
from streams.fact_reading import FactReader
from streams.lag import GroupLag
from streams.policy import activate_initial
from streams.reading import TopicReader
from streams.sending import Sender
from streams.settings import ApplySettings, KafkaSettings, NetSuiteSettings, ProjectSettings, Settings
from streams.supervise import Children, environment_of, free_port
from streams.topics import topic_plans

STALLED_AFTER = 60.0
"""Seconds without any progress after which a demo gives up."""

LINES_AT_ONCE = 2000
"""Order lines that may be under way: about 1 MB of events and as much of commands, of the broker's 5 MB."""

_TICK = 0.1


class Stalled(NuestreamError):
    """Nothing moves any more; the text has what the processes said last."""


class Line:
    """A running line. ``undecided`` orders and ``unapplied`` commands are what its workers have not committed yet."""

    def __init__(
        self, settings: Settings, children: Children, reader: TopicReader, project: GroupLag, apply: GroupLag
    ) -> None:
        self.settings = settings
        self.children = children
        self.undecided = 0
        self.unapplied = 0
        self._reader = FactReader(settings, reader)
        self._project = project
        self._apply = apply
        self._lines = 0

    @property
    def facts(self) -> Facts:
        """What the topics told so far."""
        return self._reader.facts

    @property
    def sandbox_url(self) -> str:
        """Where the sandbox answers."""
        return self.settings.netsuite.url

    def make_room(self, event: OrderEvent, sender: Sender, look: Callable[[], None]) -> None:
        """Before ``event`` is sent: wait until what was sent earlier is through, where that is a lot."""
        self._lines += len(event.order.lines)
        if self._lines > LINES_AT_ONCE:
            sender.flush()
            self.settle(look)
            self._lines = len(event.order.lines)

    def settle(self, look: Callable[[], None]) -> None:
        """Wait until everything in the log is decided, and applied or dead-lettered; calls ``look`` meanwhile.

        Raises:
            ChildEnded, Stalled: it will not be.
            KafkaUnavailable: the broker does not answer.
        """
        moved_at, before = time.monotonic(), None
        while True:
            self.children.check()
            self.undecided = self._project.records()
            # Counted after the orders: what is decided by then stands on the command topic.
            self.unapplied = self._apply.records()
            self._read_facts()
            look()
            if not self.undecided and not self.unapplied and not self._unanswered():
                return
            facts = self.facts
            now = (self.undecided, self.unapplied, len(facts.decided), len(facts.outcomes), len(facts.letters))
            if now != before:
                moved_at, before = time.monotonic(), now
            elif time.monotonic() - moved_at > STALLED_AFTER:
                raise Stalled(
                    f"nothing moved for {STALLED_AFTER:.0f} s, with {self.undecided} orders undecided and "
                    f"{self.unapplied} commands unapplied; what the processes said last:\n{self.children.last_lines()}"
                )
            time.sleep(_TICK)

    def _read_facts(self) -> None:
        topics = self.settings.topics
        for topic in (topics.contracts, topics.quarantine, topics.outcomes, topics.dead_letters):
            self._reader.read(topic, self._reader.unread(topic))

    def _unanswered(self) -> bool:
        facts = self.facts
        return any(
            document.external_id not in facts.outcomes and document.command_id not in facts.letters
            for decided in facts.decided.values()
            for document in decided.documents
        )


@contextmanager
def running_line(given: Settings, folder: Path) -> Iterator[Line]:
    """Start broker, sandbox, projector and sink, and end them. Of ``given`` the policy and ``publish`` count.

    Raises:
        KafkaUnavailable: the broker does not come up.
    """
    with ExitStack() as stack:
        bootstrap = stack.enter_context(embedded_broker())
        settings = _demo_settings(given, bootstrap)
        touch_topics(settings.kafka, [plan.name for plan in topic_plans(settings)])
        activate_initial(settings, range(PARTITIONS), PARTITIONS, by="nuestream demo")
        children = stack.enter_context(Children(folder))
        environment = environment_of(settings)
        children.start("sandbox", environment, "--port", settings.netsuite.url.rpartition(":")[2])
        children.start("project", environment)
        children.start("apply", environment)
        reader = stack.enter_context(TopicReader(settings.kafka))
        project = GroupLag(settings.kafka, reader, settings.groups.project, settings.topics.orders)
        apply = GroupLag(settings.kafka, reader, settings.groups.apply, settings.topics.commands)
        yield Line(settings, children, reader, stack.enter_context(project), stack.enter_context(apply))


def _demo_settings(given: Settings, bootstrap: str) -> Settings:
    """Settings for one demo: the user's policy, and nothing of the user's systems."""
    own = {
        "kafka": KafkaSettings(bootstrap_servers=bootstrap),
        "project": ProjectSettings(shutdown_timeout=8.0),
        "apply": ApplySettings(shutdown_timeout=8.0),
        "netsuite": NetSuiteSettings(
            account="DEMO_SB1",
            url=f"http://127.0.0.1:{free_port()}",
            consumer_key=secrets.token_hex(16),
            consumer_secret=SecretStr(secrets.token_hex(32)),
            token_id=secrets.token_hex(16),
            token_secret=SecretStr(secrets.token_hex(32)),
            request_limit=5.0,
            reference_timeout=20.0,
        ),
        "policy": given.policy,
        "publish": given.publish,
    }
    untold = {name: field.default for name, field in Settings.model_fields.items() if name not in own}
    return given.model_copy(update=own | untold)
