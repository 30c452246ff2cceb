"""A load of HTTP bodies that costs its sender next to nothing: bodies made beforehand, and raw
sockets that send them whole and read no more of an answer than its head.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from queue import Empty, SimpleQueue

_SENDING_S_MAX = 120.0


def post_all(port: int, path: str, bodies: Sequence[bytes], connections: int) -> float:
    """Seconds to POST every body over so many connections, each its next once it is answered.

    Raises RuntimeError for an answer that is not a yes.
    """
    waiting: SimpleQueue[bytes] = SimpleQueue()
    for body in bodies:
        waiting.put(body)
    wrong: list[str] = []
    senders = [
        threading.Thread(target=_send, args=(port, path, waiting, wrong))
        for _ in range(connections)
    ]
    started = time.perf_counter()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    elapsed = time.perf_counter() - started
    if wrong:
        raise RuntimeError(f"POST {path}: {wrong[0]}")
    return elapsed


def _send(port: int, path: str, waiting: SimpleQueue[bytes], wrong: list[str]) -> None:
    with socket.create_connection(("127.0.0.1", port), _SENDING_S_MAX) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while not wrong:
            try:
                body = waiting.get_nowait()
            except Empty:
                return
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            link.sendall(head.encode())
            link.sendall(body)
            answer = _answer(link)
            if not answer.startswith((b"HTTP/1.1 204", b"HTTP/1.1 200")):
                wrong.append(answer[:500].decode(errors="replace"))


def _answer(link: socket.socket) -> bytes:
    """The head of an answer; a yes has no body."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        part = link.recv(65536)
        if not part:
            return answer + b" (the server closed the connection)"
        answer += part
    return answer
