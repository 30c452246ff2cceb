"""What is let in beside a machine, and what is refused in words."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import Any
from zipfile import ZipFile
from zlib import crc32

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianji.base.errors import LianjiError
from lianji.dictionary.tag import Tag
from lianji.learn.deployment.admission import Grounds, admit
from lianji.learn.deployment.home import Home
from lianji.learn.deployment.ledger import Entry
from lianji.learn.models.bundle import Golden
from lianji.learn.models.card import Card
from tests.learn.deployment.models import START_US, TRUSTED, card, linear, packed

TAGS = {
    tag.path: tag
    for tag in (
        Tag(path="plant/temperature", device="plc", unit="Cel"),
        Tag(path="plant/flow", device="plc", unit="m3/h"),
        Tag(path="plant/state", device="plc"),
        Tag(path="plant/lab", unit="%"),
    )
}
GROUNDS = Grounds(TAGS, "plant", START_US)


def refused(content: bytes, newest: int = 0, grounds: Grounds = GROUNDS) -> str:
    entries = {"yield": Entry(newest=newest)} if newest else {}
    with pytest.raises(LianjiError) as caught:
        admit(content, TRUSTED, entries, grounds)
    assert caught.value.cause.en
    assert caught.value.cause.zh
    return caught.value.code


def with_input(**changes: Any) -> Card:
    inputs = [one.model_dump() for one in card().inputs]
    return card(inputs=[inputs[0] | changes, inputs[1]])


def with_output(**changes: Any) -> Card:
    return card(outputs=[card().outputs[0].model_dump() | changes])


def forged(content: bytes, old: bytes, new: bytes) -> bytes:
    """With another word in the card and sound checksums: only the signature tells."""
    with ZipFile(BytesIO(content)) as archive:
        card_json = archive.read("card.json")
    before, after = crc32(card_json), crc32(card_json.replace(old, new))
    return content.replace(old, new).replace(
        before.to_bytes(4, "little"), after.to_bytes(4, "little")
    )


def test_a_sound_bundle_is_let_in() -> None:
    admitted = admit(packed(), TRUSTED, {}, GROUNDS)
    assert (admitted.bundle.name, admitted.owner) == ("yield@1", "the works")
    assert admit(packed(card(version=3)), TRUSTED, {"yield": Entry(newest=2)}, GROUNDS)


def test_a_flipped_byte_and_a_stranger_are_refused() -> None:
    content = packed()
    assert refused(content.replace(b"plant/flow", b"plant/flaw")) == "bundle-unreadable"
    assert refused(forged(content, b"plant/flow", b"plant/flaw")) == "bundle-unsigned"
    stranger = Ed25519PrivateKey.from_private_bytes(bytes(32))
    assert refused(packed(key=stranger)) == "bundle-untrusted"
    assert refused(b"nothing") == "bundle-unreadable"


@pytest.mark.parametrize("newest", [1, 2])
def test_the_same_and_an_older_version_are_refused(newest: int) -> None:
    assert refused(packed(), newest) == "model-older"


def test_a_model_that_is_over_is_refused() -> None:
    over = Grounds(TAGS, "plant", card().expires_us)
    assert refused(packed(), grounds=over) == "model-expired"


def test_a_unit_that_could_be_converted_is_refused_all_the_same() -> None:
    assert refused(packed(with_input(unit="K"))) == "model-unit"
    assert refused(packed(with_output(label="plant/lab", unit="[ppth]"))) == "model-unit"


def test_nothing_and_one_are_the_same_unit() -> None:
    assert admit(packed(with_input(tag="plant/state", unit="1")), TRUSTED, {}, GROUNDS)


def test_tags_that_the_plant_has_not_are_refused() -> None:
    assert refused(packed(with_input(tag="plant/pressure"))) == "model-tag-unknown"
    assert refused(packed(card(gate=[{"tag": "plant/mode"}]))) == "model-tag-unknown"


@pytest.mark.parametrize("tag", ["plant/flow", "elsewhere/yield", "plant//yield"])
def test_a_model_writes_tags_of_its_own_only(tag: str) -> None:
    assert refused(packed(with_output(tag=tag))) == "model-output"


def test_a_graph_that_does_not_fit_is_refused() -> None:
    assert refused(packed(onnx=linear([[1.0]] * 3, [0.0]))) == "model-graph-invalid"
    assert refused(packed(onnx=linear([[1.0, 2.0]] * 2, [0.0, 0.0]))) == "model-graph-invalid"
    assert refused(packed(onnx=b"no graph")) == "model-graph-invalid"


def test_a_model_that_computes_something_else_is_refused() -> None:
    other = Golden(inputs=[[1.0, 1.0]], outputs=[[3.01]])
    assert refused(packed(golden=other)) == "golden-mismatch"


def test_tags_by_the_names_of_a_hub_are_those_at_home() -> None:
    """The hub calls the plant ``park1``."""
    at_hub = with_input(tag="park1/plant/temperature", unit="Cel")
    output = at_hub.outputs[0].model_copy(update={"tag": "park1/plant/soft/yield"})
    content = packed(at_hub.model_copy(update={"outputs": [output]}))
    joined = replace(GROUNDS, home=Home("park1", "plant"))
    card_here = admit(content, TRUSTED, {}, joined).bundle.card
    assert card_here.inputs[0].tag == "plant/temperature"
    assert card_here.outputs[0].tag == "plant/soft/yield"
    assert refused(content) == "model-tag-unknown"
