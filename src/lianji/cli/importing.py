"""import FILE: measurements of the past from CSV, Excel and Parquet."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from lianji.base.errors import InputError, Text, counted
from lianji.cli.progress import bar
from lianji.cli.speech import language, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of

if TYPE_CHECKING:
    from lianji.connect.files.options import ImportOptions
    from lianji.node.importing import Report

SHOWN_MAX = 20


def register(app: typer.Typer) -> None:
    app.command(
        "import", help=t("Take CSV, Excel or Parquet", "导入 CSV、Excel 或 Parquet 历史数据")
    )(import_)


def import_(
    file: Annotated[Path, typer.Argument(help=t("CSV, .xlsx or Parquet", "CSV、.xlsx 或 Parquet"))],
    plant: PlantDir = HERE,
    form: Annotated[
        str, typer.Option(help=t("auto, wide, long", "auto、wide（宽表）、long（长表）"))
    ] = "auto",
    prefix: Annotated[
        str, typer.Option(help=t("Put before tag names: site/area", "标签前缀：站点/区域"))
    ] = "",
    time: Annotated[str, typer.Option(help=t("The time column", "时间列"))] = "",
    time_format: Annotated[
        str, typer.Option(help=t("iso, dmy, mdy, epoch_s, dd/mm/yyyy HH:MM", "时间格式"))
    ] = "auto",
    zone: Annotated[
        str,
        typer.Option(help=t("Of times without one (default: the site's)", "时区（默认站点时区）")),
    ] = "",
    fold: Annotated[
        str,
        typer.Option(
            help=t("Hour that is there twice: reject, earlier, later", "夏令时重复小时的处理")
        ),
    ] = "reject",
    midnight_ends_day: Annotated[
        bool, typer.Option(help=t("00:00 ends the day of its date", "00:00 表示当日结束"))
    ] = False,
    start: Annotated[
        str, typer.Option(help=t("First row's time, if the file has none", "无时间列时首行时间"))
    ] = "",
    step: Annotated[str, typer.Option(help=t("Row to row: 15min, 1h", "行间隔：15min、1h"))] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(help=t("NAME=tag/path, or NAME= to leave out", "列名=标签路径")),
    ] = None,
    decimal: Annotated[str, typer.Option(help=t("auto . ,", "小数点：auto . ,"))] = "auto",
    encoding: Annotated[
        str, typer.Option(help=t("utf-8, gbk ...", "编码：utf-8、gbk……"))
    ] = "utf-8",
    sheet: Annotated[str, typer.Option(help=t("Sheet of a workbook", "工作表"))] = "",
    skip_lines: Annotated[
        int, typer.Option(help=t("Lines above the header", "表头之前的行数"))
    ] = 0,
    rejected: Annotated[
        Path | None, typer.Option(help=t("Write what was rejected as CSV", "把被拒绝的行写入 CSV"))
    ] = None,
) -> None:
    """Read the file, hand its samples over, and say what could not be taken."""
    options = _options(
        form=form,
        prefix=prefix,
        time=time,
        time_format=time_format,
        zone=zone,
        fold=fold,
        midnight_ends_day=midnight_ends_day,
        start=start,
        step=step,
        columns=dict(one.partition("=")[::2] for one in column or []),
        decimal=decimal,
        encoding=encoding,
        sheet=sheet,
        skip_lines=skip_lines,
    )
    report = _with_progress(plant, file, options)
    _tell(report, rejected)
    if report.rejected:
        raise typer.Exit(1)


def _options(**given: object) -> ImportOptions:
    from lianji.connect.field_errors import in_words
    from lianji.connect.files.options import ImportOptions

    try:
        return ImportOptions.model_validate(given)
    except ValidationError as error:
        words = in_words(error)
        raise InputError(
            "import-options",
            Text(f"The options are wrong: {words.en}.", f"选项有误：{words.zh}。"),
            Text("See `lianji import --help`.", "请查看 `lianji import --help`。"),
        ) from error


def _with_progress(plant: Path, file: Path, options: ImportOptions) -> Report:
    from lianji.node.importing import import_file

    with bar(file.name) as told:
        return import_file(folder_of(plant), file, options, told)


def _tell(report: Report, rejected: Path | None) -> None:
    for row in report.rejected[:SHOWN_MAX]:
        en, zh = (f", {row.column}", f"，{row.column}") if row.column else ("", "")
        tell(
            f"line {row.line}{en}: {row.reason.en}: {row.raw!r}",
            f"第 {row.line} 行{zh}：{row.reason.zh}：{row.raw!r}",
        )
    more = len(report.rejected) - SHOWN_MAX
    if more > 0:
        tell(
            f"... and {more:,} more; --rejected FILE writes all.",
            f"……另有 {more:,} 处；--rejected FILE 可写出全部。",
        )
    if rejected is not None:
        with rejected.open("w", newline="", encoding="utf-8-sig") as file:
            table = csv.writer(file)
            table.writerow(["line", "column", "reason", "raw"])
            for row in report.rejected:
                table.writerow([row.line, row.column, row.reason.in_language(language()), row.raw])
    tell(
        f"{counted(report.samples, 'sample')} of {counted(len(report.tags), 'tag')} "
        f"from {counted(report.rows, 'row')}; "
        f"{len(report.rejected)} rejected.",
        f"{report.rows:,} 行，{len(report.tags)} 个标签，{report.samples:,} 个样本；"
        f"{len(report.rejected)} 处被拒绝。",
    )
