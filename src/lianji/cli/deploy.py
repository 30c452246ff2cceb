"""deploy: models beside the machines: taken in, moved between stages, replayed over the past."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from lianji.cli.output import AsJson, Form, form_of, show_rows
from lianji.cli.progress import bar
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.learn.deployment.replay import Replayed
    from lianji.node.folder import PlantFolder


class _OrFile(TyperGroup):
    """``deploy FILE`` is short for ``deploy take FILE``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["take", *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed


app = typer.Typer(
    help=t("Models beside the machines", "在设备侧运行的模型"), no_args_is_help=True, cls=_OrFile
)
Name = Annotated[str, typer.Argument(help=t("NAME@VERSION", "名称@版本"))]


@app.command("take", help=t("Take a signed bundle in", "接收签名的模型包"))
def take(
    file: Annotated[Path, typer.Argument(help=t("The bundle", "模型包文件"))],
    plant: PlantDir = HERE,
) -> None:
    from lianji.node.deploying_asked import take_bundle

    taken = take_bundle(folder_of(plant), file)
    name = f"{taken['name']}@{taken['version']}"
    tell(
        f"{name} is {taken['stage']}. Let it compute: lianji deploy move {name} shadow",
        f"{name} 已处于 {taken['stage']}。开始计算：lianji deploy move {name} shadow",
    )


@app.command("list", help=t("What is deployed, and how it does", "列出已部署的模型及其状况"))
def listed(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    from lianji.node.deploying_asked import listed_models

    models = listed_models(folder_of(plant))
    if as_json:
        typer.echo(json.dumps(models, ensure_ascii=False))
        return
    show_rows([_row(one) for one in models], Form.TABLE, _COLUMNS)


_COLUMNS = ["model", "stage", "state", "output", "outside", "error", "doubts"]


def _row(one: dict[str, Any]) -> dict[str, Any]:
    values = (f"{out['value']:.4g} {out['unit']}" for out in one["outputs"] if out["value"])
    told = [one["problem"]] if one["problem"] else [alarm["text"] for alarm in one["alarms"]]
    return {
        "model": f"{one['name']}@{one['version']}",
        "stage": one["stage"],
        "state": one["state"],
        "output": ", ".join(values),
        "outside": f"{one['outside_share']:.0%}",
        "error": one["error"],
        "doubts": "; ".join(said[language()] for said in told),
    }


@app.command("move", help=t("Move a version to another stage", "变更某个版本的阶段"))
def move(
    name: Name,
    stage: Annotated[str, typer.Argument(help=t("shadow, advisory, active, retired", "阶段名称"))],
    plant: PlantDir = HERE,
) -> None:
    from lianji.node.deploying_asked import move_model

    moved = move_model(folder_of(plant), name, stage)
    tell(f"{name} is {moved['stage']}.", f"{name} 已变更为 {moved['stage']}。")


@app.command("replay", help=t("Run a version over the past", "用历史数据重放某个版本"))
def replay(
    name: Annotated[str, typer.Argument(help=t("NAME@VERSION or a file", "名称@版本，或文件"))],
    start: Annotated[str, typer.Option("--from", help=t("From this time", "起始时间"))],
    end: Annotated[str, typer.Option("--to", help=t("Up to this time", "截止时间"))] = "now",
    out: Annotated[
        Path | None, typer.Option("--out", help=t("Outputs as Parquet", "将输出写入 Parquet"))
    ] = None,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
) -> None:
    with bar(t("Replaying", "重放")) as progress:
        replayed = _replayed(folder_of(plant), name, start, end, progress)
    if out is not None:
        import pyarrow.parquet as pq

        pq.write_table(replayed.outputs, out)
    from dataclasses import asdict

    figures = [asdict(one) for one in replayed.figures]
    alarms = [_alarm(one) for one in replayed.alarms]
    counts = {key: getattr(replayed, key) for key in ("runs", "outside", "missing", "gated")}
    if as_json:
        whole = {**counts, "figures": figures, "alarms": alarms}
        typer.echo(json.dumps(whole, ensure_ascii=False))
        return
    show_rows([counts], form_of(False, False), [*counts])
    show_rows(figures, Form.TABLE, [*(figures[0] if figures else ())])
    show_rows(alarms, Form.TABLE, ["time", "kind", "value", "limit"])


def _replayed(folder: PlantFolder, name: str, start: str, end: str, progress: Any) -> Replayed:
    from lianji.node.deployed import deployed_at_rest
    from lianji.node.opened import OpenedPlant, moment_us

    samples = OpenedPlant(folder.root).history.exact
    between = moment_us(start), moment_us(end)
    return deployed_at_rest(folder).replay(name, *between, samples, progress)[1]


def _alarm(one: Any) -> dict[str, Any]:
    from lianji.base.clock import iso_of

    return {"time": iso_of(one.time_us), "kind": one.kind, "value": one.value, "limit": one.limit,
            "en": one.text.en, "zh": one.text.zh}  # fmt: skip
