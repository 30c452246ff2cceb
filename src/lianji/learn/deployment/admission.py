"""Whether a bundle may come in: signature, age, version, tags, units, graph, golden vectors.

A unit that could be converted is not the same unit: a model that was trained in bar and is given
kPa is wrong by a hundred, so it is refused and somebody looks.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO

from lianji.base.clock import iso_of
from lianji.base.errors import Conflict, InputError, Text
from lianji.dictionary.tag import Tag, check_path
from lianji.dictionary.units import check_unit
from lianji.learn.deployment.home import NO_HUB, Home
from lianji.learn.deployment.ledger import Entry
from lianji.learn.models.bundle import SIGNATURE, Bundle, unpack
from lianji.learn.models.card import Card


@dataclass(frozen=True, slots=True)
class Admitted:
    """A bundle that was found sound."""

    bundle: Bundle
    content: bytes
    key: str
    owner: str

    @property
    def hash(self) -> str:
        return sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Grounds:
    """What a bundle is judged by: the plant's tags by path, its site, and the hour."""

    tags: Mapping[str, Tag]
    site: str
    now_us: int
    home: Home = NO_HUB


def signer_of(content: bytes) -> str:
    """The key that a bundle says it is signed with; nothing is checked. Empty for none."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return str(json.loads(archive.read(SIGNATURE))["public_key"])
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError, NotImplementedError):
        return ""


def admit(
    content: bytes, trusted: Mapping[str, str], entry_of: Mapping[str, Entry], grounds: Grounds
) -> Admitted:
    """Raises InputError, Conflict: the first thing that is wrong, the cheap ones first."""
    from lianji.learn.models.inference import Model, check_golden, check_graph

    signed, owner = unpack(content, trusted)
    bundle = grounds.home.bundle(signed)
    entry = entry_of.get(bundle.card.name)
    if entry is not None and bundle.card.version <= entry.newest:
        raise _older(bundle, entry.newest)
    check_time(bundle.card, grounds.now_us)
    check_inputs(bundle.card, grounds)
    check_outputs(bundle.card, grounds)
    check_graph(bundle.onnx, bundle.card)
    check_golden(Model.open(bundle), bundle.golden)
    return Admitted(bundle, content, signer_of(content), owner)


def check_time(card: Card, now_us: int) -> None:
    """Raises InputError for a card that is over."""
    if now_us >= card.expires_us:
        raise InputError(
            "model-expired",
            Text(
                f"{card.name}@{card.version} was good until {iso_of(card.expires_us)}.",
                f"{card.name}@{card.version} 的有效期至 {iso_of(card.expires_us)}。",
            ),
            Text(
                "Train it again, or export it with a later end.",
                "请重新训练，或以更晚的有效期导出。",
            ),
        )


def check_inputs(card: Card, grounds: Grounds) -> None:
    """Raises InputError for a tag that is not there, or is in another unit."""
    for path, unit in _read_by(card):
        tag = grounds.tags.get(path)
        if tag is None:
            raise _unknown(path)
        if unit is not None and _plain(unit) != _plain(tag.unit):
            raise _other_unit(path, unit, tag.unit)


def check_outputs(card: Card, grounds: Grounds) -> None:
    """Raises InputError for an output that would not be a tag of the model's own."""
    for output in card.outputs:
        try:
            check_path(output.tag)
            check_unit(output.unit)
        except ValueError as error:
            raise _output(output.tag, Text(str(error), str(error))) from error
        if not output.tag.startswith(f"{grounds.site}/"):
            raise _output(output.tag, Text(
                f"it is not below {grounds.site}", f"不在 {grounds.site} 之下"))  # fmt: skip
        tag = grounds.tags.get(output.tag)
        if tag is None:
            continue
        if tag.device or tag.expression:
            raise _output(
                output.tag, Text("it is measured or calculated", "该标签由设备采集或计算得出")
            )
        if _plain(tag.unit) != _plain(output.unit):
            raise _other_unit(output.tag, output.unit, tag.unit)
    taken = {path for path, _ in _read_by(card)}
    for output in card.outputs:
        if output.tag in taken:
            raise _output(output.tag, Text("the model reads it itself", "模型自身读取该标签"))


def _read_by(card: Card) -> Iterator[tuple[str, str | None]]:
    """Paths with the unit that they must have, where the card says one."""
    for one in card.inputs:
        yield one.tag, one.unit
    for gate in card.gate:
        yield gate.tag, None
    for output in card.outputs:
        if output.label:
            yield output.label, output.unit


def _plain(unit: str) -> str:
    """``1`` and nothing both mean dimensionless."""
    return "" if unit == "1" else unit


def _older(bundle: Bundle, newest: int) -> Conflict:
    return Conflict(
        "model-older",
        Text(
            f"{bundle.name} is not newer than version {newest}, which was accepted already.",
            f"{bundle.name} 不比已接收的版本 {newest} 新。",
        ),
        Text("Give the model a higher version.", "请为模型指定更高的版本号。"),
    )


def _unknown(path: str) -> InputError:
    return InputError(
        "model-tag-unknown",
        Text(
            f"The model needs {path}, which this plant has not.",
            f"模型需要 {path}，本厂没有该标签。",
        ),
        Text("Connect the signal, or train without it.", "请接入该信号，或在训练时去掉它。"),
    )


def _other_unit(path: str, unit: str, here: str) -> InputError:
    return InputError(
        "model-unit",
        Text(
            f"{path} is in {unit or 'no unit'} to the model and in {here or 'no unit'} here.",
            f"{path} 在模型中的单位为“{unit or '无'}”，在本厂为“{here or '无'}”。",
        ),
        Text(
            "Train with the plant's unit; units are not converted here.",
            "请用本厂单位训练；此处不做单位换算。",
        ),
    )


def _output(path: str, why: Text) -> InputError:
    return InputError(
        "model-output",
        Text(f"The model may not write {path}: {why.en}.", f"模型不能写入 {path}：{why.zh}。"),
        Text("Give the output a tag of its own.", "请为该输出指定独立的标签。"),
    )
