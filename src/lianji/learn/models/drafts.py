"""A model out of files: a folder as training leaves it, or an ONNX file and a card."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from lianji.base.errors import InputError, NotFound, Text
from lianji.learn.models.bundle import BYTES_MAX, CARD, GOLDEN, MODEL, Bundle, Golden
from lianji.learn.models.card import Card
from lianji.learn.models.checking import card_invalid, check_card


def read_draft(
    model: Path, card: Path | None = None, golden: Path | None = None
) -> tuple[Bundle, bool]:
    """The model, and whether its golden rows were made here because it came without.

    ``model`` is a folder of ``model.onnx``, ``card.json`` and perhaps ``golden.json``, or an ONNX
    file whose card is named. The card need not say a version: the registry gives it. Raises
    NotFound, InputError ``card-invalid``, ``golden-invalid``, ``model-graph-invalid``.
    """
    if model.is_dir():
        card, golden = card or model / CARD, golden or _there(model / GOLDEN)
        model = model / MODEL
    if card is None:
        raise card_invalid(Text("none was named for this file", "未指定该文件的模型卡"))
    described = _card(_read(card))
    check_card(described)
    onnx = _read(model)
    if golden is not None:
        return Bundle(described, onnx, _golden(_read(golden))), False
    return Bundle(described, onnx, _made(onnx, described)), True


def _there(path: Path) -> Path | None:
    return path if path.exists() else None


def _card(content: bytes) -> Card:
    try:
        told = json.loads(content)
        if isinstance(told, dict):
            told.setdefault("version", 1)
        return Card.model_validate_json(json.dumps(told))
    except ValidationError as error:
        raise card_invalid(_first(error)) from error
    except (ValueError, RecursionError) as error:
        raise card_invalid(Text(f"it is no JSON: {error}", f"不是 JSON：{error}")) from error


def _golden(content: bytes) -> Golden:
    try:
        return Golden.model_validate_json(content)
    except ValidationError as error:
        why = _first(error)
        raise InputError(
            "golden-invalid",
            Text(f"The golden rows are wrong: {why.en}.", f"校验向量有误：{why.zh}。"),
            Text("Mend golden.json, or leave it out.", "请修改 golden.json，或不提供该文件。"),
        ) from error


def _made(onnx: bytes, card: Card) -> Golden:
    from lianji.learn.models.golden import made_golden
    from lianji.learn.models.inference import CPU, Model, check_graph

    check_graph(onnx, card)
    return made_golden(Model.open(Bundle(card, onnx, Golden(inputs=[], outputs=[])), [CPU]), card)


def _first(error: ValidationError) -> Text:
    one = error.errors()[0]
    where = ".".join(map(str, one["loc"]))
    said = f"{where}: {one['msg']}" if where else str(one["msg"])
    return Text(said, said)


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise NotFound(
            "file-missing",
            Text(f"There is no file {path}.", f"没有文件 {path}。"),
            Text("Check the path.", "请检查路径。"),
        )
    if path.stat().st_size > BYTES_MAX:
        raise InputError(
            "bundle-too-large",
            Text(f"{path} is larger than a model may be.", f"{path} 超过模型的大小上限。"),
            Text("Make the model smaller.", "请缩小模型。"),
        )
    return path.read_bytes()
