"""What went wrong with a server, in plain words: asyncua's errors become those of Lianji."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager

from asyncua.ua.status_codes import StatusCodes, get_name_and_doc
from asyncua.ua.uaerrors import UaError, UaStatusCodeError
from cryptography.exceptions import InvalidSignature

from lianji.base.errors import Desync, DeviceError, DeviceTimeout, LinkDown, Refused, Text

_LINK_LOST = {
    StatusCodes.BadCommunicationError,
    StatusCodes.BadConnectionClosed,
    StatusCodes.BadConnectionRejected,
    StatusCodes.BadNoSubscription,
    StatusCodes.BadNotConnected,
    StatusCodes.BadSecureChannelClosed,
    StatusCodes.BadSecureChannelIdInvalid,
    StatusCodes.BadSecureChannelTokenUnknown,
    StatusCodes.BadServerHalted,
    StatusCodes.BadServerNotConnected,
    StatusCodes.BadSessionClosed,
    StatusCodes.BadSessionIdInvalid,
    StatusCodes.BadSessionNotActivated,
    StatusCodes.BadShutdown,
    StatusCodes.BadSubscriptionIdInvalid,
    StatusCodes.BadTcpInternalError,
    StatusCodes.BadTcpServerTooBusy,
}
_LATE = {StatusCodes.BadTimeout, StatusCodes.BadRequestTimeout}
_LOGIN = {
    StatusCodes.BadIdentityTokenInvalid,
    StatusCodes.BadIdentityTokenRejected,
    StatusCodes.BadUserAccessDenied,
    StatusCodes.BadUserSignatureInvalid,
}
_SECURITY = {
    StatusCodes.BadApplicationSignatureInvalid,
    StatusCodes.BadNonceInvalid,
    StatusCodes.BadSecurityChecksFailed,
    StatusCodes.BadSecurityModeInsufficient,
    StatusCodes.BadSecurityModeRejected,
    StatusCodes.BadSecurityPolicyRejected,
}
_TOO_MUCH = {
    StatusCodes.BadEncodingLimitsExceeded,
    StatusCodes.BadRequestTooLarge,
    StatusCodes.BadResponseTooLarge,
    StatusCodes.BadTooManyOperations,
}
_OVERLOADED = {
    StatusCodes.BadOutOfMemory,
    StatusCodes.BadResourceUnavailable,
    StatusCodes.BadTcpNotEnoughResources,
}
_UNREADABLE = (UaError, ValueError, LookupError, TypeError, AttributeError, struct.error)
"""What asyncua trips over when it decodes an answer that is none."""


class TooMuch(Refused):
    """One call asked for more than the server takes; asking for less may do."""


@contextmanager
def in_plain_words(url: str, timeout_s: float) -> Iterator[None]:
    """Turn whatever asyncua raises inside into a DeviceError; lets LianjiErrors through."""
    try:
        yield
    except TimeoutError as error:
        raise no_answer(url, timeout_s) from error
    except (OSError, EOFError) as error:
        raise link_down(url, str(error) or type(error).__name__) from error
    except UaStatusCodeError as error:
        raise of_status(error.code, url, timeout_s) from error
    except InvalidSignature as error:
        raise _security_refused(url, "InvalidSignature") from error
    except _UNREADABLE as error:
        raise nonsense(url, f"{type(error).__name__} {error}") from error


def no_answer(url: str, timeout_s: float) -> DeviceTimeout:
    return DeviceTimeout(
        "opcua-timeout",
        Text(
            f"{url} did not answer within {timeout_s:g} s.",
            f"{url} 在 {timeout_s:g} 秒内没有应答。",
        ),
        Text(
            "Check that the address is right and that no firewall drops the port; for a slow "
            "server raise timeout_ms.",
            "请检查地址是否正确、端口是否被防火墙拦截；服务器较慢时请调大 timeout_ms。",
        ),
    )


def link_down(url: str, why: str) -> LinkDown:
    return LinkDown(
        "opcua-link-down",
        Text(f"There is no connection to {url}: {why}.", f"与 {url} 没有连接：{why}。"),
        Text(
            "Check that the OPC UA server runs, and its address, port and cable.",
            "请检查 OPC UA 服务器是否在运行，以及地址、端口和网线。",
        ),
    )


def of_status(code: int, url: str, timeout_s: float) -> DeviceError:
    """The error for the status that a whole service call was answered with."""
    name, doc = get_name_and_doc(code)
    if code in _LINK_LOST:
        return link_down(url, name)
    if code in _LATE:
        return no_answer(url, timeout_s)
    if code in _LOGIN:
        return _login_refused(url, name)
    if code in _SECURITY or name.startswith("BadCertificate"):
        return _security_refused(url, name)
    if code in _TOO_MUCH:
        return _too_much(url, name)
    if code == StatusCodes.BadTooManySessions:
        return _crowded(url)
    refused = Refused(
        "opcua-refused",
        Text(f"{url} refused: {name} ({doc.rstrip('.')}).", f"{url} 拒绝了请求：{name}。"),
        Text(
            "Look at the server's log and at the limits of its configuration.",
            "请查看服务器的日志及其配置中的限制。",
        ),
    )
    refused.transient = code in _OVERLOADED
    return refused


def _login_refused(url: str, name: str) -> Refused:
    return Refused(
        "opcua-login-refused",
        Text(
            f"{url} does not accept the user name or the password ({name}).",
            f"{url} 不接受用户名或密码（{name}）。",
        ),
        Text(
            "Check username and password; without a username the server must allow anonymous "
            "access.",
            "请检查 username 和 password；不填用户名时，服务器必须允许匿名访问。",
        ),
    )


def _security_refused(url: str, name: str) -> Refused:
    return Refused(
        "opcua-security-refused",
        Text(
            f"{url} refused the secure connection ({name}); most often it does not trust our "
            "certificate yet.",
            f"{url} 拒绝了安全连接（{name}），多半是它还不信任我们的证书。",
        ),
        Text(
            "In the server's settings move the certificate of Lianji (lianji.der in the "
            "certificates folder) from rejected to trusted, and check both clocks.",
            "请在服务器设置中把 Lianji 的证书（证书文件夹中的 lianji.der）从“已拒绝”移到“受信任”，"
            "并核对双方的时钟。",
        ),
    )


def _too_much(url: str, name: str) -> TooMuch:
    return TooMuch(
        "opcua-too-much-at-once",
        Text(
            f"{url} does not take that much in one call ({name}).",
            f"{url} 一次调用处理不了这么多（{name}）。",
        ),
        Text("Set max_nodes_per_read lower.", "请调小 max_nodes_per_read。"),
    )


def _crowded(url: str) -> Refused:
    return Refused(
        "opcua-too-many-sessions",
        Text(f"{url} serves no more clients at once.", f"{url} 的同时连接数已满。"),
        Text(
            "Close other OPC UA clients, or raise the server's limit of sessions; a session that "
            "was cut off is free again after about a minute.",
            "请关闭其他 OPC UA 客户端或提高服务器的会话上限；中断的会话约一分钟后自动释放。",
        ),
    )


def nonsense(url: str, what: str) -> Desync:
    return Desync(
        "opcua-not-understood",
        Text(f"The answer of {url} makes no sense: {what}.", f"无法理解 {url} 的应答：{what}。"),
        Text(
            "Check that an OPC UA server listens there; if it does, report this message.",
            "请确认该端口上是 OPC UA 服务器；如果是，请反馈此信息。",
        ),
    )
