"""Patterns of tag paths with names for their parts: ``shop/{area}/press/{signal}``.

``{name}`` stands for what one part holds there (no ``/``), ``{name*}`` for any number of parts.
What a pattern caught goes into another: ``shop/{area}/press1/{signal}``.
"""

from __future__ import annotations

import re

from lianji.base.errors import InputError, Text

_CAPTURE = re.compile(r"\{(\w+)(\*?)\}")


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression of whole paths. Raises InputError for a bad one."""
    parts: list[str] = []
    seen: set[str] = set()
    end = 0
    for found in _CAPTURE.finditer(pattern):
        name, many = found.groups()
        if name in seen or name[0].isdigit():
            raise _wrong(
                pattern, f"{{{name}}} is not a name, or stands twice", f"{{{name}}} 无效或重复"
            )
        seen.add(name)
        parts.append(re.escape(pattern[end : found.start()]))
        parts.append(f"(?P<{name}>{'.+' if many else '[^/]+'})")
        end = found.end()
    rest = pattern[end:]
    parts.append(re.escape(rest))
    return re.compile("".join(parts))


def filled(template: str, captured: dict[str, str]) -> str:
    """The template with what was captured. Raises InputError for a name that was not."""

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name not in captured:
            raise _wrong(template, f"nothing was captured as {{{name}}}", f"没有捕获 {{{name}}}")
        return captured[name]

    return _CAPTURE.sub(value, template)


def _wrong(pattern: str, en: str, zh: str) -> InputError:
    return InputError(
        "path-pattern-invalid",
        Text(f"The pattern '{pattern}' is wrong: {en}.", f"模式“{pattern}”有误：{zh}。"),
        Text(
            "Write it as shop/{area}/press/{signal}, each name once.",
            "请写成 shop/{area}/press/{signal}，每个名称只出现一次。",
        ),
    )
