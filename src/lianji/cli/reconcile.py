"""hub reconcile: the proof that hub and edges have the same samples, or what is missing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianji.cli.output import AsCsv, AsJson, Form, form_of, show_rows
from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.node.folder import PlantFolder

LOOK_S = 0.5
COLUMNS = ["site", "tag", "from", "to", "hub", "edge", "what", "outcome", "reason"]
Sites = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[SITE]...", help=t("Edges; all, if none is named", "边缘名称，默认全部")
    ),
]
Start = Annotated[
    str, typer.Option("--from", help=t("Time; by default the last days", "起始时间，默认最近几天"))
]
End = Annotated[
    str, typer.Option("--to", help=t("Time; by default the last full hour", "结束时间"))
]
All = Annotated[bool, typer.Option("--all", help=t("From the first sample on", "从最早的样本开始"))]
Repair = Annotated[
    bool,
    typer.Option(
        "--repair", help=t("Mend it, from what each side still has", "用双方现有数据修复")
    ),
]


def reconcile(
    sites: Sites = None,
    start: Start = "",
    end: End = "",
    everything: All = False,
    repair: Repair = False,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    from lianji.node.reconciling.asked import begin, joined_edges

    form, folder = form_of(as_json, as_csv), folder_of(plant)
    wanted = {"start": start, "end": end, "everything": everything, "repair": repair}
    done = []
    for site in sites or joined_edges(folder):
        number = begin(folder, {"edge": site, **wanted})
        done.append(_followed(folder, site, number))
    _show(done, form)
    if any(one["run"]["state"] in ("different", "failed") for one in done):
        raise typer.Exit(1)


def _followed(folder: PlantFolder, site: str, number: int) -> dict[str, Any]:
    """Wait for a run to end, and say now and then how far it is."""
    from lianji.node.reconciling.asked import run_of

    told = 0
    while True:
        found = run_of(folder, number, limit=0)
        if found["run"]["state"] != "running":
            return run_of(folder, number)
        percent = int(100 * found["run"]["share"])
        if percent >= told + 10:
            told = percent
            tell(f"{site}: {percent} %", f"{site}：{percent} %")
        time.sleep(LOOK_S)


def _show(done: Sequence[dict[str, Any]], form: Form) -> None:
    if form is Form.JSON:
        show_rows(done, form, ["run", "differences"])
    else:
        rows = [_row(one["run"], each) for one in done for each in one["differences"]]
        if rows or form is Form.CSV:
            show_rows(rows, form, COLUMNS)
    for one in done:
        _tell_end(one["run"])


def _row(run: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
    from lianji.base.clock import from_us

    return {
        "site": run["edge"],
        "tag": one["tag"],
        "from": from_us(one["start_us"]),
        "to": from_us(one["end_us"]),
        "hub": one["here"],
        "edge": one["there"],
        "what": one["kind"],
        "outcome": one["outcome"],
        "reason": one["reason"],
    }


def _tell_end(run: dict[str, Any]) -> None:
    """One line a site, in words."""
    site, rows = run["edge"], run["rows_there"]
    words = {
        "equal": ("hub and edge have the same", "中心与边缘一致"),
        "under_way": ("the same, but for what is still being sent", "一致，部分数据仍在上传"),
        "different": ("hub and edge differ", "中心与边缘不一致"),
        "failed": ("broken off", "已中断"),
    }
    en, zh = words[run["state"]]
    mended = run["to_hub"] + run["to_edge"]
    tell(
        f"{site}: {en}. {rows:,} samples of {run['tags']:,} tags at the edge, {mended:,} mended.",
        f"{site}：{zh}。边缘共 {run['tags']:,} 个标签、{rows:,} 个样本，补齐 {mended:,} 个。",
    )
    if run["error"]:
        error = run["error"]
        tell(f"{error['cause']['en']} {error['remedy']['en']} [{error['code']}]",
             f"{error['cause']['zh']}{error['remedy']['zh']} [{error['code']}]")  # fmt: skip
    for file in run["unreadable"]:
        tell(f"{site}: {file} cannot be read.", f"{site}：{file} 无法读取。")
