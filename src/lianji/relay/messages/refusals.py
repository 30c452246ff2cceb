"""Why a message is not sent, or not taken."""

from __future__ import annotations

from collections.abc import Iterable

from lianji.base.errors import InputError, NotFound, StorageError, Text
from lianji.relay.trust.refusals import Untrusted

_LOOK = Text(
    "Somebody else than the hub may be on the line: look at the hub's keys and at the way to it.",
    "线路上可能有冒充中心者：请检查中心密钥和网络路径。",
)
_AGAIN = Text("Send it again from the hub.", "请从中心重新发送。")


def unreadable(why: str) -> InputError:
    return InputError(
        "message-unreadable",
        Text(f"This is no message: {why[:200]}.", f"消息无法识别：{why[:200]}。"),
        Text("Bring edge and hub to versions that fit.", "请使边缘端与中心端的版本一致。"),
    )


def forged() -> Untrusted:
    return Untrusted(
        "message-forged",
        Text(
            "The signature is not of the hub that this plant joined.",
            "签名不属于本工厂所加入的中心。",
        ),
        _LOOK,
    )


def for_another(edge: str, named: str) -> Untrusted:
    return Untrusted(
        "message-for-another",
        Text(
            f"The message is for {named!a}; this is {edge}.",
            f"消息发给 {named!a}，本边缘是 {edge}。",
        ),
        _LOOK,
    )


def expired() -> InputError:
    return InputError(
        "message-expired",
        Text("The message came after its time.", "消息到达时已过期。"),
        Text(
            "Send it again, with more time, and see that the edge's clock is right.",
            "请延长有效期后重发，并检查边缘端时钟。",
        ),
    )


def outdated(version: int, last: int) -> InputError:
    return InputError(
        "message-outdated",
        Text(
            f"Version {version} is not newer than {last}, which was here already.",
            f"版本 {version} 不新于已处理的版本 {last}。",
        ),
        _AGAIN,
    )


def not_accepted(kind: str, accepted: Iterable[str]) -> InputError:
    listed = ", ".join(accepted)
    return InputError(
        "message-not-accepted",
        Text(
            f"This plant takes no {kind} from its hub, only: {listed or 'nothing'}.",
            f"本工厂不接受中心下发的 {kind}，只接受：{listed or '无'}。",
        ),
        Text(
            "Its owner may name the kind in [relay] accept in its lianji.toml.",
            "工厂负责人可在其 lianji.toml 的 [relay] accept 中加入该类型。",
        ),
    )


def kind_unknown(kind: str) -> InputError:
    return InputError(
        "message-kind-unknown",
        Text(f"This edge knows no kind {kind!a}.", f"边缘端没有消息类型 {kind!a}。"),
        Text("Bring edge and hub to versions that fit.", "请使边缘端与中心端的版本一致。"),
    )


def altered() -> Untrusted:
    return Untrusted(
        "message-altered",
        Text("The content is not the one that was signed.", "内容与签名时不一致。"),
        Text(
            "Send it again; if that does not help, look at the hub's disk.",
            "请重新发送；若仍失败，请检查中心磁盘。",
        ),
    )


def interrupted() -> InputError:
    return InputError(
        "message-interrupted",
        Text(
            "The edge stopped while it was at it; it may have taken effect or not.",
            "边缘端在执行过程中停止，可能已生效也可能未生效。",
        ),
        Text("Look at the edge, and send it again.", "请查看边缘端后重新发送。"),
    )


def failed(error: Exception) -> InputError:
    return InputError(
        "message-failed",
        Text(
            f"The edge failed at it: {type(error).__name__}: {error}.",
            f"边缘端处理失败：{type(error).__name__}：{error}。",
        ),
        Text("See the edge's own log.", "请查看边缘端日志。"),
    )


def too_large(kind: str, length: int, length_max: int) -> InputError:
    return InputError(
        "message-too-large",
        Text(
            f"A {kind} may have {length_max >> 20} MiB; this has {length:,} bytes.",
            f"{kind} 不得超过 {length_max >> 20} MiB，当前为 {length:,} 字节。",
        ),
        Text("Send less at once.", "请减少单次发送的内容。"),
    )


def content_missing() -> NotFound:
    return NotFound(
        "message-content-missing",
        Text("The hub has no such content for this edge.", "中心没有发给该边缘的此内容。"),
        _AGAIN,
    )


def not_handed_out(text: Text) -> InputError:
    return InputError(
        "message-content-refused",
        Text(f"The hub does not hand the content out: {text.en}", f"中心未给出内容：{text.zh}"),
        _AGAIN,
    )


def no_room(error: OSError) -> StorageError:
    why = error.strerror or str(error)
    return StorageError(
        "message-no-room",
        Text(f"The edge cannot keep the content: {why}.", f"边缘端无法保存内容：{why}。"),
        Text(
            "Free space on the edge's disk, and send it again.", "请释放边缘端磁盘空间后重新发送。"
        ),
    )
