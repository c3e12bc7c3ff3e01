"""Three brokers as companies run them: every record on all three, and acknowledged by two at least."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from testcontainers.core.container import DockerContainer

from tests.environment import daemon
from tests.environment.brokers import IMAGE, OwnBroker, Seat, seats
from tests.environment.kafka import plain

NODES = 3
HEAP_MB = 400
REPLICATED = {
    "default.replication.factor": "3",
    "min.insync.replicas": "2",
    "offsets.topic.replication.factor": "3",
    "transaction.state.log.replication.factor": "3",
    "transaction.state.log.min.isr": "2",
    "share.coordinator.state.topic.replication.factor": "3",
    "share.coordinator.state.topic.min.isr": "2",
}


class Cluster:
    """Brokers that are each a controller too and can be killed and started one by one; a context manager.

    Any two of them serve. One that is killed is still counted on until its session is over (9 s, or
    `broker.session.timeout.ms`): so long, what it led or had a copy of can be neither written nor acknowledged.
    """

    def __init__(self, properties: Mapping[str, str] | None = None) -> None:
        plan = plain({**REPLICATED, **(properties or {})}, HEAP_MB)
        self.brokers: list[OwnBroker] = []
        with ExitStack() as undo:
            taken = _seats(undo)
            with ThreadPoolExecutor(NODES) as starting:  # none serves before most of them are up
                started = [starting.submit(OwnBroker, plan, seat) for seat in taken]
            for each in started:
                if each.exception() is None:
                    self.brokers.append(undo.enter_context(each.result()))
            for each in started:
                each.result()
            self._running = undo.pop_all()

    @property
    def bootstrap(self) -> str:
        """The value for bootstrap.servers: all three."""
        return ",".join(broker.bootstrap for broker in self.brokers)

    @property
    def origin(self) -> str:
        """Where the brokers came from, for people."""
        return f"{NODES} of {self.brokers[0].origin}"

    def close(self) -> None:
        """End the brokers and remove their logs."""
        self._running.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _seats(undo: ExitStack) -> list[Seat]:
    taken = seats(NODES)
    if daemon.host() is None:
        return taken
    # containers that share a network reach each other, and clients reach them, by the same addresses as processes do
    pod = DockerContainer(IMAGE).with_kwargs(entrypoint=["sleep", "infinity"])
    for ports in taken[0].nodes:
        pod.with_bind_ports(ports.clients, ports.clients)
    try:
        pod.start()
    except daemon.DockerException:
        return taken  # each broker asks Docker again, and then takes the jars
    undo.callback(pod.stop)
    return [Seat(seat.node, seat.nodes, pod.get_wrapped_container().id) for seat in taken]


def start_cluster(properties: Mapping[str, str] | None = None) -> Cluster:
    """Start three brokers of the caller's own with the properties above the defaults; raises UnavailableError."""
    return Cluster(properties)
