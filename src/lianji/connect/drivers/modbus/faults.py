"""What can go wrong with a Modbus device, said in plain words.

Codes and meanings of exceptions: MODBUS Application Protocol V1.1b3, section 7. Those that speak of
the moment (5, 6, 10) are transient, so that nobody learns from them that an address is forbidden;
4 is not, for many devices say it of addresses that they do not have. 11 is a gateway telling of a
unit that did not answer it in time, which is a time-out, just not ours.
"""

from __future__ import annotations

from typing import NamedTuple

from lianji.base.errors import Desync, DeviceError, DeviceTimeout, LinkDown, Refused, Text


class Question(NamedTuple):
    """One read request: whom, what, and from where (0-based) how many."""

    unit: int
    function: int
    start: int
    span: int

    @property
    def en(self) -> str:
        last = self.start + self.span - 1
        return f"unit {self.unit}, {_AREAS[self.function].en} {self.start}-{last}"

    @property
    def zh(self) -> str:
        last = self.start + self.span - 1
        return f"站号 {self.unit}，{_AREAS[self.function].zh} {self.start}-{last}"


_AREAS = {
    1: Text("coils", "线圈"),
    2: Text("discrete inputs", "离散输入"),
    3: Text("holding registers", "保持寄存器"),
    4: Text("input registers", "输入寄存器"),
    43: Text("device identification", "设备标识"),
}


class _Meaning(NamedTuple):
    code: str
    cause: Text
    remedy: Text
    transient: bool = False


_GATEWAY_SILENT = 11
_MEANINGS = {
    1: _Meaning(
        "modbus-illegal-function",
        Text("it does not know this function", "设备不支持此功能码"),
        Text(
            "Look up which area the device offers: holding (4xxxx) or input (3xxxx) registers.",
            "请查手册确认该数据在哪个区：保持寄存器（4xxxx）还是输入寄存器（3xxxx）。",
        ),
    ),
    2: _Meaning(
        "modbus-illegal-address",
        Text("it has no such address", "设备没有此地址"),
        Text(
            "Compare the address with the manual; it may count from 0 where the table counts "
            "from 1.",
            "请与手册核对地址；注意手册从 0 起编号还是从 1 起编号。",
        ),
    ),
    3: _Meaning(
        "modbus-illegal-value",
        Text("it does not take a request of this size", "设备不接受此长度的请求"),
        Text("Set max_registers of the device lower.", "请调小该设备的 max_registers。"),
    ),
    4: _Meaning(
        "modbus-device-failure",
        Text("it failed while answering", "设备在处理请求时出错"),
        Text(
            "Look at the device's own fault display; some devices say this for a wrong address.",
            "请查看设备自身的故障提示；有些设备对错误地址也返回此码。",
        ),
    ),
    5: _Meaning(
        "modbus-working",
        Text("it is still working on it", "设备仍在处理，稍后才能应答"),
        Text(
            "Raise interval_ms or timeout_ms of the device.", "请增大 interval_ms 或 timeout_ms。"
        ),
        transient=True,
    ),
    6: _Meaning(
        "modbus-busy",
        Text("it is busy", "设备正忙"),
        Text(
            "Ask less often: raise interval_ms or pause_ms, or set in_flight to 1.",
            "请降低读取频率：增大 interval_ms 或 pause_ms，或将 in_flight 设为 1。",
        ),
        transient=True,
    ),
    8: _Meaning(
        "modbus-memory-fault",
        Text("its memory failed a parity check", "设备存储器奇偶校验出错"),
        Text("The device needs service.", "设备需要检修。"),
    ),
    10: _Meaning(
        "modbus-gateway-path",
        Text("the gateway has no way to this unit", "网关没有通往该站号的通道"),
        Text(
            "Check the unit id and the gateway's own table of serial ports.",
            "请核对站号以及网关内的串口映射表。",
        ),
        transient=True,
    ),
    _GATEWAY_SILENT: _Meaning(
        "modbus-gateway-silent",
        Text("the unit behind the gateway does not answer", "网关后面的该站没有应答"),
        Text(
            "Check the unit id, its power and the serial cable behind the gateway.",
            "请检查站号、该设备的电源以及网关后面的串口线。",
        ),
    ),
}
_UNKNOWN = Text("Look the code up in the device's manual.", "请在设备手册中查找此异常码。")


def refused(where: str, question: Question, exception: int) -> DeviceError:
    """Refused; DeviceTimeout for exception 11."""
    code, meaning, remedy, transient = _MEANINGS.get(
        exception,
        _Meaning("modbus-exception", Text("an unknown exception", "未知异常"), _UNKNOWN),
    )
    cause = Text(
        f"{where} refused {question.en}: {meaning.en} (exception {exception}).",
        f"{where} 拒绝了请求（{question.zh}）：{meaning.zh}（异常码 {exception}）。",
    )
    if exception == _GATEWAY_SILENT:
        return DeviceTimeout(code, cause, remedy)
    error = Refused(code, cause, remedy)
    error.transient = transient
    return error


def timed_out(where: str, question: Question, timeout_s: float) -> DeviceTimeout:
    return DeviceTimeout(
        "modbus-timeout",
        Text(
            f"{where} did not answer within {timeout_s:g} s ({question.en}).",
            f"{where} 在 {timeout_s:g} 秒内没有应答（{question.zh}）。",
        ),
        Text(
            "Check the unit id first, then the device's power and cable; a slow device needs a "
            "longer timeout_ms or in_flight = 1.",
            "请先核对站号，再检查设备电源和接线；"
            "较慢的设备请增大 timeout_ms 或将 in_flight 设为 1。",
        ),
    )


def desync(where: str, en: str, zh: str) -> Desync:
    return Desync(
        "modbus-desync",
        Text(
            f"{where} sent what does not answer the question: {en}. The connection was dropped.",
            f"{where} 的应答与请求不符：{zh}。连接已断开。",
        ),
        Text(
            "It will be opened again by itself. If this repeats, set in_flight to 1 and look for "
            "another program or gateway that shares the device.",
            "系统会自动重新连接。若反复出现，请将 in_flight 设为 1，"
            "并检查是否有其他程序或网关共用此设备。",
        ),
    )


def link_down(where: str, code: str, en: str, zh: str) -> LinkDown:
    return LinkDown(
        code,
        Text(f"No connection to {where}: {en}.", f"与 {where} 没有连接：{zh}。"),
        Text(
            "Check power, cable, address and port; many devices take only one to four connections.",
            "请检查电源、线缆、地址和端口；许多设备只允许一到四个连接。",
        ),
    )
