"""A registry of a few schemas over real HTTP, for answers that a healthy one does not give."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

NOT_FOUND = (404, {"error_code": 40403, "message": "Schema not found"})


class SmallRegistry:
    """Schemas by id from 1; each has a GUID too. With `answer` set, every request is answered so."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.answer: tuple[int, dict[str, Any]] | None = None
        self.requests = 0
        self.url = ""

    def add(self, schema: object) -> bytes:
        """Hold a schema; the beginning of a record that was written with it."""
        self.texts.append(schema if isinstance(schema, str) else json.dumps(schema))
        return b"\x00" + len(self.texts).to_bytes(4, "big")

    def guid_header(self, schema_id: int) -> list[tuple[str, bytes]]:
        return [("other", b"\xff"), ("__value_schema_id", b"\x01" + _guid(schema_id).bytes)]

    def respond(self, path: str) -> tuple[int, dict[str, Any]]:
        self.requests += 1
        if self.answer is not None:
            return self.answer
        asked = path.partition("?")[0].rpartition("/")[2]
        for schema_id, text in enumerate(self.texts, 1):
            if asked in (str(schema_id), str(_guid(schema_id))):
                return 200, {"schema": text, "id": schema_id, "guid": str(_guid(schema_id))}
        return NOT_FOUND


def _guid(schema_id: int) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, str(schema_id))


@contextmanager
def small_registry() -> Iterator[SmallRegistry]:
    registry = SmallRegistry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = registry.respond(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        registry.url = f"http://127.0.0.1:{server.server_port}"
        yield registry
        server.shutdown()
