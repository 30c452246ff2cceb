"""What each field of a device is called and what it means, in English and Chinese, for forms.

A field of a driver that is not here is told by a test; see ``connect.forms``.
"""

from __future__ import annotations

from lianji.base.errors import Text

Words = tuple[Text, Text]
"""Name and sentence."""


def _words(en: str, zh: str, says_en: str, says_zh: str) -> Words:
    return Text(en, zh), Text(says_en, says_zh)


PROTOCOLS: dict[str, Words] = {
    "modbus": _words(
        "Modbus",
        "Modbus",
        "PLCs, meters, drives: over TCP or a serial line.",
        "PLC、电表、变频器：TCP 或串口。",
    ),
    "opcua": _words(
        "OPC UA",
        "OPC UA",
        "Machines and controllers with an OPC UA server.",
        "带 OPC UA 服务器的机器和控制器。",
    ),
    "mqtt": _words(
        "MQTT",
        "MQTT",
        "Gateways and sensors that publish to a broker; also Sparkplug B.",
        "向消息代理发布数据的网关和传感器，支持 Sparkplug B。",
    ),
}

COMMON: dict[str, Words] = {
    "enabled": _words(
        "In use",
        "启用",
        "Off leaves the machine alone and keeps its file.",
        "关闭后不再读取该设备，但保留其文件。",
    ),
    "description": _words(
        "Description",
        "说明",
        "What the machine is, for people.",
        "设备说明，仅供查看。",
    ),
    "interval_ms": _words(
        "Read every (ms)",
        "采集周期（毫秒）",
        "How often a tag is read that does not say so itself.",
        "标签未单独指定时的采集周期。",
    ),
    "timeout_ms": _words(
        "Time-out (ms)",
        "超时（毫秒）",
        "An answer that takes longer counts as none.",
        "超过此时间的应答视为无应答。",
    ),
    "pause_ms": _words(
        "Pause (ms)",
        "请求间隔（毫秒）",
        "Rest between two requests, for devices that cannot follow.",
        "两次请求之间的停顿，用于响应较慢的设备。",
    ),
    "heartbeat_s": _words(
        "Heartbeat (s)",
        "心跳（秒）",
        "An unchanged value is sent again after this time, so that silence means trouble.",
        "数值不变时隔此时间再记录一次，因此没有数据就意味着故障。",
    ),
}

_LOGIN: dict[str, Words] = {
    "password": _words(
        "Password",
        "密码",
        "Of the user; better kept in an environment variable.",
        "用户密码；建议改用环境变量保存。",
    ),
    "password_env": _words(
        "Password variable",
        "密码环境变量",
        "The environment variable that holds the password, so that no file does.",
        "保存密码的环境变量名，这样密码不写入文件。",
    ),
}

MODBUS: dict[str, Words] = {
    "host": _words(
        "Address",
        "地址",
        "Name or IP address of a device or gateway that speaks Modbus/TCP.",
        "Modbus/TCP 设备或网关的名称或 IP 地址。",
    ),
    "port": _words("Port", "端口", "Its TCP port, usually 502.", "TCP 端口，通常为 502。"),
    "serial": _words(
        "Serial port",
        "串口",
        "Instead of an address: the port of a serial line, such as /dev/ttyUSB0.",
        "代替地址：串口名，如 /dev/ttyUSB0。",
    ),
    "baudrate": _words(
        "Baud rate", "波特率", "Bits a second of the serial line.", "串口每秒位数。"
    ),
    "parity": _words(
        "Parity",
        "校验",
        "Of the serial line: N none, E even, O odd.",
        "串口校验：N 无，E 偶，O 奇。",
    ),
    "stopbits": _words("Stop bits", "停止位", "Of the serial line.", "串口停止位。"),
    "unit_id": _words(
        "Unit id",
        "站号",
        "The unit of addresses that name none (5!40001 names 5).",
        "地址未写明时使用的站号（5!40001 表示站号 5）。",
    ),
    "word_order": _words(
        "Byte order",
        "字节序",
        "The byte order of numbers whose type names none (float32@CDAB names CDAB).",
        "类型未写明时数值的字节序（float32@CDAB 表示 CDAB）。",
    ),
    "in_flight": _words(
        "Requests at once",
        "并发请求数",
        "Requests on the way at the same time; a serial line always has one.",
        "同时发出的请求数；串口始终为 1。",
    ),
    "max_registers": _words(
        "Registers a request",
        "每次寄存器数",
        "Most registers in one request.",
        "一次请求最多读取的寄存器数。",
    ),
    "max_gap": _words(
        "Largest gap",
        "最大空隙",
        "Most unused registers that are read along to save a request.",
        "为减少请求而顺带读取的无用寄存器的最大数量。",
    ),
}

