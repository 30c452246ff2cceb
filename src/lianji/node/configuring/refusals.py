"""Why a change of the configuration is not taken, in words."""

from __future__ import annotations

from collections.abc import Sequence

from lianji.base.errors import Conflict, InputError, LianjiError, NotFound, Text
from lianji.node.configuring.versions import Version


def first() -> InputError:
    return InputError(
        "version-first",
        Text("Nothing was changed before this version.", "此版本之前没有修改。"),
        Text("Choose a later version.", "请选择较新的版本。"),
    )


def overtaken(head: Version) -> Conflict:
    return Conflict(
        "configuration-changed",
        Text(
            f"The configuration was changed meanwhile ({head.note or head.how}).",
            f"配置在此期间已被修改（{head.note or head.how}）。",
        ),
        Text("Look at it again and repeat your change.", "请重新查看后再次修改。"),
    )


def by_hand(error: LianjiError) -> LianjiError:
    """A problem that keeps an edit by hand from being used."""
    kind: type[LianjiError] = InputError if isinstance(error, NotFound) else type(error)
    return kind(
        error.code,
        Text(
            f"An edit by hand is not in use: {error.cause.en}",
            f"手工修改未生效：{error.cause.zh}",
        ),
        error.remedy,
    )


def changed_since(version: str, paths: Sequence[str]) -> Conflict:
    """A version that cannot be taken back alone."""
    return Conflict(
        "version-changed-since",
        Text(
            f"Version {version} cannot be taken back alone: "
            f"{', '.join(paths)} was changed again since.",
            f"无法单独撤销版本 {version}：{'、'.join(paths)} 之后又被修改。",
        ),
        Text(
            "Undo the later version first, or restore a whole version.",
            "请先撤销较新的版本，或恢复整个版本。",
        ),
    )


def edited(path: str) -> Conflict:
    """A file that somebody edited by hand and that is not in use."""
    return Conflict(
        "file-edited",
        Text(
            f"{path} was edited by hand and that is not in use yet.",
            f"{path} 已被手工修改且尚未生效。",
        ),
        Text(
            "Mend or take back that edit first; see the problems on the status page.",
            "请先改正或撤回该修改；问题见状态页。",
        ),
    )
