"""NetSuite's errors, in the shape of its REST services."""

from __future__ import annotations

import json
from http import HTTPStatus

from aiohttp import web

MEDIA_TYPE = "application/vnd.oracle.resource+json; type=error"
_RFC = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"
_SECTIONS = {400: 1, 401: 2, 404: 5, 405: 6, 413: 14, 429: 1, 500: 1}
_TITLES = {429: "Bad Request"}
_PREFIX = "Error while accessing a resource. "


class Refused(Exception):
    """A request that NetSuite refuses; becomes its error body.

    ``path``, ``parameter`` or ``header`` say where the fault is: in the body, the query or the headers.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int = 400,
        code: str = "USER_ERROR",
        path: str | None = None,
        parameter: str | None = None,
        header: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self._place = {"o:errorPath": path, "o:errorQueryParam": parameter, "o:errorHeader": header}

    def response(self) -> web.Response:
        """The HTTP answer."""
        error = {"detail": self.detail, "o:errorCode": self.code} | {k: v for k, v in self._place.items() if v}
        chapter = "5" if self.status >= 500 else "4"
        body: dict[str, object] = {
            "type": f"{_RFC}#sec10.{chapter}.{_SECTIONS.get(self.status, 1)}",
            "title": _TITLES.get(self.status) or HTTPStatus(self.status).phrase,
            "status": self.status,
            "o:errorDetails": [error],
        }
        if self.status == 429:
            body["o:errorCode"] = "USER_ERROR"  # at the top, another code than in the details: NetSuite has it so
        # bytes: for text, the server would add a charset to the media type
        return web.Response(status=self.status, body=json.dumps(body).encode(), headers={"Content-Type": MEDIA_TYPE})


class Duplicate(Refused):
    """An external id or a name that another record of the family has."""

    def __init__(self, detail: str) -> None:
        super().__init__(_PREFIX + detail)


def user_error(detail: str) -> Refused:
    """The umbrella error: a rule of the application was broken."""
    return Refused(_PREFIX + detail)


def invalid_content(field: str, value: object, path: str) -> Refused:
    """A value that the field does not take."""
    detail = f"{_PREFIX}You have entered an Invalid Field Value {value} for the following field: {field}"
    return Refused(detail, code="INVALID_CONTENT", path=path)


def not_json() -> Refused:
    """A body that cannot be read at all."""
    return Refused("The request body is no valid JSON.", code="INVALID_CONTENT")


def unknown_field(name: str, path: str) -> Refused:
    """A name that the record does not have, where the caller asked to be told."""
    return Refused(f"{_PREFIX}Unknown reference or field {name}.", code="INVALID_CONTENT", path=path)


def missing(label: str) -> Refused:
    """A mandatory field without a value; NetSuite names it as the form shows it."""
    return user_error(f"Please enter value(s) for: {label}")


def nonexistent() -> Refused:
    """No such record."""
    return Refused("Record does not exist.", status=404, code="NONEXISTENT_ID")


def invalid_login() -> Refused:
    """Whatever was wrong with the credentials: the answer does not say."""
    detail = (
        "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at "
        "Setup > Users/Roles > User Management > View Login Audit Trail."
    )
    return Refused(detail, status=401, code="INVALID_LOGIN")


def too_many_requests() -> Refused:
    """The account's concurrency limit is exceeded; nothing was processed."""
    detail = "Concurrent request limit exceeded. Request blocked."
    return Refused(detail, status=429, code="CONCURRENCY_LIMIT_EXCEEDED")


def unsupported(status: int) -> Refused:
    """An address, method or size that the services do not take."""
    return Refused(f"{_PREFIX}{HTTPStatus(status).phrase}.", status=status, code="INVALID_REQUEST")


def unexpected(error_id: str) -> Refused:
    """A fault of the server's own."""
    detail = f"An unexpected error occurred. Error ID: {error_id}"
    return Refused(detail, status=500, code="UNEXPECTED_ERROR")


def idempotency_conflict(job: str) -> web.Response:
    """The key was used before, for ``job``. Called a conflict, with the status of a bad request: NetSuite has it so."""
    detail = (
        "A request with the same idempotency key is already submitted. "
        'See the "Location" header for a link to the previously submitted job'
    )
    body = {
        "type": f"{_RFC}#sec10.4.10",
        "title": "Conflict",
        "status": 400,
        "o:errorDetails": [{"detail": detail, "o:errorCode": "IDEMPOTENCY_ERROR"}],
    }
    headers = {"Preference-Applied": "respond-async", "Location": job, "Content-Type": "application/json"}
    return web.Response(status=400, body=json.dumps(body).encode(), headers=headers)
