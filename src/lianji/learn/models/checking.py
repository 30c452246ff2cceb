"""Whether a model can be believed at all: its card's words, its graph, its golden rows."""

from __future__ import annotations

from lianji.base.errors import InputError, Text
from lianji.dictionary.tag import check_path
from lianji.dictionary.units import UnitError, check_unit
from lianji.learn.models.bundle import Bundle
from lianji.learn.models.card import Card


def check_card(card: Card) -> None:
    """Raises InputError ``card-invalid`` for a tag or a unit that is none."""
    tags = [one.tag for one in card.inputs] + [one.tag for one in card.outputs]
    tags += [one.tag for one in card.gate] + [one.label for one in card.outputs if one.label]
    for tag in tags:
        try:
            check_path(tag)
        except ValueError as error:
            wrong = Text(f"{tag[:200]!a} is no tag path", f"{tag[:200]!a} 不是标签路径")
            raise card_invalid(wrong) from error
    units = [(one.name, one.unit) for one in card.inputs]
    for name, unit in units + [(one.name, one.unit) for one in card.outputs]:
        try:
            check_unit(unit)
        except UnitError as error:
            raise card_invalid(
                Text(f"{name}: {error.text.en}", f"{name}：{error.text.zh}")
            ) from error


def check_runs(bundle: Bundle) -> float:
    """Open it on the CPU and run its golden rows; see ``inference.check_golden``. Raises InputError
    ``model-graph-invalid``, ``golden-mismatch``."""
    from lianji.learn.models.inference import CPU, Model, check_golden, check_graph

    check_graph(bundle.onnx, bundle.card)
    return check_golden(Model.open(bundle, [CPU]), bundle.golden)


def card_invalid(why: Text) -> InputError:
    return InputError(
        "card-invalid",
        Text(f"The model's card is wrong: {why.en}.", f"模型卡有误：{why.zh}。"),
        Text("Mend card.json and try again.", "请修改 card.json 后重试。"),
    )
