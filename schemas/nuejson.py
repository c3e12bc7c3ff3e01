"""The names in Nue's JSON: the only place that knows them.

Nue's published field names were read from flattened documentation, so a name may turn out to be spelt otherwise: each
is given once, as the alias of a field below (the camel case of the field's own name unless it says another).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError
from pydantic.alias_generators import to_camel

from schemas.order import LineSemantics
from schemas.wire import Amount, AsText, Count, Currency, Day, Id, Instant, InvalidActivation, Price, ShortText, symbol


def _or_empty(value: object) -> object:
    return [] if value is None else value


def _semantics(value: object) -> LineSemantics:
    read = LineSemantics.DELTA if value is None else symbol(LineSemantics, str(value))
    if read in (None, LineSemantics.UNKNOWN):
        raise ValueError(f"{value!r:.80} is neither DELTA nor SNAPSHOT")
    return read


_Semantics = Annotated[LineSemantics, PlainValidator(_semantics)]


class _Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True, strict=True, extra="ignore")


class Account(_Wire):
    """A customer or billing account."""

    id: Id
    name: str
    external_id: str | None = None
    account_number: str | None = None
    record_type: str | None = None
    email: str | None = None
    phone: str | None = None
    currency: str | None = Field(None, alias="currencyIsoCode")
    payment_term: str | None = None
    parent_customer_id: str | None = None
    description: str | None = None
    customer_since: Day | None = None
    billing_street: str | None = None
    billing_city: str | None = None
    billing_state: str | None = None
    billing_postal_code: str | None = None
    billing_country: str | None = None
    shipping_street: str | None = None
    shipping_city: str | None = None
    shipping_state: str | None = None
    shipping_postal_code: str | None = None
    shipping_country: str | None = None


class Product(_Wire):
    """A product of the catalogue."""

    id: Id
    sku: str
    name: str
    description: str | None = None
    category: str | None = Field(None, alias="productCategory")


class Subscription(_Wire):
    """A version of a subscription, as it is after the order."""

    id: Id
    number: Id = Field(alias="name")
    version: Count = Field(alias="subscriptionVersion")
    level: Count | None = Field(None, alias="subscriptionLevel")
    root_id: Id | None = None
    order_product_id: str | None = None
    quantity: Amount | None = None
    status: ShortText | None = None
    start: Day | None = Field(None, alias="subscriptionStartDate")
    end: Day | None = Field(None, alias="subscriptionEndDate")


class _Custom(_Wire):
    """What has fields of the tenant's own, beside Nue's or in an object of theirs."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, AsText | None]

    custom_fields: dict[AsText, AsText | None] | None = None

    @property
    def own_fields(self) -> dict[str, str]:
        """The tenant's own fields that have a value."""
        beside = {name: text for name, text in (self.model_extra or {}).items() if name.endswith("__c")}
        return {name: text for name, text in (beside | (self.custom_fields or {})).items() if text is not None}


class OrderProduct(_Custom):
    """A line of an order."""

    id: Id
    line_number: Count | None = None
    line_type: str | None = None
    change_type: str | None = None
    product_id: Id
    quantity: Amount
    amount: Amount = Field(alias="totalPrice")
    asset_number: Id | None = None
    parent_id: Id | None = None
    price_book_entry_id: str | None = None
    uom_id: str | None = None
    net_sales_price: Price | None = None
    list_price: Price | None = None
    discount: Amount | None = None
    discount_amount: Amount | None = None
    term: Amount | None = Field(None, alias="subscriptionTerm")
    term_dimension: str | None = Field(None, alias="subscriptionTermDimension")
    start: Day | None = Field(None, alias="subscriptionStartDate")
    end: Day | None = Field(None, alias="subscriptionEndDate")
    tax_amount: Amount | None = None
    delta_arr: Amount | None = Field(None, alias="deltaARR")
    delta_cmrr: Amount | None = Field(None, alias="deltaCMRR")
    delta_acv: Amount | None = Field(None, alias="deltaACV")
    delta_tcv: Amount | None = Field(None, alias="deltaTCV")
    billing_period: str | None = None
    billing_timing: str | None = None
    auto_renew: bool | None = None
    evergreen: bool | None = None


class Order(_Custom):
    """An order."""

    id: Id
    number: ShortText = Field(alias="orderNumber")
    status: ShortText
    customer_id: Id
    billing_account_id: Id | None = None
    effective: Day = Field(alias="effectiveDate")
    placed: Day | None = Field(None, alias="orderPlacedDate")
    activated: Instant | None = Field(None, alias="activatedDate")
    currency: Currency = Field(alias="currencyIsoCode")
    total_amount: Amount
    list_total: Amount | None = None
    discount_amount: Amount | None = None
    subtotal: Amount | None = None
    tax_amount: Amount | None = None
    start: Day | None = Field(None, alias="subscriptionStartDate")
    end: Day | None = Field(None, alias="subscriptionEndDate")
    term: Amount | None = Field(None, alias="subscriptionTerm")
    po_number: ShortText | None = None
    description: str | None = None
    original_order_id: ShortText | None = None
    line_semantics: _Semantics = LineSemantics.DELTA
    lines: list[OrderProduct] = Field(alias="orderProducts", min_length=1)


class Activation(_Wire):
    """What an activation answers with: the order, and what it made or names."""

    order: Order
    subscriptions: Annotated[list[Subscription], BeforeValidator(_or_empty)] = []
    customer: Account | None = None
    billing_account: Account | None = None
    products: Annotated[list[Product], BeforeValidator(_or_empty)] = []


def read_wire(document: object) -> tuple[Activation, str]:
    """The activation, and the place of its contents in the document: ``data.`` in Nue's envelope, else nothing.

    Raises:
        InvalidActivation: with the place of the first value that is missing or wrong.
    """
    data, root = _data(document)
    try:
        return Activation.model_validate(data), root
    except ValidationError as error:
        first, *others = error.errors(include_url=False, include_input=False)
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).lstrip(".")
        what = "is missing" if first["type"] == "missing" else first["msg"].removeprefix("Value error, ")
        more = f" (and {len(others)} more)" if others else ""
        raise InvalidActivation(f"{root}{place}: {what}{more}") from None


def wire_name(model: type[BaseModel], field: str) -> str:
    """What Nue calls a field of a model."""
    return str(model.model_fields[field].alias)


def _data(document: object) -> tuple[object, str]:
    if not isinstance(document, dict):
        raise InvalidActivation("the activation is not a JSON object")
    if "order" in document:
        return document, ""
    status = document.get("status")
    if isinstance(status, str) and status.casefold() != "success":
        raise InvalidActivation(f"status: {status!r:.80}, so nothing was activated")
    if not isinstance(document.get("data"), dict):
        raise InvalidActivation("data: is missing")
    return document["data"], "data."
