"""alarm list, check, ack, journal: what is wrong, and who has seen it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from lianji.base.errors import counted
from lianji.cli.output import AsCsv, AsJson, Form, form_of, show_rows
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

app = typer.Typer(help=t("Alarms", "报警"), no_args_is_help=True)


@app.command("list", help=t("What is wrong now, the most urgent first", "列出当前报警"))
def list_(
    everything: Annotated[
        bool,
        typer.Option("--all", help=t("Also what was put aside", "包括已搁置、抑制和停用的报警")),
    ] = False,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    from lianji.node.alarms_asked import ask_alarms

    form = form_of(as_json, as_csv)
    which = "all" if everything else "listed"
    answer = ask_alarms(folder_of(plant), "", which=which, fold=form is Form.TABLE)
    rows = [_row(line, form) for line in answer["lines"]]
    show_rows(rows, form, ["priority", "state", "since", "alarm", "message", "value"])
    count = sum(len(line["alarms"]) for line in answer["lines"])
    tell(f"{counted(count, 'alarm')}.", f"{count} 条报警。")


def _row(line: dict[str, Any], form: Form) -> dict[str, Any]:
    first = line["alarms"][0]
    row = {
        "priority": first["priority"],
        "state": first["state"],
        "since": _when(first["raised_us"], form),
        "alarm": first["id"],
        "message": first["message"][language()],
        "value": first["value"],
    }
    if line["flood"]:
        count = len(line["alarms"])
        said = t(
            f"{line['group']}: {count} alarms at once", f"{line['group']}：同时 {count} 条报警"
        )
        row |= {"alarm": "...", "message": said, "value": None}
    return row


def _when(time_us: int | None, form: Form) -> Any:
    from lianji.base.clock import from_us

    when: datetime | None = None if time_us is None else from_us(time_us)
    return when.isoformat() if when is not None and form is not Form.TABLE else when


@app.command(help=t("Check all alarm tables", "检查全部报警表"))
def check(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    from lianji.node.alarms_asked import check_alarms

    checked = check_alarms(folder_of(plant))
    rows = [{"where": p.code, "problem": p.cause.in_language(language())} for p in checked.problems]
    if rows or as_json:
        show_rows(rows, form_of(as_json, False), ["where", "problem"])
    tell(
        f"{counted(checked.rows, 'row')}, {counted(checked.alarms, 'alarm')}, "
        f"{counted(len(rows), 'problem')}.",
        f"{checked.rows} 行，{checked.alarms} 个报警，{len(rows)} 个问题。",
    )
    if rows:
        raise typer.Exit(1)


@app.command(help=t("Acknowledge alarms: somebody has seen them", "确认报警"))
def ack(
    alarms: Annotated[
        list[str] | None, typer.Argument(help=t("Ids, as list shows them", "报警编号，见 list"))
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help=t("All that are listed", "全部未确认的报警"))
    ] = False,
    note: Annotated[str, typer.Option(help=t("For the journal", "写入日志的备注"))] = "",
    plant: PlantDir = HERE,
) -> None:
    from lianji.node.alarms_asked import ask_alarms, tell_alarms

    folder, wanted = folder_of(plant), list(alarms or [])
    if everything:
        lines = ask_alarms(folder, "", fold=False)["lines"]
        wanted += [line["alarms"][0]["id"] for line in lines if line["alarms"][0]["unacknowledged"]]
    elif not wanted:
        raise typer.BadParameter(t("name alarms, or take --all", "请指定报警，或使用 --all"))
    body = {"alarms": wanted, "note": note}
    changed = tell_alarms(folder, "/acknowledge", body)["changed"] if wanted else 0
    tell(f"{counted(changed, 'alarm')} acknowledged.", f"已确认 {changed} 条报警。")


@app.command(help=t("What happened, the newest first", "报警日志"))
def journal(
    start: Annotated[str, typer.Option(help=t("From", "起点"))] = "-1d",
    end: Annotated[str, typer.Option(help=t("Up to", "终点"))] = "",
    alarm: Annotated[str, typer.Option(help=t("Only of this one", "仅此报警"))] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help=t("So many lines", "行数"))] = 200,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    from lianji.node.alarms_asked import ask_alarms

    form = form_of(as_json, as_csv)
    asked = {"start": start, "end": end, "alarm": alarm, "limit": limit}
    lines = ask_alarms(folder_of(plant), "/journal", **asked)["lines"]
    rows = [
        {
            "time": _when(line["time_us"], form),
            "event": line["event"],
            "alarm": line["alarm"],
            "message": line[f"message_{language()}"],
            "value": line["value"],
            "who": line["who"],
            "note": line["note"],
        }
        for line in lines
    ]
    show_rows(rows, form, ["time", "event", "alarm", "message", "value", "who", "note"])
