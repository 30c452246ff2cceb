"""What can go wrong with a broker, in plain words."""

from __future__ import annotations

from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.reasoncodes import ReasonCode

from lianji.base.errors import DeviceError, DeviceTimeout, LinkDown, Refused, Text

_BAD_CREDENTIALS = (4, 5, 134, 135)
"""CONNACK codes of MQTT 3.1.1, section 3.2.2.3, and their names in MQTT 5, section 3.2.2.2."""
_SERVER_UNAVAILABLE = (3, 136, 137)


def connect_fault(where: str, error: BaseException, timeout_s: float) -> DeviceError:
    """Why ``open`` failed."""
    if isinstance(error, MqttConnectError):
        code = error.rc.value if isinstance(error.rc, ReasonCode) else error.rc
        if code in _BAD_CREDENTIALS:
            return bad_credentials(where)
        if code not in _SERVER_UNAVAILABLE:
            return unwilling(where, str(error))
    words = str(error) or type(error).__name__
    if "timed out" in words.lower():
        return silent(where, timeout_s)
    if "certificate" in words.lower() or "ssl" in words.lower():
        return wrong_tls(where, words)
    return LinkDown(
        "mqtt-no-connection",
        Text(
            f"No connection to the MQTT broker {where}: {words}.",
            f"无法连接 MQTT 代理 {where}：{words}。",
        ),
        Text(
            "Check that the broker runs, its address and port, and the network between.",
            "请检查代理是否在运行、地址和端口是否正确、网络是否畅通。",
        ),
    )


def lost(where: str, error: BaseException | None = None) -> LinkDown:
    because = f" ({error})" if error is not None and str(error) else ""
    return LinkDown(
        "mqtt-link-lost",
        Text(
            f"The MQTT broker {where} closed the connection{because}.",
            f"MQTT 代理 {where} 断开了连接{because}。",
        ),
        Text(
            "Lianji connects again by itself. If it keeps happening, see the broker's log, and "
            "make sure that no other client uses the same client_id.",
            "联机会自动重连。若反复出现，请查看代理日志，"
            "并确认没有其他客户端使用相同的 client_id。",
        ),
    )


def bad_credentials(where: str) -> Refused:
    return Refused(
        "mqtt-bad-credentials",
        Text(
            f"The MQTT broker {where} does not accept this username and password.",
            f"MQTT 代理 {where} 不接受该用户名和密码。",
        ),
        Text(
            "Set username and password (or password_env) of the device as the broker knows them.",
            "请按代理中的设置填写设备的 username 和 password（或 password_env）。",
        ),
    )


def unwilling(where: str, words: str) -> Refused:
    return Refused(
        "mqtt-refused",
        Text(
            f"The MQTT broker {where} refuses us: {words}.",
            f"MQTT 代理 {where} 拒绝连接：{words}。",
        ),
        Text(
            "Check the client_id, and that the broker speaks MQTT 3.1.1.",
            "请检查 client_id，并确认代理支持 MQTT 3.1.1。",
        ),
    )


def wrong_tls(where: str, words: str) -> Refused:
    return Refused(
        "mqtt-tls",
        Text(
            f"No safe connection to the MQTT broker {where}: {words}.",
            f"无法与 MQTT 代理 {where} 建立安全连接：{words}。",
        ),
        Text(
            "Check that the port is the broker's TLS port, that ca names the authority that "
            "signed its certificate, and that host is the name in that certificate.",
            "请确认端口是代理的 TLS 端口，ca 是签发其证书的机构，host 与证书中的名称一致。",
        ),
    )


def silent(where: str, timeout_s: float) -> DeviceTimeout:
    return DeviceTimeout(
        "mqtt-timeout",
        Text(
            f"The MQTT broker {where} did not answer within {timeout_s:g} s.",
            f"MQTT 代理 {where} 在 {timeout_s:g} 秒内没有应答。",
        ),
        Text(
            "Check that an MQTT broker listens at this address, or raise timeout_ms.",
            "请确认该地址上确有 MQTT 代理，或调大 timeout_ms。",
        ),
    )
