"""Where the demo's servers listen: on loopback only, whatever happens."""

from __future__ import annotations

import socket

from lianji.base.errors import LinkDown, Text

HOST = "127.0.0.1"


def free_port() -> int:
    """A port that was free a moment ago, for servers that cannot take port 0."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def port_taken(protocol: str, port: int) -> LinkDown:
    return LinkDown(
        "demo-port-taken",
        Text(
            f"Port {port} is taken, so the demo cannot speak {protocol} on it.",
            f"端口 {port} 已被占用，演示设备无法用它提供 {protocol}。",
        ),
        Text("Give another port, or 0 for any free one.", "请换一个端口，或填 0 自动选择。"),
    )
