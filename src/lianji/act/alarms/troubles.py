"""What can go wrong in the alarm room, in words."""

from __future__ import annotations

from lianji.base.errors import InputError, LianjiError, NotFound, Text


def unknown(alarm: str) -> NotFound:
    return NotFound(
        "alarm-unknown",
        Text(f"There is no alarm {alarm!r}.", f"没有报警 {alarm!r}。"),
        Text("See `lianji alarm list` for those that stand.", "用 `lianji alarm list` 查看报警。"),
    )


def shelf_time(minutes: float) -> InputError:
    return InputError(
        "alarm-shelf-time",
        Text(
            f"An alarm is shelved for up to a week, not for {minutes:g} minutes.",
            f"报警搁置最长一周，不能为 {minutes:g} 分钟。",
        ),
        Text("Name a shorter time, or take it out of service.", "请缩短时间，或将其停用。"),
    )


def reason_missing() -> InputError:
    return InputError(
        "alarm-reason-missing",
        Text("Why it is out of service is not told.", "未填写停用原因。"),
        Text("Write a few words.", "请填写原因。"),
    )


def late(seconds: float) -> LianjiError:
    return LianjiError(
        "alarms-late",
        Text(
            f"The alarms have not been evaluated for {seconds:.0f} s.",
            f"报警已有 {seconds:.0f} 秒未计算。",
        ),
        Text(
            "The machine is overloaded or the history does not answer: see the status page.",
            "系统过载或历史库无应答：请查看状态页。",
        ),
    )


def failed(error: Exception) -> LianjiError:
    """The error itself where it speaks to people; else that it is a fault of ours."""
    if isinstance(error, LianjiError):
        return error
    name = type(error).__name__
    return LianjiError(
        "alarms-failed",
        Text(f"The alarms could not be evaluated ({name}).", f"报警计算失败（{name}）。"),
        Text("See the log, and report it with its lines.", "请查看日志，并附上日志内容反馈。"),
    )
