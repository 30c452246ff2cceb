"""model: what was trained, who signed it, and which plants it was sent to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianji.base.errors import InputError, Text
from lianji.cli.output import AsJson, Form, form_of, show_rows
from lianji.cli.speech import complain, language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.node.models import PlantModels
    from lianji.web.ports_models import ModelFound, ModelRow

app = typer.Typer(help=t("Models and their bundles", "模型及模型包"), no_args_is_help=True)
Name = Annotated[str, typer.Argument(help=t("NAME or NAME@VERSION", "名称，或 名称@版本"))]
COLUMNS = ("name", "version", "stage", "task", "metric", "baseline", "created", "expires")
HOUR_US = 3_600_000_000


@app.command("list", help=t("The newest version of each", "列出各模型的最新版本"))
def listed(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    found, wrong = _models(plant).listed()
    show_rows([_row(one) for one in found], form_of(as_json, False), COLUMNS)
    for error in wrong:
        complain(error)
    if wrong:
        raise typer.Exit(1)


@app.command("show", help=t("A version and its card", "查看某个版本及其模型卡"))
def show(name: Name, plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    found = _models(plant).found(*_parted(name))
    if as_json:
        typer.echo(found.model_dump_json())
        return
    card = found.card
    title = card.title_zh if language() == "zh" else card.title_en
    typer.echo(f"{card.name}@{card.version}  {found.stage}  {title}".rstrip())
    inputs = [one.model_dump() for one in card.inputs]
    show_rows(inputs, Form.TABLE, ["name", "tag", "unit", "aggregate", "low", "high", "required"])
    outputs = [one.model_dump() for one in card.outputs]
    show_rows(outputs, Form.TABLE, ["name", "tag", "unit", "low", "high", "half_width", "label"])
    metrics = [one.model_dump() for one in card.metrics]
    show_rows(metrics, Form.TABLE, ["name", "value", "baseline", "unit", "on"])
    for what, value in _facts(found).items():
        typer.echo(f"{what}: {value}")
    sendings = [one.model_dump() for one in found.sendings]
    if sendings:
        show_rows(sendings, Form.TABLE, ["edge", "state", "by"])


@app.command("register", help=t("Give a model the next version", "登记模型并分配版本号"))
def register(
    model: Annotated[
        Path,
        typer.Argument(
            help=t(
                "A folder of model.onnx, card.json and golden.json, or an ONNX file",
                "包含 model.onnx、card.json 和 golden.json 的文件夹，或 ONNX 文件",
            )
        ),
    ],
    card: Annotated[
        Path | None, typer.Option(help=t("The card of an ONNX file", "ONNX 文件的模型卡"))
    ] = None,
    golden: Annotated[
        Path | None,
        typer.Option(
            help=t("Its golden rows; else they are made here", "校验向量；缺省时在此生成")
        ),
    ] = None,
    artefact: Annotated[
        list[str],
        typer.Option(
            help=t("What training left: WHAT=WHERE; repeat", "训练产物：名称=位置，可重复")
        ),
    ] = [],  # noqa: B006 - typer copies it
    plant: PlantDir = HERE,
) -> None:
    from lianji.cli.access import by
    from lianji.learn.models.drafts import read_draft

    models = _models(plant)
    draft, is_made = read_draft(model, card, golden)
    if is_made:
        tell(
            "It came without golden rows: they were made here, of its envelope.",
            "未提供校验向量，已按其适用范围在此生成。",
        )
    one = models.register(draft, by(), _artefacts(artefact))
    typer.echo(f"{one.name}@{one.version}")


@app.command("sign", help=t("Sign a version for plants to run", "为版本签名，供工厂运行"))
def sign(name: Name, plant: PlantDir = HERE) -> None:
    from lianji.cli.access import by

    one = _models(plant).sign(*_parted(name), by())
    tell(f"{one.name}@{one.version} is signed.", f"{one.name}@{one.version} 已签名。")
    typer.echo(str(one.bundle))


@app.command("export", help=t("Write the signed bundle to a file", "将已签名的模型包写入文件"))
def export(
    name: Name,
    file: Annotated[Path, typer.Argument(help=t("The file", "文件"))],
    plant: PlantDir = HERE,
) -> None:
    from lianji.base.durable import write_atomically

    _, content = _models(plant).bundle(*_parted(name))
    write_atomically(file, content)
    tell(f"{file}: {len(content):,} bytes.", f"{file}：{len(content):,} 字节。")


@app.command("verify", help=t("Look at a bundle as a plant would", "像工厂一样校验模型包"))
def verify(
    file: Annotated[Path, typer.Argument(help=t("The bundle", "模型包"))],
    plant: PlantDir = HERE,
) -> None:
    models = _models(plant)
    for error in models.trusted().errors:
        complain(error)
    found = models.verify(file)
    if found.is_expired:
        from lianji.learn.models.refusals import expired

        raise expired(found.bundle.card)
    tell(
        f"{found.bundle.name} is signed by {found.owner}; its graph is safe, and its golden rows "
        f"come out within {found.deviation:.2%} of what is allowed.",
        f"{found.bundle.name} 由 {found.owner} 签名；模型图安全，"
        f"校验向量偏差为允许值的 {found.deviation:.2%}。",
    )


@app.command("send", help=t("Send a version to plants of this hub", "向本中心的工厂下发版本"))
def send(
    name: Name,
    edges: Annotated[
        list[str],
        typer.Argument(metavar="EDGE...", help=t("park1, or park-*", "park1 或 park-*")),
    ],
    hours: Annotated[
        float, typer.Option(help=t("So long may it be applied", "有效小时数"), min=0.01)
    ] = 168,
    plant: PlantDir = HERE,
) -> None:
    from lianji.cli.access import by

    model, version = _parted(name)
    lives_us = int(hours * HOUR_US)
    told = _models(plant).send(model, version, edges, by(), lives_us)
    listed = ", ".join(told)
    tell(
        f"Told: {listed}; see `lianji hub messages`.",
        f"已向 {listed} 下发；请用 `lianji hub messages` 查看。",
    )


@app.command("key", help=t("The public key that signs here", "本机签名公钥"))
def key(plant: PlantDir = HERE) -> None:
    typer.echo(_models(plant).key())
    tell(
        "A plant trusts it by a line of models/trusted.txt: the key, a space, and whose it is.",
        "在工厂的 models/trusted.txt 中添加一行即可信任：密钥、空格及其归属。",
    )


def _models(plant: Any) -> PlantModels:
    from lianji.node.models import PlantModels
    from lianji.node.settings import load_settings

    folder = folder_of(plant)
    load_settings(folder.root)
    return PlantModels(folder)


def _parted(text: str) -> tuple[str, int | None]:
    """Name and version of ``name@3``."""
    name, _, version = text.partition("@")
    if "@" in text and not version.isdecimal():
        raise InputError(
            "model-version",
            Text(f"{version!r} is no version.", f"{version!r} 不是版本号。"),
            Text("Write it as name@3.", "请写成 名称@3。"),
        )
    return name, int(version) if version else None


def _artefacts(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    if not all(what and where for what, _, where in pairs):
        raise typer.BadParameter(t("write WHAT=WHERE", "请写成 名称=位置"))
    return {what: where for what, _, where in pairs}


def _row(one: ModelRow) -> dict[str, Any]:
    from lianji.base.clock import from_us

    card, first = one.card, next(iter(one.card.metrics), None)
    values = (
        card.name,
        card.version,
        one.stage,
        card.task,
        f"{first.name} {first.value:.6g} {first.unit}".rstrip() if first else None,
        first.baseline if first else None,
        from_us(card.created_us),
        from_us(card.expires_us),
    )
    return dict(zip(COLUMNS, values, strict=True))


def _facts(found: ModelFound) -> dict[str, str]:
    """What fits into a line each."""
    from lianji.base.clock import iso_of

    card, signature = found.card, found.signature
    dataset = card.dataset
    facts = {
        t("algorithm", "算法"): card.algorithm,
        t("data set", "数据集"): f"{dataset.name}@{dataset.version}" if dataset.name else "-",
        t("licence", "许可"): card.licence or "-",
        t("owner", "负责人"): card.owner or "-",
        t("made", "生成时间"): iso_of(card.created_us),
        t("expires", "到期时间"): iso_of(card.expires_us),
        t("parameters", "参数"): json.dumps(card.parameters, ensure_ascii=False),
    }
    facts |= {f"{t('artefact', '产物')} {what}": where for what, where in found.artefacts.items()}
    if signature is not None:
        wrong = (signature.wrong or {}).get("cause", {}).get(language(), "")
        facts[t("signature", "签名")] = f"{signature.owner}{wrong} {signature.digest}"
    return facts
