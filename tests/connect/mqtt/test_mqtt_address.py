"""Addresses say one thing only, and a wrong one says why."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.connect.drivers.mqtt.address import (
    MetricAddress,
    TopicAddress,
    parse_address,
    parse_path,
    path_text,
)


def test_a_bare_topic_is_a_plain_payload() -> None:
    assert parse_address("plant/imm1/power", "") == TopicAddress("plant/imm1/power", None, "auto")


def test_what_follows_the_hash_is_a_path_in_json() -> None:
    found = parse_address('plant/imm1#temps[2].value["a.b"]', "string")
    assert found == TopicAddress("plant/imm1", ("temps", 2, "value", "a.b"), "string")


def test_a_sparkplug_address_names_node_device_and_metric() -> None:
    found = parse_address("spb:G/Edge/Dev#Folder/Sub/Temp [C]", "")
    assert found == MetricAddress("G", "Edge", "Dev", "Folder/Sub/Temp [C]", "auto")
    assert parse_address("spb:G/Edge#Temp", "number") == MetricAddress(
        "G", "Edge", "", "Temp", "number"
    )


@pytest.mark.parametrize(
    ("address", "type_name", "word"),
    [
        ("", "", "empty"),
        ("plant/+/power", "", "one message"),
        ("plant#", "", "which JSON value"),
        ("plant#a..b", "", "name is missing"),
        ("plant#a.", "", "name is missing"),
        ("plant#a[x]", "", "brackets"),
        ("plant#a[0", "", "brackets"),
        ("plant#[0]b", "", "missing before"),
        ("plant#" + "a." * 40 + "a", "", "at most 32"),
        ("spb:G#m", "", "Sparkplug address"),
        ("spb:G/E/D/X#m", "", "Sparkplug address"),
        ("spb:G/E", "", "Sparkplug address"),
        ("plant", "float33", "float33"),
        ("x" * 70_000, "", "65535"),
    ],
)
def test_a_wrong_address_says_what_is_wrong(address: str, type_name: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse_address(address, type_name)


steps = st.lists(
    st.one_of(st.integers(0, 999_999_999), st.text(min_size=0, max_size=20)), min_size=1, max_size=8
)


@given(steps)
@settings(deadline=None)
def test_any_path_is_read_back_as_it_was_written(given_steps: list[str | int]) -> None:
    assert parse_path(path_text(tuple(given_steps))) == tuple(given_steps)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_no_address_does_worse_than_a_value_error(address: str) -> None:
    with contextlib.suppress(ValueError):
        parse_address(address, "")
