"""SuiteQL, as far as look-ups need it: one SELECT over a few tables, read by a real parser and run by SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sinks.sandbox.errors import Refused
from sinks.sandbox.store import Store

TABLES = frozenset({"transaction", "transactionline", "customer", "item", "currency", "term", "subsidiary"})
MOST_ROWS = 100_000
PAGE = 1000


def answer(store: Store, content: object, query: Mapping[str, str], prefer: str) -> dict[str, Any]:
    """The answer to one SuiteQL request. Raises ``Refused`` for a request that NetSuite would not run."""
    if "transient" not in prefer:
        detail = "Required request header 'Prefer: transient' is missing or is not valid."
        raise Refused(detail, code="INVALID_HEADER")
    limit, offset = _page(query)
    if not isinstance(content, dict) or not isinstance(content.get("q"), str):
        raise _invalid()
    rows = _rows(store, content["q"], content.get("params") or [])
    page = rows[offset : offset + limit]
    return {
        "links": [],
        "count": len(page),
        "hasMore": offset + limit < len(rows),
        "items": [_shown(row) for row in page],
        "offset": offset,
        "totalResults": len(rows),
    }


def _page(query: Mapping[str, str]) -> tuple[int, int]:
    limit, offset = query.get("limit", str(PAGE)), query.get("offset", "0")
    if not limit.isdigit() or not 1 <= int(limit) <= PAGE:
        raise Refused("Invalid value for the query parameter limit.", code="INVALID_PARAMETER", parameter="limit")
    if not offset.isdigit() or int(offset) % int(limit):
        detail = "The value of the query parameter offset must be divisible by limit."
        raise Refused(detail, code="INVALID_PARAMETER", parameter="offset")
    return int(limit), int(offset)


def _rows(store: Store, text: str, params: object) -> list[dict[str, Any]]:
    if not isinstance(params, list):
        raise _invalid()
    try:
        return store.query(_translated(text), [str(each) for each in params])[:MOST_ROWS]
    except (SqlglotError, sqlite3.Error) as error:
        raise _invalid() from error


def _translated(text: str) -> str:
    statements = sqlglot.parse(text, read="oracle")
    if len(statements) != 1 or not isinstance(statements[0], exp.Select):
        raise _invalid()
    select: Any = statements[0]
    names: Sequence[exp.Table] = list(select.find_all(exp.Table))
    for table in names:
        if table.name.lower() not in TABLES:
            raise _invalid()
        alias = table.alias or table.name.lower()
        table.set("this", exp.to_identifier(f"suiteql_{table.name.lower()}"))
        table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    for column in select.find_all(exp.Column):
        column.set("this", exp.to_identifier(column.name.lower(), quoted=True))
        if column.table:
            column.set("table", exp.to_identifier(column.table.lower(), quoted=True))
    translated: str = select.sql(dialect="sqlite")
    return translated


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """Values are strings, keys lower case, and what is null is left out."""
    return {"links": []} | {name.lower(): str(value) for name, value in row.items() if value is not None}


def _invalid() -> Refused:
    return Refused("Invalid search query. Provide a valid search query.", code="INVALID_PARAMETER", parameter="q")