MQTT: dict[str, Words] = _LOGIN | {
    "host": _words(
        "Broker", "消息代理", "Name or IP address of the broker.", "消息代理的名称或 IP 地址。"
    ),
    "port": _words(
        "Port",
        "端口",
        "Its TCP port, usually 1883; with TLS usually 8883.",
        "TCP 端口，通常为 1883；使用 TLS 时通常为 8883。",
    ),
    "username": _words("User", "用户名", "Empty: without a login.", "留空表示不登录。"),
    "tls": _words(
        "TLS",
        "TLS 加密",
        "Encrypts the connection and checks who the broker is.",
        "加密连接并验证消息代理身份。",
    ),
    "ca": _words(
        "Authorities",
        "CA 证书",
        "A PEM file of the authorities to trust; empty trusts those of the operating system.",
        "受信任的 CA 证书（PEM 文件）；留空则使用系统证书。",
    ),
    "certificate": _words(
        "Our certificate",
        "客户端证书",
        "A PEM file, where the broker asks for one.",
        "消息代理要求时使用的 PEM 文件。",
    ),
    "key": _words(
        "Its key",
        "证书私钥",
        "A PEM file of the certificate's key; both or neither.",
        "证书对应的私钥（PEM 文件），两者须同时填写。",
    ),
    "client_id": _words(
        "Client id",
        "客户端标识",
        "Empty means a new random one each time.",
        "留空则每次随机生成。",
    ),
    "keepalive_s": _words(
        "Keep-alive (s)",
        "保活（秒）",
        "The broker hears from us at least this often.",
        "至少每隔此时间与消息代理通信一次。",
    ),
    "qos": _words(
        "Quality of service",
        "服务质量",
        "Of the subscriptions: 0 at most once, 1 at least once, 2 exactly once.",
        "订阅的服务质量：0 至多一次，1 至少一次，2 恰好一次。",
    ),
    "clean_start": _words(
        "Clean start",
        "全新会话",
        "Off lets the broker keep what comes while we are away; it needs a client id. With quality "
        "of service 1 each message is then acknowledged only when it is on disk.",
        "关闭后，离线期间的消息由消息代理保留；需要固定的客户端标识。"
        "服务质量为 1 时，消息落盘后才确认。",
    ),
    "subscriptions": _words(
        "Subscriptions",
        "订阅主题",
        "Topics, with + and # if wanted, one a line; empty means exactly the tags' topics.",
        "主题，可含 + 和 #，每行一个；留空则只订阅标签的主题。",
    ),
    "time_path": _words(
        "Time in the payload",
        "时间字段",
        "Where a JSON payload says its time, such as ts; empty means the time of arrival.",
        "JSON 中的时间字段，如 ts；留空则使用到达时间。",
    ),
    "time_zone": _words(
        "Time zone",
        "时区",
        "The zone of times in payloads that name none, such as Asia/Shanghai.",
        "消息中的时间未注明时区时采用的时区，如 Asia/Shanghai。",
    ),
    "rebirth": _words(
        "Ask for births",
        "请求重新上线",
        "Whether Sparkplug nodes may be asked for their birth certificates (a command to them).",
        "是否允许向 Sparkplug 节点请求上线消息（这是发给节点的命令）。",
    ),
    "rebirth_interval_s": _words(
        "Ask again after (s)",
        "再次请求间隔（秒）",
        "A Sparkplug node is asked again no sooner than this.",
        "对同一 Sparkplug 节点再次请求的最短间隔。",
    ),
    "browse_s": _words(
        "Listen for (s)", "浏览时长（秒）", "How long browsing listens.", "浏览时监听的时间。"
    ),
}

