"""Forms of drivers: every field has its words in both languages, and nothing else has."""

from __future__ import annotations

import re

import pytest

from lianji.connect.devices import DRIVERS, driver_class
from lianji.connect.field_words import FIELDS, FIRST, PROTOCOLS
from lianji.connect.forms import form, forms

CHOSEN = [name for name in DRIVERS if name != "fake"]
HAN = re.compile(r"[\u4e00-\u9fff]|^OPC UA$|^Modbus$|^MQTT$")


def test_every_protocol_has_a_form() -> None:
    assert [one.protocol for one in forms()] == CHOSEN == list(PROTOCOLS)


@pytest.mark.parametrize("protocol", CHOSEN)
def test_every_field_has_a_name_and_a_sentence_in_both_languages(protocol: str) -> None:
    wanted = set(driver_class(protocol).Config.model_fields) - {"protocol"}
    assert set(FIELDS[protocol]) == wanted
    assert set(FIRST[protocol]) <= wanted
    for field in form(protocol).fields:
        assert field.help.en.endswith("."), field.name
        assert field.help.zh.endswith("。"), field.name
        assert HAN.search(field.title.zh) and HAN.search(field.help.zh), field.name
        assert not HAN.search(field.title.en) and not HAN.search(field.help.en), field.name


def test_a_form_tells_bounds_choices_and_secrets() -> None:
    fields = {field.name: field for field in form("modbus").fields}
    port = fields["port"]
    assert (port.widget, port.whole, port.minimum, port.maximum, port.default) == (
        "number", True, 1, 65_535, 502,
    )  # fmt: skip
    assert fields["word_order"].choices == ["ABCD", "CDAB", "BADC", "DCBA"]
    assert fields["stopbits"].choices == [1, 2]
    assert fields["enabled"].widget == "switch"
    mqtt = {field.name: field for field in form("mqtt").fields}
    assert (mqtt["password"].widget, mqtt["password_env"].widget) == ("secret", "text")
    assert mqtt["subscriptions"].widget == "lines" and mqtt["host"].required
    opcua = {field.name: field for field in form("opcua").fields}
    assert (opcua["certificate"].widget, opcua["certificate"].default) == ("text", None)
