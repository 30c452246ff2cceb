"""annotate, annotations: what people note about a stretch of a tag's time."""

from __future__ import annotations

import getpass
from typing import Annotated

import typer

from lianji.base.clock import now_us
from lianji.cli.output import AsArrow, AsCsv, AsJson, form_of
from lianji.cli.question import answer
from lianji.cli.speech import t, tell
from lianji.cli.where import HERE, PlantDir, opened


def register(app: typer.Typer) -> None:
    app.command(help=t("Note something about a tag's time", "为标签的某段时间添加注释"))(annotate)
    app.command("annotations", help=t("What was noted", "列出注释"))(noted)


def annotate(
    tag: Annotated[str, typer.Argument(help=t("A path or a pattern", "标签路径或通配"))],
    text: Annotated[str, typer.Argument(help=t("What to note", "注释内容"))] = "",
    start: Annotated[str, typer.Option(help=t("From", "起点"))] = "now",
    end: Annotated[
        str, typer.Option(help=t("To; nothing: just at the start", "终点；不写则为起点时刻"))
    ] = "",
    author: Annotated[
        str, typer.Option(help=t("Who says so", "作者"), show_default=t("your login", "登录名"))
    ] = "",
    identity: Annotated[
        str, typer.Option("--id", help=t("Change this note", "修改此编号的注释"))
    ] = "",
    delete: Annotated[
        bool, typer.Option("--delete", help=t("Take away the note of --id", "删除 --id 的注释"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    from lianji.dictionary.moments import parse_moment

    history = opened(plant).history.exact
    if delete:
        history.delete_annotation(identity)
        tell(f"Annotation {identity} is deleted.", f"注释 {identity} 已删除。")
        return
    now = now_us()
    start_us = parse_moment(start, now)
    end_us = parse_moment(end, now) if end else start_us
    made = history.annotate(tag, start_us, end_us, text, author or _login(), identity)
    typer.echo(made)


def noted(
    tags: Annotated[
        list[str] | None, typer.Argument(help=t("All, if none", "不写则为全部"))
    ] = None,
    start: Annotated[str, typer.Option(help=t("From", "起点"))] = "",
    end: Annotated[str, typer.Option(help=t("Up to", "终点"))] = "",
    plant: PlantDir = HERE,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    as_arrow: AsArrow = False,
) -> None:
    from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
    from lianji.dictionary.moments import parse_moment

    now = now_us()
    start_us = parse_moment(start, now) if start else TIME_US_MIN
    end_us = parse_moment(end, now) if end else TIME_US_MAX
    answer(
        plant,
        form_of(as_json, as_csv, as_arrow),
        lambda history: history.annotations(tags or None, start_us, end_us),
    )


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in containers
        return ""
