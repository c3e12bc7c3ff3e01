"""A Kafka broker of our own: planned once, run in Docker or from Kafka's jars, killed and started at will."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from testcontainers.core.container import DockerContainer

from tests.environment import artifacts, daemon
from tests.environment.availability import UnavailableError
from tests.environment.processes import START_TIMEOUT_S, Server, StartError, free_ports, listens, poll_until

IMAGE = f"apache/kafka:{artifacts.pinned_version('kafka')}"
CLUSTER_ID = "bnVlc3RyZWFtLXRlc3RzLg"  # any 16 bytes in base64

# Tests create their topics themselves and read them from the start: nothing appears or expires by itself.
DEFAULTS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "auto.create.topics.enable": "false",
    "group.initial.rebalance.delay.ms": "0",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.retention.ms": "-1",
    "log.retention.bytes": "-1",
    "log.segment.bytes": str(16 << 20),
    "log.cleaner.dedupe.buffer.size": str(8 << 20),
}


class Ports(NamedTuple):
    """What one node listens on, inside its container and outside."""

    clients: int
    controller: int


@dataclass(frozen=True)
class Seat:
    """A node's place in its cluster: its number, from 1, and the ports of all nodes in the order of their numbers."""

    node: int
    nodes: Sequence[Ports]
    pod: str | None = None  # the container whose network all nodes share, and which publishes their ports

    @property
    def own(self) -> Ports:
        """This node's ports."""
        return self.nodes[self.node - 1]

    @property
    def voters(self) -> str:
        """The value for controller.quorum.voters: all nodes find each other on one loopback address."""
        return ",".join(f"{number}@127.0.0.1:{ports.controller}" for number, ports in enumerate(self.nodes, 1))


