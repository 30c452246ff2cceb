"""Libraries that only a training needs: they come with ``lianji[train]``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lianji.base.errors import InputError, Text


def needed(module: str) -> Any:
    """The module. Raises InputError with the command that installs it."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise InputError(
            "training-extra-missing",
            Text(
                f"Training needs {package}, which is not installed.",
                f"训练需要 {package}，尚未安装。",
            ),
            Text('Install it: pip install "lianji[train]"', '请安装：pip install "lianji[train]"'),
        ) from error
