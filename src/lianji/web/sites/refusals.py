"""What somebody is told who may see some sites only. It never tells whether more is there."""

from __future__ import annotations

from lianji.base.errors import Text
from lianji.web.faults import Forbidden

_ASK = Text("Ask an administrator.", "请联系管理员。")


def whole_plant() -> Forbidden:
    return Forbidden(
        "sites-limited",
        Text(
            "This is about the whole plant, and you may see some of its sites only.",
            "此内容涉及整个工厂，而您只能查看部分站点。",
        ),
        _ASK,
    )


def outside(path: str) -> Forbidden:
    """Of a path that was named for writing; that nothing is written tells nothing of it."""
    return Forbidden(
        "site-outside",
        Text(f"{path!r} is not below one of your sites.", f"{path!r} 不在您的站点之下。"),
        _ASK,
    )