OPCUA: dict[str, Words] = _LOGIN | {
    "url": _words(
        "Address",
        "地址",
        "Such as opc.tcp://192.168.0.10:4840.",
        "如 opc.tcp://192.168.0.10:4840。",
    ),
    "security": _words(
        "Security policy", "安全策略", "The server must offer it.", "服务器必须支持该策略。"
    ),
    "security_mode": _words(
        "Security mode",
        "安全模式",
        "With a policy: sign and encrypt, or only sign.",
        "选择安全策略时：签名并加密，或仅签名。",
    ),
    "username": _words("User", "用户名", "Empty: anonymous.", "留空表示匿名。"),
    "certificate": _words(
        "Our certificate",
        "客户端证书",
        "Our own application certificate (PEM or DER); empty: one is made.",
        "本机应用证书（PEM 或 DER）；留空则自动生成。",
    ),
    "private_key": _words(
        "Its key",
        "证书私钥",
        "The key of our certificate; both or neither.",
        "证书对应的私钥，两者须同时填写。",
    ),
    "server_certificate": _words(
        "Server's certificate",
        "服务器证书",
        "The only one that the server may show; empty: the first one seen is kept and demanded.",
        "服务器唯一可用的证书；留空则记住首次见到的证书并一直要求它。",
    ),
    "certificates": _words(
        "Certificates' folder",
        "证书目录",
        "Where own and first-seen certificates are kept.",
        "本机证书和首次见到的证书的存放目录。",
    ),
    "publishing_ms": _words(
        "Publish every (ms)",
        "发布周期（毫秒）",
        "How often the server sends what has changed.",
        "服务器发送变化数据的周期。",
    ),
    "sampling_ms": _words(
        "Sample every (ms)",
        "采样周期（毫秒）",
        "How often the server looks for changes; 0: as fast as it can.",
        "服务器检查变化的周期；0 表示尽可能快。",
    ),
    "queue_size": _words(
        "Queue",
        "队列长度",
        "Changes of one node that the server keeps between two sendings.",
        "两次发送之间服务器为每个节点保留的变化数。",
    ),
    "watchdog_s": _words(
        "Watchdog (s)",
        "看门狗（秒）",
        "The server's state is read this often, and must be answered within this time.",
        "按此周期读取服务器状态，并须在此时间内应答。",
    ),
    "retry_s": _words(
        "Retry nodes after (s)",
        "节点重试间隔（秒）",
        "Nodes that do not exist are asked for again after this time.",
        "不存在的节点在此时间后重新请求。",
    ),
    "max_nodes_per_read": _words(
        "Nodes a call",
        "每次节点数",
        "So many nodes are asked for in one call.",
        "一次调用请求的节点数。",
    ),
}

FIELDS: dict[str, dict[str, Words]] = {
    "modbus": COMMON | MODBUS,
    "mqtt": COMMON | MQTT,
    "opcua": COMMON | OPCUA,
}
FIRST: dict[str, tuple[str, ...]] = {
    "modbus": ("host", "port", "unit_id", "word_order", "interval_ms"),
    "opcua": ("url", "security", "username", "password"),
    "mqtt": ("host", "port", "username", "password", "tls", "subscriptions"),
}
"""The fields that most machines need; a form shows the others on demand."""
