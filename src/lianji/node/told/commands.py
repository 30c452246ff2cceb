"""What a hub may bid a plant do: a short list, none of which touches a machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lianji.base.errors import InputError, Text
from lianji.node.told.contents import arguments_of
from lianji.relay.messages.inbox import Work

Do = Callable[[], dict[str, Any]]


class Commands:
    """A registry: names, and what they do. Their results are shown at the hub."""

    def __init__(self, known: Mapping[str, Do]) -> None:
        self._known = known

    def apply(self, work: Work) -> dict[str, Any]:
        """Raises InputError for a command that is not known, or arguments that it has not."""
        name, arguments = work.envelope.name, arguments_of(work.content.read_bytes())
        do = self._known.get(name)
        if do is None:
            raise _unknown(name, self._known)
        if arguments:
            raise _no_arguments(name, sorted(arguments))
        return do()


def _unknown(name: str, known: Mapping[str, Do]) -> InputError:
    listed = ", ".join(known)
    return InputError(
        "command-unknown",
        Text(f"This edge has no command {name!a}.", f"边缘端没有命令 {name!a}。"),
        Text(f"It has: {listed}.", f"可用命令：{listed}。"),
    )


def _no_arguments(name: str, given: list[str]) -> InputError:
    listed = ", ".join(given)[:200]
    return InputError(
        "command-arguments",
        Text(f"{name} takes no {listed}.", f"{name} 不接受参数 {listed}。"),
        Text("Send it without.", "请去掉参数后重新发送。"),
    )
