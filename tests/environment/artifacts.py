"""The published servers that tests run without Docker: resolved once by Maven, kept outside the checkout."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.environment.availability import UnavailableError

POM = Path(__file__).with_name("pom.xml")
OLDEST_JAVA = 17
RESOLVE_TIMEOUT_S = 900


def java() -> str:
    """The path of a Java that Kafka 4 runs on; raises UnavailableError when there is none."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=str(Path(home, "bin"))) if home else None
    found = found or shutil.which("java")
    if found is None:
        raise UnavailableError(f"no java on the PATH (Java {OLDEST_JAVA} or newer is needed)")
    said = subprocess.run([found, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    version = re.search(r'version "(\d+)', said)
    if version is None or int(version[1]) < OLDEST_JAVA:
        raise UnavailableError(f"{found} is not Java {OLDEST_JAVA} or newer")
    return found


def kafka_jars() -> Path:
    """The folder with Apache Kafka's jars, filled by the first call on a machine; raises UnavailableError."""
    return _resolved("kafka", "copy-dependencies")


def registry_folder() -> Path:
    """The folder with Apicurio Registry's runner and its libraries; raises UnavailableError."""
    return _resolved("apicurio-registry", "unpack")


def pinned_version(name: str) -> str:
    """The version of a server, as pom.xml pins it."""
    element = ElementTree.parse(POM).find(f".//{{*}}properties/{{*}}{name}.version")
    if element is None or not element.text:
        raise LookupError(f"{POM} has no property {name}.version")
    return element.text


def _resolved(name: str, goal: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nuestream"
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]  # another pom.xml is another folder
    folder = cache / f"{name}-{pinned_version(name)}-{digest}"
    if folder.is_dir():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError(f"no Maven (mvn) on the PATH to fetch {folder.name}")
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{folder.name}.lock"):
        if not folder.is_dir():  # another process may have been first
            _download(maven, f"dependency:{goal}@{name}", folder)
    return folder


def _download(maven: str, goal: str, folder: Path) -> None:
    # renamed only when complete: a folder that stands in the cache can be trusted
    arriving = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    command = [maven, "-B", "-q", "--strict-checksums", "-f", str(POM), goal, f"-Dfolder={arriving}"]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RESOLVE_TIMEOUT_S, check=False
        )
        if done.returncode != 0:
            lines = [line for line in done.stdout.splitlines() if "ERROR" in line]
            raise UnavailableError(f"Maven could not fetch {folder.name}: {lines[0] if lines else done.stderr.strip()}")
        arriving.chmod(0o755)
        arriving.rename(folder)
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"Maven did not fetch {folder.name} within {RESOLVE_TIMEOUT_S} s") from error
    finally:
        shutil.rmtree(arriving, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
