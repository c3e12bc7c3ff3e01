"""The schema registry that tests share."""

import os
import shutil
import tempfile
from pathlib import Path

import httpx
from testcontainers.core.container import DockerContainer

from tests.environment import artifacts, daemon
from tests.environment.availability import UnavailableError
from tests.environment.processes import START_TIMEOUT_S, Server, free_ports, poll_until

REGISTRY_URL = "SCHEMA_REGISTRY_URL"
CONFLUENT_API = "/apis/ccompat/v7"
CONTAINER_PORT = 8080


class SchemaRegistry:
    """A reachable registry that speaks Confluent's API at `url`."""

    def __init__(self, url: str, origin: str) -> None:
        self.url = url
        self.origin = origin

    def close(self) -> None:
        """End it, if it is ours to end."""


def find_schema_registry() -> SchemaRegistry:
    """The registry of SCHEMA_REGISTRY_URL, else an Apicurio Registry of our own; raises UnavailableError."""
    given = os.environ.get(REGISTRY_URL)
    if given:
        return SchemaRegistry(given.rstrip("/"), REGISTRY_URL)
    docker_host = daemon.host()
    reason = "no Docker daemon answers"
    if docker_host is not None:
        try:
            return _InDocker(docker_host)
        except daemon.DockerException as error:
            reason = f"Docker refused: {error}"
    try:
        return _FromArchive()
    except UnavailableError as why:
        raise UnavailableError(f"{reason}; {why}") from why


class _FromArchive(SchemaRegistry):
    def __init__(self) -> None:
        version = artifacts.pinned_version("apicurio-registry")
        runner = artifacts.registry_folder() / f"apicurio-registry-app-{version}-runner.jar"
        java = artifacts.java()
        (port,) = free_ports(1)
        super().__init__(f"http://127.0.0.1:{port}{CONFLUENT_API}", f"Apicurio Registry {version} from its archive")
        self._folder = Path(tempfile.mkdtemp(prefix="nuestream-registry-"))
        address = ["-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}"]
        self._server = Server([java, "-Xmx512m", *address, "-jar", str(runner)], self._folder / "server.log")
        try:
            self._server.wait_until(lambda: _answers(self.url), "Apicurio Registry")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._server.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


class _InDocker(SchemaRegistry):
    def __init__(self, host: str) -> None:
        image = f"apicurio/apicurio-registry:{artifacts.pinned_version('apicurio-registry')}"
        self._container = DockerContainer(image).with_exposed_ports(CONTAINER_PORT)
        self._container.start()
        try:
            port = self._container.get_exposed_port(CONTAINER_PORT)
            super().__init__(f"http://{host}:{port}{CONFLUENT_API}", f"{image} in Docker")
            poll_until(lambda: _answers(self.url), START_TIMEOUT_S, f"{self.origin} does not answer")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._container.stop()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/subjects", timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
