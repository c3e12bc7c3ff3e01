"""Whether a Docker daemon is there for Testcontainers."""

from functools import cache

from docker.errors import DockerException  # type: ignore[import-untyped]  # no stubs
from testcontainers.core.docker_client import DockerClient

__all__ = ["DockerException", "host"]


@cache
def host() -> str | None:
    """The host on which published ports of containers are reached; None where no daemon answers."""
    try:
        client = DockerClient(timeout=5)
        client.client.ping()
        return client.host()
    except (DockerException, OSError):
        return None
