"""NetSuite's errors, in the shape of its REST services."""

from __future__ import annotations

import json
from collections.abc import Mapping

from aiohttp import web

MEDIA_TYPE = "application/vnd.oracle.resource+json; type=error"
_TYPE = "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html#sec10.4."
_SECTION = {400: "1", 401: "2", 404: "5", 405: "6", 409: "10", 429: "1"}
_TITLE = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed", 429: "Bad Request"}
_PREFIX = "Error while accessing a resource. "


class Refused(Exception):
    """A request that NetSuite refuses; becomes its error body. ``path`` or ``parameter`` say where the fault is."""

    def __init__(
        self,
        detail: str,
        *,
        status: int = 400,
        code: str = "USER_ERROR",
        path: str | None = None,
        parameter: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.code = code
        self.path = path
        self.parameter = parameter

    def response(self) -> web.Response:
        """The HTTP answer."""
        place = {"o:errorPath": self.path, "o:errorQueryParam": self.parameter}
        error = {"detail": self.detail, "o:errorCode": self.code} | {k: v for k, v in place.items() if v}
        body: dict[str, object] = {
            "type": _TYPE + _SECTION.get(self.status, "1"),
            "title": _TITLE.get(self.status, "Error"),
            "status": self.status,
            "o:errorDetails": [error],
        }
        if self.status == 429:
            body["o:errorCode"] = "USER_ERROR"
        return web.Response(
            status=self.status, text=json.dumps(body), headers=_headers(), content_type=None, charset=None
        )


def _headers() -> Mapping[str, str]:
    return {"Content-Type": MEDIA_TYPE}


def user_error(detail: str) -> Refused:
    """The umbrella error: a rule of the application was broken."""
    return Refused(_PREFIX + detail)


def invalid_content(field: str, value: object, path: str) -> Refused:
    """A value that the field does not take."""
    detail = f"{_PREFIX}You have entered an Invalid Field Value {value} for the following field: {field}"
    return Refused(detail, code="INVALID_CONTENT", path=path)


def unknown_field(name: str, path: str) -> Refused:
    """A name that the record does not have, where the caller asked to be told."""
    return Refused(f"{_PREFIX}Unknown reference or field {name!r}.", code="INVALID_CONTENT", path=path)


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
