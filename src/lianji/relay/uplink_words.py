"""Why the relay does not get on, in words for people."""

from __future__ import annotations

from lianji.base.errors import InputError, LianjiError, LinkDown, Text
from lianji.relay.client import Unwelcome
from lianji.relay.sending import HistoriesParted


def in_words(error: Exception) -> LianjiError:
    if isinstance(error, LianjiError):
        return error
    if isinstance(error, HistoriesParted):
        return InputError(
            "relay-histories-parted",
            Text(
                f"The hub has records under this edge's name that are not ours (at {error.mark}): "
                "this is an old image, or a copy of the edge runs elsewhere.",
                f"中心端在本边缘端名下有并非本机的记录（{error.mark}）：本机可能由旧镜像恢复，或另有副本在运行。",
            ),
            Text(
                "Nothing is sent. Stop the copy; if this is the box that shall go on, run "
                "`lianji relay anew` here.",
                "已停止发送。请停用副本；若本机应继续运行，请在此执行 `lianji relay anew`。",
            ),
        )
    if isinstance(error, Unwelcome):
        return InputError(
            error.code or "relay-refused",
            Text(
                error.text.en or f"The hub refuses: HTTP {error.status}.",
                error.text.zh or f"中心端拒绝：HTTP {error.status}。",
            ),
            Text("See the hub's list of sites.", "请查看中心端的站点列表。"),
        )
    return LinkDown(
        "relay-failed",
        Text(f"The relay failed: {error}.", f"上传失败：{error}。"),
        Text("It tries again by itself; nothing is lost.", "系统会自动重试，数据不会丢失。"),
    )
