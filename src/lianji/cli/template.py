"""template list, template check: what many machines have in common."""

from __future__ import annotations

import typer

from lianji.base.errors import counted
from lianji.cli.output import AsJson, form_of, show_rows
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

app = typer.Typer(help=t("Device templates", "设备模板"), no_args_is_help=True)


@app.command("list", help=t("All templates and how many machines use them", "列出全部模板"))
def list_(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    from lianji.node.template_check import templates_in_use

    rows = [
        {
            "template": one.name,
            "parameters": ", ".join(one.parameters),
            "tags": one.tags,
            "machines": len(one.machines),
        }
        for one in templates_in_use(folder_of(plant))
    ]
    show_rows(rows, form_of(as_json, False), ["template", "parameters", "tags", "machines"])


@app.command(help=t("Check templates with every machine that uses them", "检查模板及使用它的设备"))
def check(plant: PlantDir = HERE, as_json: AsJson = False) -> None:
    from lianji.node.template_check import checked

    report = checked(folder_of(plant))
    rows = [
        {
            "template": p.template,
            "line": p.line or "",
            "machine": p.machine,
            "problem": p.error.in_language(language()),
        }
        for p in report.problems
    ]
    if rows or as_json:
        show_rows(rows, form_of(as_json, False), ["template", "line", "machine", "problem"])
    tell(
        f"{counted(report.templates, 'template')}, {counted(report.machines, 'machine')}, "
        f"{counted(report.tags, 'tag')}, {counted(len(rows), 'problem')}.",
        f"{report.templates} 个模板，{report.machines} 台设备，{report.tags} 个标签，"
        f"{len(rows)} 个问题。",
    )
    if rows:
        raise typer.Exit(1)
