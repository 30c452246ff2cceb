"""A bundle is whole, of the one form and of somebody who is trusted, or it is refused."""

from __future__ import annotations

import base64
import io
import json
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lianji.base.errors import InputError
from lianji.learn.models import bundle as bundles
from lianji.learn.models.bundle import CARD, MODEL, SIGNATURE, Bundle, Golden, pack, unpack
from tests.learn.models.world import card, draft

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = {bundles.key_text(KEY.public_key()): "the works"}
Parts = dict[str, bytes]


def refused(content: bytes, trusted: dict[str, str] = TRUSTED) -> str:
    with pytest.raises(InputError) as caught:
        unpack(content, trusted)
    return caught.value.code


def parts_of(content: bytes) -> Parts:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(entries: list[tuple[str, bytes]], kind: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, kind)
    return file.getvalue()


def test_packed_and_unpacked_it_is_the_same_with_its_owner() -> None:
    content = pack(draft(), KEY)
    found, owner = unpack(content, TRUSTED)
    assert (found, owner, found.name) == (draft(), "the works", "nox@1")
    assert pack(found, KEY) == content, "the same bytes"


def test_every_flip_of_a_bit_in_every_byte_is_found() -> None:
    content = pack(draft(), KEY)
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << (at % 8)
        assert refused(bytes(changed)) in ("bundle-unreadable", "bundle-unsigned"), at


def test_cut_off_anywhere_or_longer_it_is_refused() -> None:
    content = pack(draft(), KEY)
    for length in range(0, len(content), 7):
        assert refused(content[:length]) == "bundle-unreadable"
    assert refused(content + b"\0") == "bundle-unreadable"
    assert refused(b"#!/bin/sh\n" + content) == "bundle-unreadable"


BAD_ZIPS: dict[str, Callable[[Parts], bytes]] = {
    "one more": lambda parts: zipped([*parts.items(), ("evil.py", b"import os")]),
    "one twice": lambda parts: zipped([*parts.items(), (MODEL, b"other")]),
    "one less": lambda parts: zipped([*parts.items()][:-1]),
    "compressed": lambda parts: zipped([*parts.items()], zipfile.ZIP_DEFLATED),
    "another order": lambda parts: zipped([*parts.items()][::-1]),
    "a path": lambda parts: zipped([(f"../{n}", c) for n, c in parts.items()]),
    "plain bytes": lambda _: b"no zip at all",
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("what", BAD_ZIPS)
def test_a_zip_of_other_form_is_refused(what: str) -> None:
    assert refused(BAD_ZIPS[what](parts_of(pack(draft(), KEY)))) == "bundle-unreadable"


def test_an_entry_that_claims_to_be_huge_takes_no_memory() -> None:
    content = bytearray(pack(draft(), KEY))
    for at in _central(content):
        struct.pack_into("<II", content, at + 20, 0xF0000000, 0xF0000000)
    assert refused(bytes(content)) == "bundle-unreadable"


def test_an_encrypted_entry_is_refused() -> None:
    content = bytearray(pack(draft(), KEY))
    for at in _central(content):
        content[at + 8] |= 1
    assert refused(bytes(content)) == "bundle-unreadable"


def test_what_is_too_large_is_neither_made_nor_read(monkeypatch: pytest.MonkeyPatch) -> None:
    content = pack(draft(), KEY)
    monkeypatch.setattr(bundles, "BYTES_MAX", len(content) - 1)
    assert refused(content) == "bundle-too-large"
    with pytest.raises(InputError) as caught:
        pack(draft(), KEY)
    assert caught.value.code == "bundle-too-large"


def test_parts_of_another_bundle_do_not_fit_its_signature() -> None:
    mine = parts_of(pack(draft(), KEY))
    for name, other in (
        (MODEL, b"another graph"),
        (CARD, bundles.json_of(card(version=2))),
        (SIGNATURE, parts_of(pack(draft(version=2), KEY))[SIGNATURE]),
        (SIGNATURE, b"[" * 100_000),
        (SIGNATURE, mine[SIGNATURE] + b" "),
        (SIGNATURE, b"{}"),
        (SIGNATURE, b"\xff"),
    ):
        assert refused(bundles._zipped({**mine, name: other})) == "bundle-unsigned"


def test_whom_nobody_trusts_is_refused_by_name_of_the_key() -> None:
    stranger = Ed25519PrivateKey.generate()
    content = pack(draft(), stranger)
    assert refused(content) == "bundle-untrusted"
    assert refused(content, {}) == "bundle-untrusted"
    with pytest.raises(InputError, match=r"models/trusted\.txt"):
        unpack(content, TRUSTED)


def test_a_signed_card_that_is_none_is_refused() -> None:
    for fields in (
        {"task": "magic"},
        {"expires_us": 0},
        {"surprise": 1},
        {"inputs": []},
        {"name": "../up"},
    ):
        told = json.dumps(card().model_dump(mode="json") | fields).encode()
        assert refused(signed({**parts_of(pack(draft(), KEY)), CARD: told})) == "bundle-unreadable"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_envelope_or_a_golden_row_that_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        card(inputs=[{"name": "a", "tag": "a", "low": value, "high": 1}])
    with pytest.raises(ValueError, match="finite"):
        Golden(inputs=[[1]], outputs=[[value]])


TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
NUMBER = st.floats(-1e12, 1e12)


@st.composite
def bundles_of_all_kinds(draw: st.DrawFn) -> Bundle:
    names = draw(st.lists(TEXT.filter(bool), min_size=1, max_size=4, unique=True))
    bounds = [sorted((draw(NUMBER), draw(NUMBER))) for _ in names]
    inputs: list[dict[str, Any]] = [
        {"name": n, "tag": draw(TEXT), "low": a, "high": b}
        for n, (a, b) in zip(names, bounds, strict=True)
    ]
    rows = draw(st.lists(st.lists(st.none() | NUMBER, max_size=3), max_size=3))
    described = card(inputs=inputs, algorithm=draw(TEXT), parameters={"p": draw(TEXT | NUMBER)})
    return Bundle(described, draw(st.binary()), Golden(inputs=rows, outputs=[]))


@settings(max_examples=60, deadline=None)
@given(bundles_of_all_kinds())
def test_whatever_is_packed_comes_out_again(one: Bundle) -> None:
    content = pack(one, KEY)
    assert unpack(content, TRUSTED) == (one, "the works")
    assert pack(one, KEY) == content


def signed(parts: Parts) -> bytes:
    """Signed anew by the one who is trusted, whatever the parts are."""
    signature = base64.b64encode(KEY.sign(bundles._to_sign(parts))).decode()
    told = {"public_key": next(iter(TRUSTED)), "signature": signature}
    return bundles._zipped({**parts, SIGNATURE: json.dumps(told, sort_keys=True).encode()})


def _central(content: bytearray) -> list[int]:
    """Where the entries of the central directory begin."""
    found, at = [], content.find(b"PK\x01\x02")
    while at >= 0:
        found.append(at)
        at = content.find(b"PK\x01\x02", at + 1)
    return found
