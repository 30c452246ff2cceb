"""What the command line says, in the language of the terminal, and where it says it."""

from __future__ import annotations

import os
import sys
from functools import cache
from typing import TYPE_CHECKING

from lianji.base.errors import Language, LianjiError, Text

if TYPE_CHECKING:
    from rich.console import Console


@cache
def stderr() -> Console:
    """For what is coloured or moves. (rich is loaded only here: a running plant needs none.)"""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def language() -> Language:
    """Chinese where ``LIANJI_LANG``, ``LC_ALL``, ``LC_MESSAGES`` or ``LANG`` says so."""
    for name in ("LIANJI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def t(en: str, zh: str) -> str:
    """One of two sentences."""
    return zh if language() == "zh" else en


def tell(en: str, zh: str) -> None:
    """A message, not data: it goes to standard error."""
    print(t(en, zh), file=sys.stderr)


def complain(error: LianjiError) -> None:
    """What happened, what to do next, and the code to search for."""
    cause, remedy = (_in_language(part) for part in (error.cause, error.remedy))
    console = stderr()
    console.print(f"[red]{t('Error: ', '错误：')}[/]", end="")
    console.print(f"{cause}", markup=False)
    console.print(f"{remedy}  [{error.code}]", markup=False, style="dim" if _colour() else None)


def _in_language(text: Text) -> str:
    return text.in_language(language())


def _colour() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ
