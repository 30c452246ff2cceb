"""Whatever a driver may raise, as an error that a person can act on."""

from __future__ import annotations

import asyncio

from lianji.base.errors import DeviceError, DeviceTimeout, LianjiError, LinkDown, Text
from lianji.dictionary.quality import Quality


def as_lianji_error(error: BaseException) -> LianjiError:
    """The error itself if it is ours; else the nearest of ours, with what it said."""
    if isinstance(error, LianjiError):
        return error
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, asyncio.CancelledError):
        return subscription_ended()
    if isinstance(error, TimeoutError):
        return DeviceTimeout(
            "device-timeout",
            Text(f"The device did not answer in time ({words}).", f"设备未及时应答（{words}）。"),
            _REACHABLE,
        )
    if isinstance(error, OSError | EOFError):
        return LinkDown(
            "link-down",
            Text(f"The connection was lost ({words}).", f"连接已断开（{words}）。"),
            _REACHABLE,
        )
    return DeviceError(
        "driver-failed",
        Text(f"The driver failed: {words}.", f"驱动程序出错：{words}。"),
        Text(
            "This is a fault of the driver and not of your plant: please report it with the log.",
            "这是驱动程序的缺陷，不是现场的问题：请附上日志反馈。",
        ),
    )


_REACHABLE = Text(
    "Check that the device is on and reachable, and that address and port are right.",
    "请检查设备是否通电、网络是否可达，以及地址和端口是否正确。",
)


def no_answer(timeout_s: float) -> DeviceTimeout:
    return DeviceTimeout(
        "device-timeout",
        Text(
            f"The device did not answer within {timeout_s:g} s.",
            f"设备在 {timeout_s:g} 秒内没有应答。",
        ),
        Text(
            "Check the unit id and the cable; for a slow device raise timeout_ms.",
            "请检查站号和线路；若设备较慢，请调大 timeout_ms。",
        ),
    )


def subscription_ended() -> LinkDown:
    return LinkDown(
        "subscription-ended",
        Text("The device ended the subscription.", "设备结束了订阅。"),
        _REACHABLE,
    )


def quality_of(error: BaseException) -> Quality:
    """What an error that took the link down says of every point of the device."""
    if isinstance(error, DeviceTimeout):
        return Quality.BAD_TIMEOUT
    return Quality.BAD_NO_COMMUNICATION
