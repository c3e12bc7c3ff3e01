"""One Kafka broker of our own: planned once, run in Docker or from Kafka's jars, killed and started at will."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from testcontainers.core.container import DockerContainer

from tests.environment import artifacts, daemon
from tests.environment.availability import UnavailableError
from tests.environment.processes import START_TIMEOUT_S, Server, StartError, free_ports, listens, poll_until

CLUSTER_ID = "bnVlc3RyZWFtLXRlc3RzLg"  # any 16 bytes in base64

# Tests create their topics themselves and read them from the start: nothing appears or expires by itself.
DEFAULTS = {
    "process.roles": "broker,controller",
    "node.id": "1",
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


class Machine(Protocol):
    """What carries a broker."""

    origin: str
    place: Place

    def start(self) -> None: ...
    def kill(self) -> None: ...
    def remove(self) -> None: ...


class OwnBroker:
    """A running broker that belongs to its caller; a context manager that ends it."""

    def __init__(self, plan: Plan) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="nuestream-kafka-"))
        self._client = dict(plan.client)
        try:
            self._machine = _machine(plan, self._folder)
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


def _machine(plan: Plan, folder: Path) -> Machine:
    reasons: list[str] = []
    docker_host = daemon.host()
    if docker_host is None:
        reasons.append("no Docker daemon answers")
    else:
        try:
            return _InDocker(plan, folder, docker_host)
        except daemon.DockerException as error:  # a daemon that may not fetch images is no reason to give up
            reasons.append(f"Docker refused: {error}")
    try:
        return _FromJars(plan, folder)
    except UnavailableError as why:
        raise UnavailableError("; ".join([*reasons, str(why)])) from why


def _write(plan: Plan, place: Place, folder: Path) -> None:
    lines = {
        **DEFAULTS,
        "controller.quorum.voters": f"1@127.0.0.1:{place.controller_port}",
        "log.dirs": place.data,
        **plan.properties(place),
    }
    for name, content in plan.files.items():
        (folder / name).write_bytes(content)
    (folder / "server.properties").write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


class _FromJars:
    origin = f"Apache Kafka {artifacts.pinned_version('kafka')} from its jars"

    def __init__(self, plan: Plan, folder: Path) -> None:
        port, controller_port = free_ports(2)
        self.place = Place("127.0.0.1", "127.0.0.1", port, controller_port, str(folder), str(folder / "data"))
        self._log = folder / "server.log"
        self._server: Server | None = None
        log_settings = Path(__file__).with_name("log4j2.xml")
        self._java = [artifacts.java(), "-Xmx512m", f"-Dlog4j2.configurationFile={log_settings}"]
        self._java += ["-cp", f"{artifacts.kafka_jars()}/*"]
        self._properties = str(folder / "server.properties")
        _write(plan, self.place, folder)
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
    origin = f"apache/kafka:{artifacts.pinned_version('kafka')} in Docker"

    def __init__(self, plan: Plan, folder: Path, host: str) -> None:
        port, controller_port = free_ports(2)
        # the same port inside and outside: the broker must name to its clients the one that they can reach
        self.place = Place("0.0.0.0", host, port, controller_port, "/environment", "/tmp/kafka-data")
        _write(plan, self.place, folder)
        folder.chmod(0o755)  # the image runs as a user of its own
        tools, properties = "/opt/kafka/bin", "/environment/server.properties"
        arguments = " ".join(f"'{argument}'" for argument in plan.format_arguments)
        script = (
            f"{tools}/kafka-storage.sh format --ignore-formatted -t {CLUSTER_ID} -c {properties} {arguments}"
            f" && exec {tools}/kafka-server-start.sh {properties}"
        )
        self._container = (
            DockerContainer(f"apache/kafka:{artifacts.pinned_version('kafka')}")
            .with_bind_ports(port, port)
            .with_volume_mapping(str(folder), "/environment", "ro")
            .with_kwargs(entrypoint=["/bin/bash", "-c", script])
        )
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
