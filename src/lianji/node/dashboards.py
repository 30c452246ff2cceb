"""The plant's dashboards: files ``dashboards/<name>.json`` that people can read and edit.

Files are read when they are asked for, so that an edit by hand shows at the next look. The front
page has a dashboard before anybody saved one: it is made from the dictionary each time.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import Conflict, InputError, StorageError, Text
from lianji.connect.field_errors import in_words
from lianji.dictionary.tag import Tag
from lianji.node.made_dashboard import made_from
from lianji.web.dashboard import (
    OVERVIEW,
    Dashboard,
    DashboardEntry,
    KeptDashboard,
    is_name,
    title_of,
    unknown_dashboard,
)

SUFFIX = ".json"
BYTES_MAX = 1 << 20
DASHBOARDS_MAX = 500


class Dashboards:
    """Of one folder; safe for many threads. Nothing is created before the first save."""

    def __init__(self, folder: Path, tags: Callable[[], Sequence[Tag]]) -> None:
        self._folder = folder
        self._tags = tags
        self._lock = threading.Lock()

    def listed(self) -> list[DashboardEntry]:
        """The front page's first, then by name. A file that is wrong is listed by its name."""
        names = sorted(path.stem for path in self._folder.glob(f"*{SUFFIX}") if is_name(path.stem))
        entries = [self._entry(name) for name in names if name != OVERVIEW]
        return [self._entry(OVERVIEW), *entries]

    def _entry(self, name: str) -> DashboardEntry:
        try:
            kept = self.found(name)
        except InputError:
            return DashboardEntry(name=name, title_en=name, title_zh=name, made=False)
        title = title_of(name, kept.dashboard)
        return DashboardEntry(name=name, title_en=title.en, title_zh=title.zh, made=kept.made)

    def found(self, name: str) -> KeptDashboard:
        """Raises NotFound, or InputError that names what is wrong with the file."""
        content = self._content(name)
        if content is not None:
            dashboard = _parsed(self._path(name).name, content)
            return KeptDashboard(
                name=name, version=_version(content), made=False, dashboard=dashboard
            )
        if name == OVERVIEW:
            return KeptDashboard(
                name=name, version="", made=True, dashboard=self.made(self._tags())
            )
        raise unknown_dashboard(name)

    def made(self, tags: Sequence[Tag]) -> Dashboard:
        """What the front page shows of these tags while nobody has saved one."""
        return made_from(tags)

    def save(self, name: str, dashboard: Dashboard, version: str) -> str:
        """Durably write the file; its new version. Raises InputError, Conflict if the file is no
        longer the one of ``version`` (empty: if there is one), StorageError."""
        path = self._path(name)
        content = _text(dashboard).encode()
        if len(content) > BYTES_MAX:
            raise _too_large()
        with self._lock:
            self._check_version(name, version)
            try:
                make_folder(self._folder.resolve())
                if not version and len(list(self._folder.glob(f"*{SUFFIX}"))) >= DASHBOARDS_MAX:
                    raise _too_many()
                write_atomically(path, content)
            except OSError as error:
                raise _unwritable(path, error) from error
        return _version(content)

    def delete(self, name: str, version: str) -> None:
        """Raises NotFound, Conflict, StorageError."""
        path = self._path(name)
        with self._lock:
            if self._content(name) is None:
                raise unknown_dashboard(name)
            self._check_version(name, version)
            try:
                path.unlink()
                sync_folder(self._folder)
            except OSError as error:
                raise _unwritable(path, error) from error

    def _path(self, name: str) -> Path:
        if not is_name(name):
            raise _wrong_name(name)
        return self._folder / f"{name}{SUFFIX}"

    def _content(self, name: str) -> bytes | None:
        path = self._path(name)
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, error) from error

    def _check_version(self, name: str, version: str) -> None:
        content = self._content(name)
        if (_version(content) if content is not None else "") != version:
            raise _changed(name)


def _text(dashboard: Dashboard) -> str:
    """What is as it would be anyway is left out, so that the file is short to read."""
    plain = dashboard.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(plain, ensure_ascii=False, indent=2) + "\n"


def _parsed(file: str, content: bytes) -> Dashboard:
    try:
        return Dashboard.model_validate(json.loads(content.decode("utf-8-sig")))
    except ValidationError as error:
        raise _invalid(file, in_words(error)) from error
    except ValueError as error:
        raise _invalid(
            file, Text(f"it is not JSON: {error}", f"不是有效的 JSON：{error}")
        ) from error


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _invalid(file: str, what: Text) -> InputError:
    return InputError(
        "dashboard-invalid",
        Text(f"dashboards/{file}: {what.en}.", f"dashboards/{file}：{what.zh}。"),
        Text("Mend the file, or delete it.", "请修改该文件，或将其删除。"),
    )


def _wrong_name(name: str) -> InputError:
    return InputError(
        "dashboard-name",
        Text(f"'{name[:80]}' is no name of a dashboard.", f"“{name[:80]}”不能作为看板名称。"),
        Text(
            "Use letters, digits, spaces, - and _, at most 64.",
            "请使用文字、数字、空格、- 和 _，最多 64 个。",
        ),
    )


def _changed(name: str) -> Conflict:
    return Conflict(
        "dashboard-changed",
        Text(
            f"The dashboard '{name}' was changed meanwhile by somebody else.",
            f"看板“{name}”已被其他人修改。",
        ),
        Text(
            "Save yours under another name, or load it again and lose your changes.",
            "请另存为其他名称，或重新载入并放弃您的修改。",
        ),
    )


def _too_large() -> InputError:
    return InputError(
        "dashboard-too-large",
        Text("The dashboard is larger than 1 MiB.", "看板超过 1 MiB。"),
        Text("Make two of it.", "请拆分为两个看板。"),
    )


def _too_many() -> InputError:
    return InputError(
        "dashboards-too-many",
        Text(f"There are {DASHBOARDS_MAX} dashboards already.", f"已有 {DASHBOARDS_MAX} 个看板。"),
        Text("Delete some first.", "请先删除一些。"),
    )


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        "dashboard-unreadable",
        Text(f"{path} cannot be read: {error.strerror}.", f"无法读取 {path}：{error.strerror}。"),
        Text("Give the user that runs Lianji the right to read it.", "请授予运行用户读取权限。"),
    )


def _unwritable(path: Path, error: OSError) -> StorageError:
    return StorageError(
        "dashboard-unwritable",
        Text(
            f"{path} cannot be written: {error.strerror}.", f"无法写入 {path}：{error.strerror}。"
        ),
        Text(
            "Free space on the disk, or give the user that runs Lianji the right to write.",
            "请释放磁盘空间，或授予运行用户写权限。",
        ),
    )
