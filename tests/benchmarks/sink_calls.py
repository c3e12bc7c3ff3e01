"""How often the sink asks NetSuite: for a stream of orders, and for the same stream where NetSuite holds it already."""

from __future__ import annotations

from tests.benchmarks.sink_line import apply_all, calls, line
from tests.streams.order_stream import OrderStream

CUSTOMERS, ITEMS, BEFORE = 200, 40, 500


def report(bootstrap: str, orders: int) -> None:
    """Measure and print both; the first orders, which bring most customers and items, are left out of the stream."""
    stream = OrderStream(CUSTOMERS, ITEMS)
    with line(bootstrap, 15) as (pipeline, sandbox):
        first, later = list(stream.take(BEFORE)), list(stream.take(orders))
        pipeline.ask_for(first)
        apply_all(pipeline)
        calls(sandbox)
        pipeline.ask_for(later)
        apply_all(pipeline)
        asked = calls(sandbox)
        print(
            f"sink, calls: {orders} orders of {CUSTOMERS} customers and more as they come, {len(later)} commands; "
            f"customers and items known after their first\n"
            f"  {'a stream of orders':40}{asked:6} calls {asked / orders:8.3f} per order",
            flush=True,
        )
        names = {"OUTCOMES": "outcomes", "DEAD_LETTERS": "dead_letters"}
        anew = {f"TOPICS__{field}": f"{pipeline.topic(name)}-anew" for field, name in names.items()}
        anew["GROUPS__APPLY"] = f"{pipeline.prefix}apply-anew"
        pipeline.run("topics", "create", over=anew)
        apply_all(pipeline, "apply-anew", anew)
        asked, commands = calls(sandbox), len(first) + len(later)
        print(f"  {'all of it again, nothing known of it':40}{asked:6} calls {asked / commands:8.4f} per command")
