"""A second opinion on what becomes of a customer's orders: plain loops, slow, and nothing of the product in it.

It is written from the connector's description and the decisions about Nue's edge cases, reads Nue's JSON by itself,
and keeps no state but the list of what it has decided: whatever it needs to know about a subscription or contract, it
finds out by going through that list again. Not covered: what the reader of Nue's JSON refuses (unknown currencies,
parties and products that are not described, one line id twice), opening balances, evergreen terms told as SNAPSHOT.
"""

from tests.oracle.judge import Record, Verdict, judge
from tests.oracle.papers import Paper, Row

__all__ = ["Paper", "Record", "Row", "Verdict", "judge"]
