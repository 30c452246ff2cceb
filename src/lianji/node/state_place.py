"""Where the state of a plant is: the SQLite file in its folder, or where ``state.url`` says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lianji.base.errors import InputError, Text
from lianji.base.redaction import redacted
from lianji.node.settings import StateSettings, load_settings
from lianji.node.state_copy import restore_state

if TYPE_CHECKING:
    from lianji.base.state import State

_ENV = "env:"


def open_state(root: Path, at_once: bool = True) -> State:
    """The state of a plant's folder. Raises NotFound, InputError, StorageError.

    Where it is not ``at_once``, a server that cannot be reached yet is no error: a plant reads its
    machines meanwhile. (SQLAlchemy is loaded only here.)
    """
    from lianji.base.state import State, url_of

    elsewhere = _given(load_settings(root).state)
    if elsewhere:
        return State(elsewhere, at_once)
    restore_state(root / "data")
    return State(url_of(root))


def state_elsewhere(root: Path) -> str:
    """Where the state is if not in the folder, as one may show it; else empty.

    Raises NotFound, InputError.
    """
    return redacted(load_settings(root).state.url.get_secret_value())


def _given(settings: StateSettings) -> str:
    """Raises InputError if the variable that is named is not set."""
    url = settings.url.get_secret_value()
    if not url.startswith(_ENV):
        return url
    name = url.removeprefix(_ENV)
    if not os.environ.get(name):
        raise InputError(
            "state-url-missing",
            Text(f"The environment variable {name} is not set.", f"环境变量 {name} 未设置。"),
            Text(
                "Set it where Lianji is started: it holds the URL of the state database.",
                "请在启动联机的环境中设置该变量：其中应为状态库的 URL。",
            ),
        )
    return os.environ[name]
