"""export, backup, restore: the history as files for others, and the plant as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lianji.base.errors import StorageError, Text, counted
from lianji.cli.output import AsJson, Form, show_rows
from lianji.cli.question import End, Start, Tags
from lianji.cli.speech import language, stderr, t, tell
from lianji.cli.where import HERE, PlantDir, folder_of, opened

if TYPE_CHECKING:
    from lianji.history.backup.faults import Fault

FAULTS_SHOWN_MAX = 20
Destination = Annotated[
    Path, typer.Argument(help=t("The backup's folder, best on another disk", "备份文件夹"))
]


def register(app: typer.Typer) -> None:
    app.command(help=t("Write samples as Parquet or CSV", "导出样本为 Parquet 或 CSV"))(export)
    app.command(help=t("Back up a plant that runs or not", "备份工厂（可在运行中）"))(backup)
    app.command(help=t("Make a plant out of a backup", "从备份恢复工厂"))(restore)


def export(
    tags: Tags,
    to: Annotated[Path, typer.Option(help=t("FILE.parquet, FILE.csv, FOLDER", "文件或文件夹"))],
    start: Start = "-1d",
    end: End = "now",
    wide: Annotated[
        str, typer.Option(help=t("A column a tag, a row every 10s, 1min ...", "宽表步长"))
    ] = "",
    bom: Annotated[
        bool, typer.Option("--bom", help=t("CSV that Excel takes for UTF-8", "供 Excel 打开"))
    ] = False,
    plant: PlantDir = HERE,
) -> None:
    from lianji.base.clock import now_us
    from lianji.dictionary.moments import parse_range, parse_span
    from lianji.history.export import Export, export_samples

    between = parse_range(start, end, now_us())
    step_us = parse_span(wide) if wide else None
    history = opened(plant).history.exact
    with bar(to.name) as progress:
        done = export_samples(history, Export(tags, *between, to, step_us, bom), progress)
    tell(
        f"{counted(done.rows, 'row')} in {counted(len(done.files), 'file')}.",
        f"{len(done.files)} 个文件，共 {done.rows:,} 行。",
    )
    if done.unreadable:
        raise _unreadable(done.unreadable)


def backup(
    destination: Destination,
    keep: Annotated[int, typer.Option(help=t("So many generations stay", "保留的代数"), min=1)] = 7,
    check: Annotated[
        bool,
        typer.Option("--check", help=t("Verify every file and row of it", "校验每个文件和每行")),
    ] = False,
    list_: Annotated[
        bool, typer.Option("--list", help=t("Show the generations", "列出各代备份"))
    ] = False,
    plant: PlantDir = HERE,
    as_json: AsJson = False,
) -> None:
    """Take a backup, or look at the one that is there."""
    if check and list_:
        raise typer.BadParameter(t("take one of --check, --list", "--check 与 --list 只能选一个"))
    if list_:
        _list(destination, as_json)
    elif check:
        _check(destination, as_json)
    else:
        _take(plant, destination, keep, as_json)


def _take(plant: Path, destination: Path, keep: int, as_json: bool) -> None:
    from lianji.history.backup.faults import Fault
    from lianji.node.backup import back_up

    with bar(destination.name) as progress:
        taken = back_up(folder_of(plant), destination, keep, progress)
    manifest = taken.manifest
    if as_json:
        row = {
            "generation": manifest.generation,
            "rows": manifest.rows,
            "bytes": manifest.bytes,
            "copied_files": taken.copied_files,
            "copied_bytes": taken.copied_bytes,
            "removed_files": taken.removed_files,
            "damaged": sorted(taken.damaged),
        }
        show_rows([row], Form.JSON, list(row))
    tell(
        f"Generation {manifest.generation}: {counted(manifest.rows, 'row')}, "
        f"{counted(taken.copied_files, 'new data file')} ({taken.copied_bytes / 1e6:.1f} MB).",
        f"第 {manifest.generation} 代备份：{manifest.rows:,} 行，"
        f"{taken.copied_files} 个新数据文件（{taken.copied_bytes / 1e6:.1f} MB）。",
    )
    _tell_faults([Fault(path, what) for path, what in taken.damaged.items()])


def _check(destination: Path, as_json: bool) -> None:
    from lianji.node.backup import check

    with bar(destination.name) as progress:
        checked = check(destination, progress)
    if as_json:
        rows = [{"path": f.path, "what": f.what.in_language(language())} for f in checked.faults]
        show_rows(rows, Form.JSON, ["path", "what"])
    tell(
        f"{counted(len(checked.generations), 'generation')}, {counted(checked.files, 'file')}, "
        f"{counted(checked.rows, 'row')} checked; {counted(len(checked.faults), 'fault')}.",
        f"已校验 {len(checked.generations)} 代、{checked.files:,} 个文件、{checked.rows:,} 行；"
        f"{len(checked.faults)} 处异常。",
    )
    _tell_faults(checked.faults)


def _list(destination: Path, as_json: bool) -> None:
    from lianji.base.clock import from_us
    from lianji.node.backup import generations

    rows = [
        {
            "generation": one.generation,
            "taken": from_us(one.taken_us),
            "rows": one.rows,
            "bytes": one.bytes,
            "plant": one.plant,
        }
        for one in generations(destination)
    ]
    columns = ["generation", "taken", "rows", "bytes", "plant"]
    if as_json:
        rows = [{**row, "taken": row["taken"].isoformat()} for row in rows]  # type: ignore[attr-defined]  # a datetime
    show_rows(rows, Form.JSON if as_json else Form.TABLE, columns)


def restore(
    destination: Destination,
    folder: Annotated[Path, typer.Argument(help=t("A new or empty folder", "新的或空的文件夹"))],
    generation: Annotated[
        int | None,
        typer.Option(help=t("Which one", "第几代"), show_default=t("the newest", "最新一代")),
    ] = None,
) -> None:
    from lianji.node.backup import restore as restore_into

    with bar(folder.name) as progress:
        restored = restore_into(destination, folder, generation, progress)
    manifest = restored.manifest
    tell(
        f"Generation {manifest.generation} is in {folder}: {counted(manifest.rows, 'row')}; "
        f"{counted(len(restored.faults), 'difference')}.",
        f"第 {manifest.generation} 代已恢复到 {folder}：{manifest.rows:,} 行；"
        f"{len(restored.faults)} 处差异。",
    )
    _tell_faults(restored.faults)
    tell(f"Next: lianji run --plant {folder}", f"下一步：lianji run --plant {folder}")


def _tell_faults(faults: Sequence[Fault]) -> None:
    """Name the first ones; the command ends with 1 if there is any."""
    for fault in faults[:FAULTS_SHOWN_MAX]:
        tell(f"{fault.path}: {fault.what.en}", f"{fault.path}：{fault.what.zh}")
    more = len(faults) - FAULTS_SHOWN_MAX
    if more > 0:
        tell(f"... and {more:,} more.", f"……另有 {more:,} 处。")
    if faults:
        raise typer.Exit(1)


def _unreadable(paths: Sequence[str]) -> StorageError:
    return StorageError(
        "export-incomplete",
        Text(
            f"Rows are missing, for {counted(len(paths), 'file')} of the history cannot be read, "
            f"such as {paths[0]}.",
            f"导出不完整：历史数据中有 {len(paths)} 个文件无法读取，如 {paths[0]}。",
        ),
        Text("Restore them from a backup and export again.", "请从备份恢复后重新导出。"),
    )


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
