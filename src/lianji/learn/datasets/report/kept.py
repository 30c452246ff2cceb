"""The report as it lies beside the files of a version."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from lianji.base.errors import StorageError, Text
from lianji.learn.datasets.report.finding import Report

REPORT = "report.json"


def read_report(folder: Path) -> Report:
    """Raises StorageError."""
    path = folder / REPORT
    try:
        return Report.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise StorageError(
            "dataset-report",
            Text(f"{path} cannot be read: {error}.", f"{path} 无法读取：{error}。"),
            Text("Restore the folder of this version.", "请恢复该版本的文件夹。"),
        ) from error
