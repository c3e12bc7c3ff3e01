"""The mapping as people write it: what it becomes in NetSuite's words, and how a mistake is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from schemas.command import ItemType
from sinks.defaults import CustomField, Defaults
from streams.errors import SettingsError
from streams.mapping import defaults_of
from streams.settings import load_settings
from streams.settings_source import env_name


def read(tmp_path: Path, text: str) -> Defaults:
    file = tmp_path / "nuestream.toml"
    file.write_text(f"[netsuite.mapping]\n{text}", encoding="utf-8")
    return defaults_of(load_settings(file).netsuite.mapping)


def test_nothing_given_adds_nothing_to_new_records(tmp_path: Path) -> None:
    given = read(tmp_path, "")
    assert (given.subsidiary, given.order_status, given.customer_ids) == (None, None, "automatic")
    assert (given.original_rate, given.add_currencies) == (True, True)
    assert not any(kind.fields or kind.record for kind in given.items.values())
    assert not any(given.fields.values())


def test_names_and_internal_ids_are_taken_alike(tmp_path: Path) -> None:
    given = read(tmp_path, 'subsidiary = "Parent Company"\nlocation = 4\ndepartment = "5"\nsegments_on = "lines"\n')
    assert (given.subsidiary, given.location, given.department) == ("Parent Company", "4", "5")
    assert given.on_lines


def test_statuses_are_netsuites_letters(tmp_path: Path) -> None:
    given = read(tmp_path, 'order_status = "pending_approval"\nreturn_status = "pending_receipt"\n')
    assert (given.order_status, given.return_status) == ("A", "B")


def test_item_defaults_are_of_one_kind_and_in_netsuites_names(tmp_path: Path) -> None:
    text = """
        [netsuite.mapping.service_items]
        record = "serviceResaleItem"
        income_account = 54
        tax_schedule = "2"
        revenue_recognition_rule = 1
        create_revenue_plans_on = -3
        fulfillable = false
        fields = { custitem_family = "saas", custitem_kind = { id = 3 }, custitem_share = 0.5 }
    """
    given = read(tmp_path, text)
    kind = given.items[ItemType.SERVICE_SALE_ITEM]
    assert kind.record == "serviceResaleItem"
    assert kind.fields == {
        "incomeAccount": {"id": "54"},
        "taxSchedule": {"id": "2"},
        "revenueRecognitionRule": {"id": "1"},
        "createRevenuePlansOn": {"id": "-3"},
        "isFulfillable": False,
        "custitem_family": "saas",
        "custitem_kind": {"id": "3"},
        "custitem_share": Decimal("0.5"),
    }
    assert given.items[ItemType.INVENTORY_ITEM].fields == {}


def test_further_fields_are_references_where_their_record_says_so(tmp_path: Path) -> None:
    given = read(tmp_path, 'customer_fields = { category = 3, taxable = true, custentity_x = "a" }\n')
    assert given.fields["customer"] == {"category": {"id": "3"}, "taxable": True, "custentity_x": "a"}


def test_custom_fields_are_texts_where_nothing_else_is_said(tmp_path: Path) -> None:
    text = """
        customer_parents = "required"
        root_subscription_field = "custcol_nue_root_subscription"
        order_custom_fields = { Cost_Centre__c = "custbody_cost_centre" }
        [netsuite.mapping.line_custom_fields]
        Region__c = { field = "custcol_region", type = "list", values = { North = 3, "Süd" = "4" } }
        Share__c = { field = "custcol_share", type = "number" }
    """
    given = read(tmp_path, text)
    assert (given.parents, given.root_field) == ("required", "custcol_nue_root_subscription")
    assert given.order_custom == {"Cost_Centre__c": CustomField(field="custbody_cost_centre")}
    assert given.line_custom == {
        "Region__c": CustomField(field="custcol_region", type="list", values={"North": "3", "Süd": "4"}),
        "Share__c": CustomField(field="custcol_share", type="number"),
    }


TWICE = '{ A__c = "custbody_a", B__c = "custbody_a" }'
ROOT = 'root_subscription_field = "custcol_a"\nline_custom_fields = { A__c = "custcol_a" }'


@pytest.mark.parametrize(
    ("text", "setting", "reason"),
    [
        (
            'order_custom_fields = { A__c = "custcol_a" }',
            "order_custom_fields.A__c",
            "not the id of a custbody_ field",
        ),
        (
            'line_custom_fields = { A__c = "custbody_a" }',
            "line_custom_fields.A__c",
            "not the id of a custcol_ field",
        ),
        ('line_custom_fields = { A__c = "memo" }', "line_custom_fields.A__c.field", "pattern"),
        ('root_subscription_field = "custbody_a"', "root_subscription_field", "not the id of a custcol_ field"),
        ('root_subscription_field = "custcol_nue_end_date"', "root_subscription_field", "with something else already"),
        (
            f"order_custom_fields = {TWICE}",
            "order_custom_fields.B__c",
            "custbody_a is filled with something else",
        ),
        (ROOT, "line_custom_fields.A__c", "custcol_a is filled with something else"),
        (
            'order_custom_fields = { A__c = { field = "custbody_a", type = "list" } }',
            "order_custom_fields.A__c.values",
            "such a field needs them",
        ),
        (
            'order_custom_fields = { A__c = { field = "custbody_a", values = { x = 1 } } }',
            "order_custom_fields.A__c.values",
            'belong to a field of type "list"',
        ),
        ('customer_parents = "maybe"', "customer_parents", "'preferred', 'required' or 'ignored'"),
        ("customer_fields = { foo = 1 }", "customer_fields", "customer has no field foo"),
        ("customer_fields = { custbody_x = 1 }", "customer_fields", "customer has no field custbody_x"),
        ('order_fields = { memo = "x" }', "order_fields", "memo is filled by commands or by a setting of its own"),
        ("return_fields = { terms = 1 }", "return_fields", "filled by commands"),
        ("return_fields = { billingSchedule = 1 }", "return_fields", "has no field billingSchedule"),
        ("[netsuite.mapping.inventory_items]\nfulfillable = false", "inventory_items.fulfillable", "isFulfillable"),
        ('[netsuite.mapping.service_items]\nincome_account = "Sales"', "service_items.income_account", "pattern"),
        ('[netsuite.mapping.service_items]\nrecord = "kitItem"', "service_items.record", "otherChargeSaleItem"),
        ('order_status = "approved"', "order_status", "'pending_approval' or 'pending_fulfillment'"),
        ("customer_fields = { category = [1] }", "customer_fields.category", "an id of another record: { id = 5 }"),
    ],
)
def test_a_mistake_names_its_setting(tmp_path: Path, text: str, setting: str, reason: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read(tmp_path, text)
    path = ("netsuite", "mapping", *setting.split("."))
    assert str(raised.value).startswith(f"{'.'.join(path)} ({env_name(path)}): ")
    assert reason in str(raised.value)


def test_the_environment_reaches_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUESTREAM_NETSUITE__MAPPING__LOCATION", "4")
    monkeypatch.setenv("NUESTREAM_NETSUITE__MAPPING__SERVICE_ITEMS__INCOME_ACCOUNT", "54")
    monkeypatch.setenv("NUESTREAM_NETSUITE__MAPPING__CUSTOMER_FIELDS", '{"category": "3"}')
    monkeypatch.setenv("NUESTREAM_NETSUITE__MAPPING__LINE_CUSTOM_FIELDS", '{"Region__c": "custcol_region"}')
    given = defaults_of(load_settings().netsuite.mapping)
    assert given.location == "4"
    assert given.line_custom == {"Region__c": CustomField(field="custcol_region")}
    assert given.items[ItemType.SERVICE_SALE_ITEM].fields == {"incomeAccount": {"id": "54"}}
    assert given.fields["customer"] == {"category": {"id": "3"}}
