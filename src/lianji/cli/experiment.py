"""experiment: what trainings tried, and what came of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianji.base.errors import InputError, Text
from lianji.cli.output import AsJson, Form, form_of, show_rows
from lianji.cli.progress import bar
from lianji.cli.speech import complain, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.learn.experiments.comparing import Comparison
    from lianji.learn.experiments.record import Found
    from lianji.node.experiments import PlantExperiments

app = typer.Typer(
    help=t("What trainings tried, and what came of it", "训练实验及其结果"), no_args_is_help=True
)
Name = Annotated[str, typer.Argument(help=t("An experiment", "实验名称"))]


@app.command("list", help=t("Experiments, or the runs of one", "列出实验，或某个实验的运行"))
def listed(
    name: Annotated[str, typer.Argument(help=t("An experiment", "实验名称"))] = "",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
) -> None:
    experiments, form = _experiments(plant), form_of(as_json, False)
    if name:
        comparison, damaged = experiments.compared(name)
        rows = [_run_row(one) for one in comparison.runs]
        show_rows(rows, form, ["run", "state", "began", "seconds", "title"])
        for error in damaged:
            complain(error)
        return
    rows = [
        {
            "experiment": one,
            "runs": len(runs),
            "running": sum(run.state == "running" for run in runs),
            "latest": _began(runs[0]) if runs else None,
        }
        for one, runs in experiments.listed().items()
    ]
    show_rows(rows, form, ["experiment", "runs", "running", "latest"])


@app.command("show", help=t("A run: all that it told", "查看一次运行的全部记录"))
def show(
    run: Annotated[str, typer.Argument(help=t("EXPERIMENT/RUN", "实验/运行"))],
    plant: PlantDir = HERE,
    as_json: AsJson = False,
) -> None:
    found = _experiments(plant).found(*_parted(run))
    if as_json:
        typer.echo(json.dumps(_whole(found), ensure_ascii=False))
        return
    record = found.record
    typer.echo(f"{record.experiment}/{record.run}  {_state(found)}  {found.seconds:.1f} s")
    for text in (record.title, record.reason):
        if text:
            typer.echo(text)
    told: dict[str, Any] = {**record.parameters, **_circumstances(found)}
    show_rows([{"name": k, "value": v} for k, v in told.items()], Form.TABLE, ["name", "value"])
    rows = [{"metric": key, **one.model_dump()} for key, one in found.metrics.items()]
    show_rows(rows, Form.TABLE, ["metric", "last", "step", "low", "high", "count"])
    artefacts = [one.model_dump() for one in record.artefacts]
    show_rows(artefacts, Form.TABLE, ["name", "bytes", "sha256"])


@app.command("compare", help=t("Runs side by side", "并列比较多次运行"))
def compare(
    name: Name,
    runs: Annotated[
        list[str] | None, typer.Argument(help=t("Runs; by default all", "运行名称，默认全部"))
    ] = None,
    sort: Annotated[
        str, typer.Option(help=t("A metric: the best run first", "指标名：最好的运行排在前面"))
    ] = "",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
) -> None:
    comparison, damaged = _experiments(plant).compared(name, runs or [], sort)
    for error in damaged:
        complain(error)
    if as_json:
        rows = [
            {
                "run": one.run,
                "state": one.state,
                "parameters": one.record.parameters,
                "metrics": {row.name: one.value(row.name) for row in comparison.metrics},
            }
            for one in comparison.runs
        ]
        show_rows(rows, Form.JSON, ["run"])
        return
    for row in comparison.same:
        typer.echo(f"{row.name}: {row.values[0]}")
    rows, columns = _table(comparison)
    show_rows(rows, Form.TABLE, columns)
    if any(row.best for row in comparison.metrics):
        tell("* the best", "* 最佳")


@app.command("export", help=t("Write runs for MLflow", "导出供 MLflow 读取"))
def export(
    names: Annotated[
        list[str] | None, typer.Argument(help=t("Experiments; by default all", "实验，默认全部"))
    ] = None,
    to: Annotated[
        Path, typer.Option("--to", help=t("A folder, such as mlruns", "目标文件夹，例如 mlruns"))
    ] = Path("mlruns"),
    plant: PlantDir = HERE,
) -> None:
    with bar(t("Exporting", "导出")) as progress:
        count = _experiments(plant).export(to, names or [], progress)
    tell(f"{count} run(s) written to {to}.", f"已将 {count} 次运行写入 {to}。")


def _experiments(plant: Any) -> PlantExperiments:
    from lianji.node.experiments import PlantExperiments
    from lianji.node.settings import load_settings

    folder = folder_of(plant)
    load_settings(folder.root)
    return PlantExperiments(folder)


def _parted(text: str) -> tuple[str, str]:
    name, _, run = text.partition("/")
    if not run:
        raise InputError(
            "run-name",
            Text(f"{text!r} names no run.", f"{text!r} 未指明运行。"),
            Text("Write it as experiment/run.", "请写成 实验/运行。"),
        )
    return name, run


def _table(comparison: Comparison) -> tuple[list[dict[str, Any]], list[str]]:
    """A row a run: what differs, then metrics; the best has a star."""
    differing = [row for row in (*comparison.parameters, *comparison.circumstances) if row.differs]
    rows = []
    for n, run in enumerate(comparison.runs):
        row: dict[str, Any] = {"run": run.run, "state": _state(run)}
        row |= {one.name: one.values[n] for one in differing}
        row |= {
            one.name: f"{value:.6g}{' *' if n in one.best else ''}"
            for one in comparison.metrics
            if (value := one.values[n]) is not None
        }
        rows.append(row)
    named = [one.name for one in differing] + [one.name for one in comparison.metrics]
    return rows, ["run", "state", *named]


def _run_row(found: Found) -> dict[str, Any]:
    return {
        "run": found.run,
        "state": _state(found),
        "began": _began(found),
        "seconds": round(found.seconds, 1),
        "title": found.record.title,
    }


def _circumstances(found: Found) -> dict[str, Any]:
    from lianji.learn.experiments.comparing import code_text, data_text

    record, cost = found.record, found.record.cost
    told = {
        t("data", "数据"): ", ".join(map(data_text, record.data)),
        t("code", "代码"): code_text(found),
        t("machine", "机器"): f"{record.machine.host}, {record.machine.processor}",
        t("device", "设备"): cost.device,
        t("attempts", "尝试次数"): record.attempts,
        t("CPU, s", "CPU，秒"): round(cost.cpu_seconds, 1),
        t("memory, MiB", "内存，MiB"): cost.memory_bytes >> 20,
    }
    return {name: value for name, value in told.items() if value}


def _whole(found: Found) -> dict[str, Any]:
    metrics = {
        name: {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in one.model_dump().items()
        }
        for name, one in found.metrics.items()
    }
    record = found.record.model_dump(mode="json", exclude={"metrics"})
    return record | {"state": found.state, "seconds": found.seconds, "metrics": metrics}


def _began(found: Found) -> Any:
    from lianji.base.clock import from_us

    return from_us(found.record.began_us)


def _state(found: Found) -> str:
    words = {
        "running": t("running", "运行中"),
        "done": t("done", "完成"),
        "failed": t("failed", "失败"),
        "stopped": t("stopped", "已停止"),
        "broken off": t("broken off", "中断"),
    }
    return words[found.state]
