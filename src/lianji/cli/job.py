"""job: trainings and other Python functions that a plant runs when it is their turn."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianji.base.errors import InputError, Text
from lianji.cli.access import by
from lianji.cli.output import AsJson, Form, form_of, show_rows
from lianji.cli.progress import bar
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.learn.jobs.job import JobRow
    from lianji.node.jobs import PlantJobs

app = typer.Typer(help=t("Trainings and other jobs", "训练及其他作业"), no_args_is_help=True)
Id = Annotated[str, typer.Argument(help=t("As `job list` shows it", "作业编号，见 job list"))]
LOOK_S = 0.5
_COLUMNS = ["id", "name", "state", "progress", "tenant", "priority", "attempts", "cpu_s",
            "memory_mb", "created"]  # fmt: skip


@app.command("submit", help=t("Put a job into the queue", "提交作业"))
def submit(
    what: Annotated[
        str,
        typer.Argument(
            help=t(
                "A training specification (a file, or a name in the folder training), or "
                "module:function",
                "训练规格（文件，或 training 文件夹中的名称），或 模块:函数",
            )
        ),
    ],
    arg: Annotated[
        list[str],
        typer.Option(
            "--arg", help=t("key=value of the function; repeat", "函数参数 键=值，可重复")
        ),
    ] = [],  # noqa: B006 - typer copies it
    name: Annotated[str, typer.Option(help=t("What to call it", "作业名称"))] = "",
    priority: Annotated[int, typer.Option(help=t("Higher goes first", "数值大者优先"))] = 0,
    tenant: Annotated[str, typer.Option(help=t("Whose share it uses", "计入哪个租户"))] = "plant",
    device: Annotated[str, typer.Option(help=t("cpu, cuda, npu", "cpu、cuda、npu"))] = "cpu",
    cpus: Annotated[float, typer.Option(help=t("Cores", "核数"))] = 1.0,
    memory: Annotated[int, typer.Option(help=t("MB; more ends it", "内存 MB，超出即终止"))] = 1024,
    wait: Annotated[
        bool, typer.Option("--wait", help=t("Return when it has ended", "等待作业结束"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    asked: dict[str, Any] = {
        "priority": priority, "tenant": tenant, "device": device, "cpus": cpus, "memory_mb": memory,
    }  # fmt: skip
    if name:
        asked["name"] = name
    with _jobs(plant) as jobs:
        made = _submitted(jobs, what, arg, asked)
        jobs.record(by(), "job-submitted", made)
        typer.echo(made.id)
        if folder_of(plant).running() is None:
            tell(
                "The plant does not run: the job waits until it does.",
                "工厂程序未运行：作业将等到其启动。",
            )
        if wait:
            _wait(jobs, made.id)


def _submitted(jobs: PlantJobs, what: str, arg: list[str], asked: dict[str, Any]) -> JobRow:
    owner = by()
    if what.endswith(".toml"):
        return jobs.submit_file(Path(what), asked, owner)
    if ":" not in what:
        return jobs.submit_training(what, asked, owner)
    return jobs.submit({"function": what, "arguments": _arguments(arg), **asked}, owner)


def _arguments(given: list[str]) -> dict[str, Any]:
    """Values are JSON where they are, and text where not."""
    found: dict[str, Any] = {}
    for one in given:
        key, sign, value = one.partition("=")
        if not sign or not key:
            raise InputError(
                "job-argument",
                Text(f"{one!r} is no key=value.", f"{one!r} 不是 键=值。"),
                Text("Write it as --arg steps=100.", "请写成 --arg steps=100。"),
            )
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _wait(jobs: PlantJobs, id: str) -> None:
    """Exits with 1 where the job was not done."""
    with bar(t("Running", "运行")) as progress:
        while (row := jobs.found(id)).is_open:
            if row.of:
                progress(int(row.done), int(row.of))
            time.sleep(LOOK_S)
    tell(f"{row.state}: {row.reason_en}", f"{_state(row)}：{row.reason_zh}")
    if row.state != "done":
        raise typer.Exit(1)


@app.command("list", help=t("Those that wait and run, then those that ended", "列出作业"))
def listed(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    with _jobs(plant) as jobs:
        rows = jobs.listed()
        tenants = jobs.tenants()
    if as_json:
        whole = {"jobs": [row.model_dump() for row in rows]}
        whole["tenants"] = [one.model_dump() for one in tenants]
        typer.echo(json.dumps(whole, ensure_ascii=False))
        return
    show_rows([_row(row) for row in rows], Form.TABLE, _COLUMNS)
    if len(tenants) > 1:
        typer.echo()
        columns = ["name", "weight", "share", "running", "queued", "cpus", "memory_mb"]
        show_rows([one.model_dump() for one in tenants], Form.TABLE, columns)


@app.command("show", help=t("All of one job", "查看一个作业"))
def show(id: Id, plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    with _jobs(plant) as jobs:
        row = jobs.found(id)
    if as_json:
        typer.echo(row.model_dump_json())
        return
    facts = row.model_dump()
    for key in ("reason", "waits"):
        words = {"en": facts.pop(f"{key}_en"), "zh": facts.pop(f"{key}_zh")}
        facts[key] = words[language()]
    for key in ("since_us", "waited_us", "level"):
        del facts[key]
    for key in ("created", "started", "ended"):
        facts[key] = _moment(facts.pop(f"{key}_us"))
    rows = [{"what": key, "value": _plain(value)} for key, value in facts.items()]
    show_rows(rows, form_of(as_json, False), ["what", "value"])


@app.command("logs", help=t("What a job has said", "查看作业日志"))
def logs(
    id: Id,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help=t("Until it has ended", "持续输出直到作业结束"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    with _jobs(plant) as jobs:
        is_open = jobs.found(id).is_open
        text, at = jobs.log(id)
        typer.echo(text, nl=False)
        while follow and is_open:
            time.sleep(LOOK_S)
            is_open = jobs.found(id).is_open
            text, at = jobs.log(id, at)
            typer.echo(text, nl=False)


@app.command("stop", help=t("End a job; what it saved stays", "停止作业（已保存的内容保留）"))
def stop(id: Id, plant: PlantDir = HERE) -> None:
    with _jobs(plant) as jobs:
        row = jobs.stop(id, by())
        jobs.record(by(), "job-stopped", row)
    if row.state == "stopped":
        tell(f"The job {row.id} is stopped.", f"作业 {row.id} 已停止。")
    else:
        tell(f"The job {row.id} is asked to end.", f"已要求作业 {row.id} 停止。")


@contextmanager
def _jobs(plant: Path) -> Iterator[PlantJobs]:
    from lianji.node.jobs import jobs_of

    with jobs_of(folder_of(plant)) as jobs:
        yield jobs


def _row(row: JobRow) -> dict[str, Any]:
    progress = f"{row.done:g}/{row.of:g}" if row.of else f"{row.done:g}" if row.done else None
    values = (
        row.id,
        row.name,
        _state(row),
        progress,
        row.tenant,
        row.priority,
        row.attempts,
        row.cpu_s,
        round(row.memory_peak_bytes / 2**20) or None,
        _moment(row.created_us),
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _state(row: JobRow) -> str:
    words = {
        "queued": t("queued", "排队"),
        "running": t("running", "运行中"),
        "done": t("done", "完成"),
        "failed": t("FAILED", "失败"),
        "stopped": t("stopped", "已停止"),
    }
    return words[row.state]


def _moment(time_us: int | None) -> Any:
    from lianji.base.clock import from_us

    return None if time_us is None else from_us(time_us)


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
