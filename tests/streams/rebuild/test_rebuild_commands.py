"""Commands that the topic lacks are decided again from the log and put on it; the others are left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from click.testing import Result

from schemas.codec import Decoder
from streams.reading import TopicReader
from tests.environment import Kafka
from tests.sandbox_server import running_sandbox
from tests.streams.reconcile.world import World


@pytest.fixture
def world(kafka: Kafka, topic_prefix: str) -> Iterator[World]:
    with running_sandbox() as sandbox:
        yield World(kafka.bootstrap, topic_prefix, sandbox, seed=3, orders=60, customers=8)


def rebuild(world: World, *arguments: str, text: str | None = None) -> Result:
    return world.nuestream("rebuild", "commands", *arguments, text=text)


def ids_on_topic(world: World) -> list[str]:
    topic, decoder = world.settings.topics.commands, Decoder(None)
    with TopicReader(world.settings.kafka) as reader:
        records = [
            decoder.decode(each.value(), each.headers()) for each in reader.records(topic, reader.extents(topic))
        ]
    return [each.command_id for each in records]


def test_what_the_topic_lacks_is_put_on_it_once(world: World) -> None:
    lost = set(sorted(world.documents)[::2])
    lost |= {each.external_id for each in world.projection.upserts[::3]}
    world.uncommanded = lost
    world.write()
    decided = {each.command_id for each in (*world.documents.values(), *world.projection.upserts)}
    before = Counter(ids_on_topic(world))
    lacking = decided - before.keys()
    assert lacking
    told = rebuild(world, "--dry-run")
    assert told.exit_code == 0, told.output
    assert f"lacks {len(lacking):,} that the log decides" in told.output
    assert rebuild(world, text="n\n").exit_code == 1
    assert Counter(ids_on_topic(world)) == before
    done = rebuild(world, "--yes")
    assert done.exit_code == 0, done.output
    assert Counter(ids_on_topic(world)) == before + Counter(lacking)
    again = rebuild(world, "--yes")
    assert "lacks 0 that the log decides" in again.output
    assert Counter(ids_on_topic(world)) == before + Counter(lacking)


def test_of_one_customer_only_its_own_commands_come(world: World) -> None:
    world.uncommanded = {*world.documents, *world.upserts}
    world.write()
    customer = next(iter(world.documents.values())).origin.customer_id
    done = rebuild(world, "--yes", "--customer", customer)
    assert done.exit_code == 0, done.output
    own = {
        each.command_id
        for each in (*world.documents.values(), *world.projection.upserts)
        if each.origin.customer_id == customer
    }
    assert set(ids_on_topic(world)) == own
