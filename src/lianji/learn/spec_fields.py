"""Fields that the specifications of data sets and trainings share."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from lianji.base.errors import LianjiError, Text
from lianji.dictionary.moments import parse_span


class SpecError(ValueError):
    """A field that makes no sense; ``text`` says why in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.text = Text(en, zh)


def checked_span(value: object) -> object:
    """A span of time such as ``1h``, kept as it was written. Raises SpecError."""
    if isinstance(value, str):
        try:
            parse_span(value)
        except LianjiError as error:
            raise SpecError(error.cause.en, error.cause.zh) from error
    return value


Span = Annotated[str, BeforeValidator(checked_span)]
