"""What can be wrong with the state database, in words."""

from __future__ import annotations

from lianji.base.errors import InputError, StorageError, Text


def unspoken(url: str) -> InputError:
    return InputError(
        "state-url-unknown",
        Text(f"Nothing here speaks to {url}.", f"无法连接 {url}。"),
        Text(
            "Write sqlite:////full/path or postgresql+psycopg://user@host/name.",
            "请写成 sqlite:////完整路径 或 postgresql+psycopg://用户@主机/库名。",
        ),
    )


def driver_missing(url: str) -> InputError:
    return InputError(
        "state-driver-missing",
        Text(f"The driver for {url} is not installed.", f"未安装访问 {url} 所需的驱动。"),
        Text(
            "Install it: pip install 'lianji[postgres]'.",
            "请安装：pip install 'lianji[postgres]'。",
        ),
    )


def unusable(shown: str, error: Exception) -> StorageError:
    lines = str(getattr(error, "orig", None) or error).strip().splitlines()
    said = lines[0].rstrip(".") if lines else type(error).__name__
    cause = Text(
        f"The state database {shown} cannot be used: {said}.",
        f"状态库 {shown} 无法使用：{said}。",
    )
    if not shown.startswith("sqlite"):
        return StorageError(
            "state-unreachable",
            cause,
            Text(
                "See that PostgreSQL runs and can be reached from here, and that the user of the "
                "URL may enter the database and make tables in it.",
                "请检查 PostgreSQL 是否在运行且可从本机访问，以及该用户是否有权登录并建表。",
            ),
        )
    return StorageError(
        "state-unusable",
        cause,
        Text(
            "See that the disk has space and that the user of Lianji may write there; if the file "
            "is damaged, restore it from a backup.",
            "请检查磁盘空间和写权限；若文件已损坏，请从备份恢复。",
        ),
    )


def unfit(error: Exception) -> InputError:
    """PostgreSQL's text holds no NUL, and its numbers have an end."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0].rstrip(".")
    return InputError(
        "state-value-refused",
        Text(f"The state database cannot hold this: {said}.", f"状态库无法保存该内容：{said}。"),
        Text("Change it and try again.", "请修改后重试。"),
    )


def newer(shown: str, found: str, newest: str) -> StorageError:
    return StorageError(
        "state-newer",
        Text(
            f"The state database {shown} has version {found}; this Lianji knows {newest}.",
            f"状态库 {shown} 的版本为 {found}，当前联机只支持 {newest}。",
        ),
        Text(
            "Start the newer Lianji again, or restore the state of before.",
            "请使用较新的联机版本，或恢复旧的状态库。",
        ),
    )
