"""SuiteQL, as far as look-ups need it: one SELECT over a few tables, read by a real parser and run by SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import sqlglot
from sqlglot import exp
from sqlglot.errors import ErrorLevel, SqlglotError

from sinks.sandbox import views
from sinks.sandbox.errors import Refused
from sinks.sandbox.store import Store

MOST_ROWS = 100_000
PAGE = 1000


def answer(store: Store, content: object, query: Mapping[str, str], prefer: str, href: str) -> dict[str, Any]:
    """The answer to one SuiteQL request, sent to ``href``.

    Raises ``Refused`` for a request that NetSuite would not run.
    """
    if "transient" not in {part.strip().lower() for part in prefer.split(",")}:
        detail = "The request header 'Prefer' must have the value 'transient'."
        raise Refused(detail, code="INVALID_HEADER", header="Prefer")
    limit, offset = _page(query)
    if not isinstance(content, dict) or not isinstance(content.get("q"), str):
        raise _invalid()
    rows = _rows(store, content["q"], content.get("params"))
    page = rows[offset : offset + limit]
    return {
        "links": _links(href, limit, offset, len(rows)),
        "count": len(page),
        "hasMore": offset + limit < len(rows),
        "items": [_shown(row) for row in page],
        "offset": offset,
        "totalResults": len(rows),
    }


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    limit, offset = query.get("limit", str(PAGE)), query.get("offset", "0")
    if not _is_number(limit) or not 1 <= int(limit) <= PAGE:
        detail = f"The query parameter limit must be a number from 1 to {PAGE}."
        raise Refused(detail, code="INVALID_PARAMETER", parameter="limit")
    if not _is_number(offset) or int(offset) % int(limit):
        detail = "The query parameter offset must be divisible by limit."
        raise Refused(detail, code="INVALID_PARAMETER", parameter="offset")
    return int(limit), int(offset)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def _links(href: str, limit: int, offset: int, total: int) -> list[dict[str, str]]:
    last = max(total - 1, 0) // limit * limit
    places = {"self": offset}
    if offset > 0:
        places |= {"first": 0, "previous": offset - limit}
    if offset < last:
        places |= {"next": offset + limit, "last": last}
    return [
        {"rel": rel, "href": f"{href}?{urlencode({'limit': limit, 'offset': place})}"} for rel, place in places.items()
    ]


def _rows(store: Store, text: str, params: object) -> list[dict[str, Any]]:
    if not isinstance(params, list | None) or not all(isinstance(each, str | Decimal | None) for each in params or []):
        raise _invalid()
    bound = [None if each is None else str(each) for each in params or []]
    try:
        known = views.columns(store.custom_fields)
        if store.rules.arrangements_after is None:
            del known["revenueelement"]
        return store.query(_translated(text, known), bound, MOST_ROWS)
    except (SqlglotError, RecursionError, sqlite3.Error) as error:
        raise _invalid() from error


def _translated(text: str, known: Mapping[str, Mapping[str, str]]) -> str:
    statements = sqlglot.parse(text, read="oracle")
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise _invalid()
    select = statements[0]
    if select.find(exp.Anonymous):  # a function that no dialect knows: SQLite's own, such as randomblob
        raise _invalid()
    names = {alias.alias.lower() for alias in select.find_all(exp.Alias)}
    for table in list(select.find_all(exp.Table)):
        name = table.name.lower()
        if name not in known or table.db:
            raise _invalid()
        names |= known[name].keys()
        table.set("alias", exp.TableAlias(this=exp.to_identifier((table.alias or name).lower(), quoted=True)))
        table.set("this", exp.to_identifier(f"suiteql_{name}"))
    for column in select.find_all(exp.Column):
        if not column.is_star:
            _name_exactly(column, names)
    # of what SQLite lacks there is the format of a date, and here dates are kept as they are asked for
    return select.sql(dialect="sqlite", unsupported_level=ErrorLevel.IGNORE)


def _name_exactly(column: exp.Column, names: set[str]) -> None:
    # SQLite takes a quoted name that it does not know for a text, so nothing unknown may reach it
    if column.name.lower() not in names:
        raise _invalid()
    column.set("this", exp.to_identifier(column.name.lower(), quoted=True))
    if column.table:
        column.set("table", exp.to_identifier(column.table.lower(), quoted=True))


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Values are strings, keys lower case, and what is null is left out."""
    return {"links": []} | {name.lower(): _text(value) for name, value in row.items() if value is not None}


def _text(value: object) -> str:
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)


def _invalid() -> Refused:
    return Refused("Invalid search query. Provide a valid search query.", code="INVALID_PARAMETER", parameter="q")
