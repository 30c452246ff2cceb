"""What becomes of a job whose run has ended: a pure function of how it ended.

A run that was asked to give way and did, and one that was lost with its machine, is nobody's fault.
One that crashed runs again, at most ``CRASHES_MAX`` times in a row without getting any further.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from typing import Literal

from lianji.base.errors import Text
from lianji.learn.jobs.folder import Outcome
from lianji.learn.jobs.job import DONE, FAILED, QUEUED, STOPPED, State
from lianji.learn.jobs.launcher import DONE as CODE_DONE
from lianji.learn.jobs.launcher import LOST, PREEMPTED

CRASHES_MAX = 3
Asked = Literal["", "preempt", "close", "stop", "memory"]
"""Why the runner ended it; empty where it did not."""
_BY_REQUEST = (PREEMPTED, -signal.SIGTERM, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Ended:
    state: State
    reason: Text
    crashes: int = 0
    gave_way: bool = False


def ended(
    asked: Asked, code: int, outcome: Outcome | None, crashes: int, got_further: bool, who: str = ""
) -> Ended:
    """``crashes``: those in a row before; ``got_further``: than at the last of them; ``who``
    stopped it."""
    if code == CODE_DONE:
        return Ended(DONE, Text("It is done.", "已完成。"))
    if asked == "stop":
        return Ended(STOPPED, Text(f"{who} stopped it.", f"由 {who} 停止。"))
    if asked == "memory":
        return Ended(FAILED, _TOO_MUCH)
    if asked and code in _BY_REQUEST:
        killed = code == -signal.SIGKILL
        return Ended(QUEUED, _KILLED if killed else _REASONS[asked], gave_way=True)
    if code == LOST:
        return Ended(QUEUED, _LOST)
    if code == PREEMPTED and outcome is not None and outcome.asked:
        return Ended(QUEUED, _REASONS["close"], gave_way=True)
    if code == PREEMPTED and got_further:
        return Ended(QUEUED, _ITSELF)
    reason = _reason(code, outcome)
    if outcome is not None and outcome.final:
        return Ended(FAILED, reason)
    count = 1 if got_further else crashes + 1
    if count >= CRASHES_MAX:
        return Ended(FAILED, _given_up(reason), count)
    return Ended(QUEUED, reason, count)


def _reason(code: int, outcome: Outcome | None) -> Text:
    if outcome is not None and outcome.reason.en:
        return outcome.reason
    if code < 0:
        name = _signal(-code)
        return Text(f"It was ended by {name}.", f"被信号 {name} 终止。")
    if code == PREEMPTED:
        return Text("It gave way without having done anything.", "作业未取得进展即自行让出。")
    return Text(f"It ended with the code {code}.", f"作业以代码 {code} 退出。")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _given_up(reason: Text) -> Text:
    return Text(
        f"{reason.en} It did so {CRASHES_MAX} times in a row without getting any further, so it is "
        "given up.",
        f"{reason.zh}已连续 {CRASHES_MAX} 次无进展，不再重试。",
    )


_REASONS = {
    "preempt": Text("It gave way to another and goes on later.", "已让位给其他作业，稍后继续。"),
    "close": Text("The plant ended; it goes on when it runs.", "工厂程序已停止，启动后继续。"),
}
_KILLED = Text(
    "It did not end in time when it was asked to and was killed; it goes on from its last "
    "checkpoint.",
    "未在宽限时间内结束，已被终止；将从最近的检查点继续。",
)
_LOST = Text("Where it ran is gone; it runs again.", "所在节点已丢失，将重新运行。")
_ITSELF = Text("It gave way by itself and goes on later.", "作业自行让出，稍后继续。")
_TOO_MUCH = Text(
    "It took more memory than it had asked for. Submit it with a higher --memory.",
    "内存超过申请量。请用更大的 --memory 重新提交。",
)
GONE = Text("Its process was gone when the plant started.", "工厂启动时作业进程已不存在。")
