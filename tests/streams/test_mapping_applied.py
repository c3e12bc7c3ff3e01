"""The mapping's settings in the sink itself, on a real Kafka and over real HTTP."""

from __future__ import annotations

from schemas.outcome import LetterState
from sinks.sandbox.account import DEFAULT_CUSTOM_FIELDS
from tests.environment import Kafka
from tests.sandbox_server import running_sandbox
from tests.sinks import orders
from tests.streams.sinking import Line, sales_order

MAPPING = {
    "customer_parents": "required",
    "order_custom_fields": {"Cost_Centre__c": "custbody_cost_centre"},
    "line_custom_fields": {"Share__c": {"field": "custcol_share", "type": "number"}},
    "root_subscription_field": "custcol_root",
}
OWN = {"salesOrder": {"custbody_cost_centre"}, "salesOrder.item": {"custcol_share", "custcol_root"}}


async def test_a_document_waits_for_its_customers_parent_and_carries_what_the_mapping_names(
    kafka: Kafka, topic_prefix: str
) -> None:
    own = {
        place: names | OWN[place.replace("returnAuthorization", "salesOrder")]
        for place, names in DEFAULT_CUSTOM_FIELDS.items()
    }
    child = orders.customer("NUE-CUST-child", parent="NUE-CUST-holding")
    sold = orders.line(root_subscription_id="root", custom_fields={"Share__c": "0.25"})
    document = sales_order("child", 1, lines=(sold,), custom_fields={"Cost_Centre__c": "4711"})
    with running_sandbox(custom_fields=own) as sandbox:
        line = Line(kafka.bootstrap, topic_prefix, sandbox, netsuite={"mapping": MAPPING, "reference_timeout": 1.0})
        line.make_topics()
        line.ask_for(orders.item(), child, document)
        async with line.sink():
            await line.settled()
            assert line.states() == {child.external_id: LetterState.WAITING, document.external_id: LetterState.WAITING}
            line.ask_for(orders.customer("NUE-CUST-holding"))
            await line.until(lambda: set(line.states().values()) == {LetterState.CLOSED})
        (made,) = line.held()["documents"]
        parents = {each["externalId"]: each["fields"].get("parent") for each in line.held()["customers"]}
    (row,) = made["lines"]
    assert (made["custbody_cost_centre"], row["custcol_share"], row["custcol_root"]) == ("4711", "0.25", "root")
    assert parents == {"NUE-CUST-child": "NUE-CUST-holding", "NUE-CUST-holding": None}
