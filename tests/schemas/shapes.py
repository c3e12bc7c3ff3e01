"""Records of every type, made from the types' own hints and their schemas' bounds."""

import json
import types
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from enum import EnumType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st
from msgspec import Struct

from schemas.bounds import Count
from schemas.catalog import schema_text

_EXACT = Context(prec=60)


def optional(hint: Any) -> Any | None:
    """What a hint allows besides None; None where it does not allow None."""
    if get_origin(hint) not in (Union, types.UnionType):
        return None
    (inner,) = [argument for argument in get_args(hint) if argument is not types.NoneType]
    return inner


def records(type_: type[Struct]) -> st.SearchStrategy[Struct]:
    """Any record of this type that its schema can hold."""
    return _values(type_, json.loads(schema_text(type_)), {})


def _values(hint: Any, schema: Any, named: dict[str, Any]) -> st.SearchStrategy[Any]:
    if (inner := optional(hint)) is not None:
        return st.none() | _values(inner, schema[1], named)
    schema = named.get(schema, schema) if isinstance(schema, str) else schema
    if isinstance(hint, type) and issubclass(hint, Struct):
        named[f"{schema['namespace']}.{schema['name']}"] = schema
        hints = get_type_hints(hint, include_extras=True)
        return st.builds(
            hint,
            **{field["name"]: _values(hints[field["name"]], field["type"], named) for field in schema["fields"]},
        )
    if isinstance(hint, EnumType):
        named[f"{schema['namespace']}.{schema['name']}"] = schema if isinstance(schema, dict) else None
        return st.sampled_from(list(hint))
    if get_origin(hint) is tuple:
        return st.lists(_values(get_args(hint)[0], schema["items"], named), max_size=3).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(_texts(), _values(get_args(hint)[1], schema["values"], named), max_size=2)
    if hint is Decimal:
        most = 10 ** schema["precision"] - 1
        return st.integers(-most, most).map(lambda number: Decimal(number).scaleb(-schema["scale"], _EXACT))
    if hint == Count:
        return st.integers(-(2**31), 2**31 - 1)
    return _SIMPLE[get_args(hint)[0] if get_origin(hint) is Annotated else hint]()


def _texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


_SIMPLE: dict[Any, Callable[[], st.SearchStrategy[Any]]] = {
    str: _texts,
    int: lambda: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans,
    bytes: lambda: st.binary(max_size=12),
    date: st.dates,
    datetime: lambda: st.datetimes(timezones=st.just(UTC)),
}
