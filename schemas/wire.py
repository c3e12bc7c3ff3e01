"""Values of a JSON document: numbers without floats, days, instants, currencies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, DecimalException
from enum import StrEnum
from typing import Annotated, Final, NoReturn, TypeVar

from pydantic import PlainValidator, StringConstraints

from schemas.bounds import LONGEST_NAME
from schemas.currency import UnknownCurrency, minor_units

_Symbol = TypeVar("_Symbol", bound=StrEnum)


class InvalidActivation(Exception):
    """An activation that is not what Nue sends; the text names the place in the JSON and what is wrong there."""


def parse_json(text: str | bytes) -> object:
    """Parsed JSON whose fractions are decimals, never floats.

    Raises:
        InvalidActivation: the text is not JSON, or holds a number that is none (NaN) or cannot be one.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, DecimalException, RecursionError) as error:
        raise InvalidActivation(f"not readable as JSON: {str(error) or type(error).__name__}") from None


def symbol(enum: type[_Symbol], text: str) -> _Symbol | None:
    """The symbol that a name of Nue's stands for: ``UpdateQuantity`` is ``UPDATE_QUANTITY``; None where none is."""
    wanted = squeezed(text)
    return next((known for known in enum if squeezed(known) == wanted), None)


def squeezed(text: str) -> str:
    """A name without what people and documentation write differently: case, spaces, hyphens, underscores."""
    return re.sub(r"[\s_-]", "", text).casefold()


_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_ROUNDING: Final = Context(prec=100, rounding=ROUND_HALF_EVEN)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _decimal(precision: int, scale: int) -> Callable[[object], Decimal]:
    """A reader of numbers, rounding half-even to ``scale`` decimals."""
    step = Decimal(1).scaleb(-scale)

    def read(value: object) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            raise ValueError(f"a number is needed, not {value!r:.80}")
        text = str(value).strip()
        if not _NUMBER.fullmatch(text):
            raise ValueError(f"{text!r:.80} is not a number")
        number = Decimal(text)
        if number.adjusted() < precision - scale:
            number = number.quantize(step, context=_ROUNDING)
        if number and number.adjusted() >= precision - scale:
            raise ValueError(f"{text:.80} has more than {precision - scale} digits before the point")
        return number.quantize(step, context=_ROUNDING)

    return read


def _whole(value: object) -> int:
    # Systems that keep every number as a double write the third line as 3.0.
    number = int(value) if isinstance(value, Decimal) and value == value.to_integral_value() else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**31:
        raise ValueError(f"a whole number is needed, not {value!r:.80}")
    return number


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError(f"a date and time is needed, not {value!r:.80}")
    try:
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r:.80} is not a date and time") from None


def _day(value: object) -> date:
    if not isinstance(value, str):
        raise ValueError(f"a date is needed, not {value!r:.80}")
    try:
        return datetime.fromisoformat(value).date()
    except ValueError:
        raise ValueError(f"{value!r:.80} is not a date") from None


def _currency(value: object) -> str:
    try:
        minor_units(str(value))
    except UnknownCurrency as error:
        raise ValueError(str(error)) from None
    return str(value)


def _as_text(value: object) -> str:
    if isinstance(value, str):
        text = value
    else:
        text = str(value) if isinstance(value, Decimal) else json.dumps(value, default=str, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half a character") from None
    return text


Amount = Annotated[Decimal, PlainValidator(_decimal(18, 6))]
"""Money or a quantity: twelve digits before the point, six after it."""
Price = Annotated[Decimal, PlainValidator(_decimal(28, 10))]
"""A price per unit: eighteen digits before the point, ten after it."""
Count = Annotated[int, PlainValidator(_whole)]
"""A whole number from 0."""
Instant = Annotated[datetime, PlainValidator(_instant)]
"""An instant in UTC; a bare date is its midnight, and a time without a zone is taken as UTC."""
Day = Annotated[date, PlainValidator(_day)]
"""A date; of a date and time, the date that is written there."""
Currency = Annotated[str, PlainValidator(_currency)]
"""An ISO 4217 code."""
AsText = Annotated[str, PlainValidator(_as_text)]
"""Whatever stands there, as text; lists and objects as JSON."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME)]
"""An id of Nue's: any text but the empty one."""
ShortText = Annotated[str, StringConstraints(max_length=LONGEST_NAME)]
"""A number that people see, a status or a code."""
