"""Addresses are what users paste from other tools."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.connect.drivers.opcua.address import Address, parse_address, write_address

URIS = ["http://opcfoundation.org/UA/", "urn:server", "http://example.org/plant", "odd;uri%3B"]
names = st.text(min_size=1).filter(lambda name: name == name.strip())
identifiers = st.one_of(st.integers(0, 2**32 - 1), names, st.uuids(), st.binary(min_size=1))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ns=2;s=Machine1.Temp", Address(2, "Machine1.Temp")),
        (" ns=2;i=1007 ", Address(2, 1007)),
        ("i=2258", Address(0, 2258)),
        ("s=a;b=c", Address(0, "a;b=c")),
        ("nsu=http://example.org/plant;s=Temp", Address("http://example.org/plant", "Temp")),
        ("nsu=odd%3Buri;i=5", Address("odd;uri", 5)),
        ("ns=1;b=AQID", Address(1, b"\x01\x02\x03")),
        ("ns=2;i=1007[3]", Address(2, 1007, "3")),
        ("ns=2;i=1007[1,2]", Address(2, 1007, "1,2")),
        ('ns=3;s="DB1"."flow"[3]', Address(3, '"DB1"."flow"', "3", '"DB1"."flow"[3]')),
        ("ns=3;s=Tag[]", Address(3, "Tag[]")),
        (
            "ns=3;g=09087e75-8e5e-499b-954f-f2a9603db28a",
            Address(3, uuid.UUID("09087e75-8e5e-499b-954f-f2a9603db28a")),
        ),
    ],
)
def test_a_node_id_is_read_as_the_standard_writes_it(text: str, expected: Address) -> None:
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "not a node id"),
        ("Machine1.Temp", "not a node id"),
        ("ns=x;s=Temp", "not a node id"),
        ("ns=2;s=", "not a node id"),
        ("ns=70000;i=1", "at most 65535"),
        ("ns=2;i=Temp", "a number"),
        ("ns=2;i=4294967296", "a number"),
        ("ns=2;g=123", "a GUID"),
        ("ns=2;b=***", "base64"),
    ],
)
def test_what_is_no_node_id_is_told_so_in_plain_words(text: str, word: str) -> None:
    with pytest.raises(ValueError, match=word):
        parse_address(text)


@given(st.integers(0, 5), identifiers)
def test_a_written_address_leads_back_to_its_node(
    namespace: int, identifier: int | str | uuid.UUID | bytes
) -> None:
    address = parse_address(write_address(namespace, identifier, URIS))
    stands_for = address.namespace
    if isinstance(stands_for, str):
        stands_for = URIS.index(stands_for)
    assert stands_for == namespace
    # An id that ends in [n] is tried as it stands before it is taken for an element.
    found = address.identifier if address.literal is None else address.literal
    assert found == identifier
