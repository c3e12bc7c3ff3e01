"""The projection and the oracle, which know nothing of each other, come to the same documents and the same reasons.

``NUESTREAM_ORACLE_HISTORIES`` says how many histories, ``NUESTREAM_ORACLE_SEED`` which is the first: one alone is
judged again with ``NUESTREAM_ORACLE_HISTORIES=1 NUESTREAM_ORACLE_SEED=123``.
"""

import os
import random
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.projections.second_opinion import history, of_oracle, of_projection, some_settings
from tests.stories import Customer, peaceful

HISTORIES = int(os.environ.get("NUESTREAM_ORACLE_HISTORIES", "250"))
FIRST = int(os.environ.get("NUESTREAM_ORACLE_SEED", "0"))


def agree(records, chosen):
    theirs, ours = of_oracle(records, chosen), of_projection(records, chosen)
    assert ours.outcomes == theirs.outcomes
    assert ours.reasons == theirs.reasons
    assert ours.documents == theirs.documents
    return theirs


def test_the_projection_and_the_oracle_agree_on_made_up_histories():
    seen = Counter()
    for seed in range(FIRST, FIRST + HISTORIES):
        records, chosen = history(random.Random(seed))
        try:
            theirs = agree(records, chosen)
        except AssertionError as error:
            pytest.fail(f"seed {seed} by {chosen}: {error}")
        seen.update(theirs.outcomes.values())
        seen.update(code for codes in theirs.reasons.values() for code in codes)
        seen.update(document[0] for document in theirs.documents.values())
    if HISTORIES >= 250:
        missing = EXPECTED - seen.keys()
        assert not missing, f"no history had {missing}"


EXPECTED = {
    "posted", "NoOp", "ignored", "copy", "held", "quarantined", "discarded", "SO", "RA", "conflict", "version_gap",
    "stale_version", "unknown_subscription", "changed_without_asset", "dead_subscription", "quantity_mismatch",
    "mixed_order", "credit_exceeds_remaining", "negative_renewal", "negative_new_order", "currency_mismatch",
    "billing_account_mismatch", "totals_do_not_tie", "line_type", "change_type", "order_cancelled", "changed_since",
    "cancellation_differs", "snapshot_cancellation",
}  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.randoms(use_true_random=False))
def test_they_agree_on_histories_that_can_be_shrunk(chance):
    agree(*history(chance))


def test_a_history_told_twice_leads_to_the_same_documents():
    """As changes of whole months, and as the subscriptions after them, each line covering one segment."""
    for seed in range(FIRST, FIRST + HISTORIES // 4):
        chance = random.Random(seed)
        customer = Customer(chance, twice=True)
        told = [customer.order() for _ in range(chance.randrange(2, 13))]
        basis = chance.choice(["us_30_360", "eu_30_360", "whole_months"])
        # a document over two contracts is linked by its first line, which the tellings choose differently
        chosen = some_settings(chance) | {"term_basis": basis, "split_by_contract": True}
        first, second = (of_projection(peaceful([each[way] for each in told]), chosen) for way in (0, 1))
        assert first.outcomes == second.outcomes, f"seed {seed}"
        assert headers(first) == headers(second), f"seed {seed}"


def headers(opinion):
    """The documents but for their lines, and for their numbers, which follow from the lines."""
    return Counter(document[:-1] for document in opinion.documents.values())
