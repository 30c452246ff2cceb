"""The doctor: looks at everything that usually goes wrong, and says what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lianji.base.errors import LianjiError, StorageError, Text, counted
from lianji.history.delta.log import DeltaLog
from lianji.history.parquet.reading import broken_end
from lianji.history.places.folder import FolderPlace
from lianji.history.tables import SAMPLES
from lianji.node.alarms_asked import check_alarms
from lianji.node.asked import status_of
from lianji.node.configuration import Configuration, load_configuration
from lianji.node.folder import PlantFolder
from lianji.spool.quarantine import Quarantine

DISK_FREE_BYTES_MIN = 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``problem`` is None where all is well."""

    check: Text
    found: Text
    problem: LianjiError | None = None


def examine(folder: PlantFolder) -> list[Finding]:
    """Look at files, disk, table, spool and, if it runs, the plant. Raises NotFound: no plant."""
    configuration = load_configuration(folder)
    return [
        *_files(configuration),
        *_alarms(folder),
        _guarded(Text("folder", "文件夹"), lambda: _writable(folder)),
        _guarded(Text("disk", "磁盘"), lambda: _disk(folder, configuration)),
        _guarded(Text("history table", "历史表"), lambda: _table(folder)),
        _guarded(Text("spool damage", "缓存损坏"), lambda: _quarantine(folder)),
        *_running(folder),
    ]


def _guarded(check: Text, look: Callable[[], Text]) -> Finding:
    try:
        return Finding(check, look())
    except LianjiError as error:
        return Finding(check, error.cause, error)


def _files(configuration: Configuration) -> Iterator[Finding]:
    devices, tags = len(configuration.devices), len(configuration.tags)
    check = Text("files", "配置文件")
    yield Finding(
        check,
        Text(
            f"{counted(devices, 'device')}, {counted(tags, 'tag')}",
            f"{devices} 台设备，{tags} 个标签",
        ),
    )
    for problem in configuration.problems:
        yield Finding(check, problem.cause, problem)


def _alarms(folder: PlantFolder) -> Iterator[Finding]:
    checked = check_alarms(folder)
    if not checked.rows and not checked.problems:
        return
    check = Text("alarms", "报警")
    rows, alarms = counted(checked.rows, "row"), counted(checked.alarms, "alarm")
    yield Finding(check, Text(f"{rows}, {alarms}", f"{checked.rows} 行，{checked.alarms} 个报警"))
    for problem in checked.problems:
        yield Finding(check, problem.cause, problem)


def _writable(folder: PlantFolder) -> Text:
    folder.data.mkdir(exist_ok=True)
    if not os.access(folder.data, os.W_OK):
        raise StorageError(
            "folder-read-only",
            Text(f"{folder.data} cannot be written to.", f"{folder.data} 不可写。"),
            Text("Give the user that runs Lianji the right to.", "请授予运行用户写权限。"),
        )
    return Text("can be written to", "可写")


def _disk(folder: PlantFolder, configuration: Configuration) -> Text:
    free = shutil.disk_usage(folder.root).free
    wanted = min(configuration.settings.spool.bytes_max, DISK_FREE_BYTES_MIN)
    if free < wanted:
        raise StorageError(
            "disk-low",
            Text(f"Only {free // 2**20} MiB are free.", f"磁盘仅剩 {free // 2**20} MiB。"),
            Text(
                "Free space, or lower [spool] bytes_max.", "请清理磁盘，或调小 [spool] bytes_max。"
            ),
        )
    return Text(f"{free / 1e9:.1f} GB free", f"剩余 {free / 1e9:.1f} GB")


def _table(folder: PlantFolder) -> Text:
    if not (folder.history / "_delta_log").is_dir():
        return Text("nothing written yet", "尚无数据")
    files = DeltaLog(FolderPlace(folder.history), SAMPLES, create=False).files
    lost = [file.path for file in files if broken_end(folder.history / file.path, file.bytes)]
    if lost:
        raise StorageError(
            "history-file-missing",
            Text(
                f"{len(lost)} files are missing or damaged, such as {lost[0]}.",
                f"缺少或损坏 {len(lost)} 个文件，如 {lost[0]}。",
            ),
            Text("Restore them from a backup.", "请从备份恢复。"),
        )
    rows = files.rows
    return Text(
        f"{counted(rows, 'row')} in {counted(len(files), 'file')}",
        f"{len(files)} 个文件共 {rows:,} 行",
    )


def _quarantine(folder: PlantFolder) -> Text:
    found = [q for q in Quarantine(folder.spool / "quarantine").list() if q.reason != "torn tail"]
    if found:
        raise StorageError(
            "spool-damaged",
            Text(
                f"{len(found)} damaged places were set aside in {folder.spool / 'quarantine'}.",
                f"{len(found)} 处损坏数据已隔离到 {folder.spool / 'quarantine'}。",
            ),
            Text(
                "Check the disk (smartctl); then remove the folder.",
                "请检查磁盘（smartctl），然后删除该文件夹。",
            ),
        )
    return Text("none", "无")


def _running(folder: PlantFolder) -> Iterator[Finding]:
    check = Text("running", "运行")
    if folder.running() is None:
        yield Finding(check, Text("not running", "未运行"))
        return
    try:
        status = status_of(folder)
    except LianjiError as error:
        yield Finding(check, error.cause, error)
        return
    yield Finding(check, Text("answers", "正常应答"))
    for device in status["devices"]:
        fault = device["error"]
        if fault:
            cause, remedy = Text(**fault["cause"]), Text(**fault["remedy"])
            name = Text(f"device {device['name']}", f"设备 {device['name']}")
            yield Finding(name, cause, LianjiError(fault["code"], cause, remedy))
