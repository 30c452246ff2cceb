"""What is wrong with the fields of a configuration, in plain English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from lianji.base.errors import Text

_WORDS: dict[str, tuple[str, str]] = {
    "missing": ("the field {field} is missing", "缺少字段 {field}"),
    "extra_forbidden": ("there is no field {field}", "没有名为 {field} 的字段"),
    "greater_than": (
        "{field} is {input} and must be more than {gt}",
        "{field} 为 {input}，应大于 {gt}",
    ),
    "greater_than_equal": (
        "{field} is {input} and must be at least {ge}",
        "{field} 为 {input}，不得小于 {ge}",
    ),
    "less_than": (
        "{field} is {input} and must be less than {lt}",
        "{field} 为 {input}，应小于 {lt}",
    ),
    "less_than_equal": (
        "{field} is {input} and must be at most {le}",
        "{field} 为 {input}，不得大于 {le}",
    ),
    "literal_error": (
        "{field} is {input} and must be {expected}",
        "{field} 为 {input}，应为 {expected}",
    ),
    "enum": ("{field} is {input} and must be {expected}", "{field} 为 {input}，应为 {expected}"),
    "int_type": ("{field} is {input} and must be a whole number", "{field} 为 {input}，应为整数"),
    "int_parsing": (
        "{field} is {input} and must be a whole number",
        "{field} 为 {input}，应为整数",
    ),
    "float_type": ("{field} is {input} and must be a number", "{field} 为 {input}，应为数字"),
    "float_parsing": ("{field} is {input} and must be a number", "{field} 为 {input}，应为数字"),
    "bool_parsing": (
        "{field} is {input} and must be true or false",
        "{field} 为 {input}，应为 true 或 false",
    ),
    "string_type": ("{field} is {input} and must be text", "{field} 为 {input}，应为文本"),
}


def in_words(error: ValidationError) -> Text:
    """Every wrong field in one sentence; secrets are never repeated."""
    found = [_one(dict(details)) for details in error.errors(include_url=False)]
    return Text("; ".join(en for en, _ in found), "；".join(zh for _, zh in found))


def _one(details: Mapping[str, Any]) -> tuple[str, str]:
    name = ".".join(str(part) for part in details["loc"])
    secret = any(word in name for word in ("pass", "secret", "token"))
    shown = "***" if secret else repr(details.get("input"))[:60]
    words = _WORDS.get(details["type"])
    said = getattr(details.get("ctx", {}).get("error"), "text", None)
    if isinstance(said, Text):  # a check of ours that speaks both languages
        return (f"{name}: {said.en}", f"{name}：{said.zh}") if name else (said.en, said.zh)
    if words is None:
        message = str(details["msg"]).removeprefix("Value error, ")
        return (f"{name}: {message}", f"{name}：{message}") if name else (message, message)
    filled = {"field": name, "input": shown, **details.get("ctx", {})}
    return words[0].format(**filled), words[1].format(**filled)
