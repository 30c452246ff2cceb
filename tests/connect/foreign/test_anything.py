"""Whatever somebody hands in: tags, refused rows with their reasons, or one plain refusal."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.base.errors import InputError
from lianji.connect.foreign.incoming import Into, incoming

INTO = Into(below="shop", file="press.csv")
WORDS = st.sampled_from(
    ["", "a", "40001", "400001.3", "1!400001#BB", "Float", "BIT", "Linear", "0", "-1", "1e999",
     "nan", '"', "R/W", "Read", "[d]HRF1", "ns=2;s=x", "{a}", "{a+1}", "°C", "x" * 300, "a.b",
     "\ud7ff", "=1"]
)  # fmt: skip
KEPWARE = "Tag Name,Address,Data Type,Scan Rate,Scaling,Raw Low,Raw High,Scaled Low,Scaled High"
NEURON = "group,name,address,attribute,type,description,decimal,precision,bias"
KEYS = st.sampled_from(
    ["name", "tagType", "tags", "typeId", "parameters", "opcItemPath", "valueSource", "engUnit",
     "scaleMode", "rawLow", "rawHigh", "engLow", "engHigh", "dataType", "enabled", "binding",
     "value"]
)  # fmt: skip
KINDS = st.sampled_from(
    ["Folder", "AtomicTag", "UdtType", "UdtInstance", "Provider", "_types_", "T"]
)
NODES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), WORDS, KINDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=8)),
    max_leaves=30,
)


def take(content: bytes) -> None:
    try:
        found = incoming(content, INTO).imported
    except InputError as error:
        assert error.cause.en and error.cause.zh and error.remedy.zh
        return
    for row in found.rejected:
        assert row.reason.en and row.reason.zh
    assert len({tag.path for tag in found.tags}) == len(found.tags)


@given(st.binary(max_size=400))
def test_any_bytes(content: bytes) -> None:
    take(content)


@settings(max_examples=300)
@given(st.sampled_from([KEPWARE, NEURON]), st.lists(st.lists(WORDS, max_size=11), max_size=6))
def test_any_rows_below_a_known_header(head: str, rows: list[list[str]]) -> None:
    take("\n".join([head, *(",".join(row) for row in rows)]).encode("utf-8", "replace"))


@settings(max_examples=400)
@given(NODES)
def test_any_json(node: Any) -> None:
    take(json.dumps({"tags": [node, {"name": "a", "tags": node}], "tagType": "Provider"}).encode())
    take(json.dumps(node).encode())