def seats(count: int) -> list[Seat]:
    """The seats of a new cluster, on ports that nobody uses."""
    numbers = free_ports(2 * count)
    nodes = [Ports(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    return [Seat(number, nodes) for number in range(1, count + 1)]


@dataclass(frozen=True)
class Place:
    """Where a broker will run, as its properties must name it."""

    bind: str  # the address that it listens on
    host: str  # the name by which clients reach it
    port: int
    controller_port: int
    folder: str  # the plan's files, as the broker sees them
    data: str


@dataclass(frozen=True)
class Plan:
    """What one broker shall be, wherever it runs."""

    properties: Callable[[Place], Mapping[str, str]]
    client: Mapping[str, str]  # librdkafka settings, bootstrap.servers aside, that may ask for metadata
    files: Mapping[str, bytes]
    format_arguments: Sequence[str] = ()
    heap_mb: int = 512


class Machine(Protocol):
    """What carries a broker."""

    origin: str
    place: Place

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def remove(self) -> None: ...


class OwnBroker:
    """A running broker that belongs to its caller; a context manager that ends it."""

    def __init__(self, plan: Plan, seat: Seat | None = None) -> None:
        """Return when clients are served: for a seat in a cluster, when most of its nodes are up."""
        self._folder = Path(tempfile.mkdtemp(prefix="nuestream-kafka-"))
        self._client = dict(plan.client)
        try:
            self._machine = _machine(plan, seat or seats(1)[0], self._folder)
            self.start()
        except BaseException:
            self.close()
            raise

    @property
    def bootstrap(self) -> str:
        """The value for bootstrap.servers; stays the same over kill() and start()."""
        return f"{self._machine.place.host}:{self._machine.place.port}"

    @property
    def origin(self) -> str:
        """Where the broker came from, for people."""
        return self._machine.origin

    def start(self) -> None:
        """Start after kill(), with the log kept; returns when clients are served."""
        self._machine.start()
        poll_until(self._answers, START_TIMEOUT_S, f"Kafka ({self.origin}) serves no metadata")

    def kill(self) -> None:
        """SIGKILL: what a crash of the broker is. The log stays.

        It serves again only when its old session is over: 9 s, or `broker.session.timeout.ms`.
        """
        self._machine.kill()

    def close(self) -> None:
        """End the broker and remove its log."""
        machine = getattr(self, "_machine", None)  # absent if none could be had
        if machine is not None:
            machine.remove()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        settings = {**self._client, "bootstrap.servers": self.bootstrap, "log_level": 0}
        try:
            return bool(AdminClient(settings).list_topics(timeout=2).brokers)
        except KafkaException:
            return False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _machine(plan: Plan, seat: Seat, folder: Path) -> Machine:
    reasons: list[str] = []
    docker_host = daemon.host()
    if docker_host is None:
        reasons.append("no Docker daemon answers")
    else:
        try:
            return _InDocker(plan, seat, folder, docker_host)
        except daemon.DockerException as error:  # a daemon that may not fetch images is no reason to give up
            reasons.append(f"Docker refused: {error}")
    try:
        return _FromJars(plan, seat, folder)
    except UnavailableError as why:
        raise UnavailableError("; ".join([*reasons, str(why)])) from why


def _write(plan: Plan, seat: Seat, place: Place, folder: Path) -> None:
    lines = {
        **DEFAULTS,
        "node.id": str(seat.node),
        "controller.quorum.voters": seat.voters,
        "log.dirs": place.data,
        **plan.properties(place),
    }
    for name, content in plan.files.items():
        (folder / name).write_bytes(content)
    (folder / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


class _FromJars:
    origin = f"Apache Kafka {artifacts.pinned_version('kafka')} from its jars"

    def __init__(self, plan: Plan, seat: Seat, folder: Path) -> None:
        self.place = Place("127.0.0.1", "127.0.0.1", *seat.own, str(folder), str(folder / "data"))
        self._log = folder / "server.log"
        self._server: Server | None = None
        log_settings = Path(__file__).with_name("log4j2.xml")
        self._java = [artifacts.java(), f"-Xmx{plan.heap_mb}m", f"-Dlog4j2.configurationFile={log_settings}"]
        self._java += ["-cp", f"{artifacts.kafka_jars()}/*"]
        self._properties = str(folder / "server.properties")
        _write(plan, seat, self.place, folder)
        self._format(plan.format_arguments)

    def _format(self, arguments: Sequence[str]) -> None:
        command = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", self._properties, *arguments]
        done = subprocess.run(
            [*self._java, *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode != 0:
            raise StartError(f"Kafka's storage could not be formatted: {done.stdout}{done.stderr}")

    def start(self) -> None:
        self._server = Server([*self._java, "kafka.Kafka", self._properties], self._log)
        self._server.wait_until(lambda: listens(self.place.port), "Kafka")

    def kill(self) -> None:
        if self._server is not None:
            self._server.kill()

    def remove(self) -> None:
        self.kill()


class _InDocker:
    origin = f"{IMAGE} in Docker"

    def __init__(self, plan: Plan, seat: Seat, folder: Path, host: str) -> None:
        # the same port inside and outside: the broker must name to its clients the one that they can reach
        self.place = Place("0.0.0.0", host, *seat.own, "/environment", "/tmp/kafka-data")
        _write(plan, seat, self.place, folder)
        folder.chmod(0o755)  # the image runs as a user of its own
        tools, properties = "/opt/kafka/bin", "/environment/server.properties"
        arguments = " ".join(f"'{argument}'" for argument in plan.format_arguments)
        script = (
            f"{tools}/kafka-storage.sh format --ignore-formatted -t {CLUSTER_ID} -c {properties} {arguments}"
            f" && exec {tools}/kafka-server-start.sh {properties}"
        )
        self._container = (
            DockerContainer(IMAGE)
            .with_env("KAFKA_HEAP_OPTS", f"-Xmx{plan.heap_mb}m")
            .with_volume_mapping(str(folder), "/environment", "ro")
        )
        own: dict[str, Any] = {"entrypoint": ["/bin/bash", "-c", script]}
        if seat.pod is None:
            self._container.with_bind_ports(seat.own.clients, seat.own.clients)
        else:
            own["network_mode"] = f"container:{seat.pod}"
        self._container.with_kwargs(**own)
        self._container.start()
        self._up = True

    def start(self) -> None:
        if not self._up:
            self._container.get_wrapped_container().start()
            self._up = True
        poll_until(lambda: listens(self.place.port, self.place.host), START_TIMEOUT_S, f"{self.origin} does not listen")

    def kill(self) -> None:
        if self._up:
            self._container.get_wrapped_container().kill()
            self._up = False

    def remove(self) -> None:
        self._container.stop()
