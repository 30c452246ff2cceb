"""The words of an expression, looked at before anything tries to understand them.

Only these pass: numbers, tags in quotes, the names below, operators, brackets and commas. So what
the parser sees holds no attribute, no subscript, no assignment, no escape and no foreign character,
and is bounded in length and depth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches

from lianji.base.errors import Text

LENGTH_MAX = 2_000
WORDS_MAX = 500
"""Numbers, tags, names and operators."""
DEPTH_MAX = 50
TAGS_MAX = 64

MANY = TAGS_MAX
FUNCTIONS: dict[str, tuple[int, int]] = {
    "abs": (1, 1),
    "ceil": (1, 1),
    "clip": (3, 3),
    "coalesce": (1, MANY),
    "cos": (1, 1),
    "exp": (1, 1),
    "floor": (1, 1),
    "isgood": (1, 1),
    "log": (1, 1),
    "log10": (1, 1),
    "max": (1, MANY),
    "mean": (1, MANY),
    "min": (1, MANY),
    "pow": (2, 2),
    "round": (1, 2),
    "sign": (1, 1),
    "sin": (1, 1),
    "sqrt": (1, 1),
    "sum": (1, MANY),
    "tan": (1, 1),
}
"""Each function with the fewest and the most values that it takes."""
CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045}
_KEYWORDS = ("and", "or", "not", "if", "else", "True", "False")
_NAMES = frozenset((*FUNCTIONS, *CONSTANTS, *_KEYWORDS))
_WORD = re.compile(
    r"(?P<space>[ \t]+)|(?P<tag>'[^'\\\x00-\x1f\ud800-\udfff]*'|\"[^\"\\\x00-\x1f\ud800-\udfff]*\")"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)(?![\w.])"
    r"|(?P<name>[^\W\d]\w*)|(?P<operator>\*\*|//|[<>=!]=|[-+*/%<>])|(?P<bracket>[(),])"
)
_MEANT = {
    "=": "==", "^": "**", "&": "and", "|": "or", "!": "not", "×": "*", "÷": "/", "−": "-", "–": "-",
    "≥": ">=", "≤": "<=", "≠": "!=", "（": "(", "）": ")", "，": ",", "、": ",", "“": '"', "”": '"',
    "‘": '"', "’": '"', "＋": "+", "－": "-", "＊": "*", "／": "/", "＞": ">", "＜": "<", "％": "%",
}  # fmt: skip


class ExpressionError(ValueError):
    """An expression that is refused; ``text`` says why, ``place`` at which character (from 1)."""

    def __init__(self, en: str, zh: str, place: int | None = None) -> None:
        where = "" if place is None else f", character {place}"
        where_zh = "" if place is None else f"第 {place} 个字符"
        self.text = Text(f"expression{where}: {en}", f"表达式（expression）{where_zh}：{zh}")
        self.place = place
        super().__init__(self.text.en)


def check_words(text: str) -> None:
    """Raises ExpressionError for the first word that no expression may hold."""
    if len(text) > LENGTH_MAX:
        raise ExpressionError(
            f"it is longer than {LENGTH_MAX} characters", f"超过 {LENGTH_MAX} 个字符"
        )
    count, before = 0, ""
    for kind, word, place in _words(text):
        count += kind != "bracket"
        if count > WORDS_MAX:
            raise ExpressionError(
                f"it holds more than {WORDS_MAX} numbers, tags, names and operators",
                f"数字、标签、名称和运算符合计超过 {WORDS_MAX} 个",
                place,
            )
        if kind == "name" and word not in _NAMES:
            raise _unknown_name(word, place, text)
        if kind == before == "tag":
            raise ExpressionError(
                f"between the tag {word} and the one before it an operator is missing",
                f"标签 {word} 与前一个标签之间缺少运算符",
                place,
            )
        before = kind
    _check_brackets(text)


def _words(text: str) -> Iterator[tuple[str, str, int]]:
    """Kind, word and place of every word but the spaces."""
    place = 0
    while place < len(text):
        found = _WORD.match(text, place)
        if found is None:
            raise _foreign(text, place)
        if found.lastgroup != "space":
            yield str(found.lastgroup), found[0], place + 1
        place = found.end()


def _foreign(text: str, place: int) -> ExpressionError:
    character = text[place]
    if character in "'\"":
        return _unclosed(text, place)
    if character.isdecimal() or character == ".":
        end = place + 1
        while end < min(len(text), place + 20) and (text[end].isalnum() or text[end] in "._"):
            end += 1
        shown = text[place:end]
        return ExpressionError(f"'{shown}' is not a number", f"“{shown}”不是数字", place + 1)
    shown = character if character.isprintable() else f"U+{ord(character):04X}"
    meant = _MEANT.get(character)
    return ExpressionError(
        f"'{shown}' has no place here" + (f": write {meant}" if meant else ""),
        f"此处不能使用“{shown}”" + (f"：请写作 {meant}" if meant else ""),
        place + 1,
    )


def _unclosed(text: str, place: int) -> ExpressionError:
    """A quote that does not close, which is mostly a spreadsheet's doing."""
    if text.find(text[place], place + 1) >= 0:
        return ExpressionError(
            "a tag's name holds no backslash, line break or control character",
            "标签名中不能有反斜杠、换行符或控制字符",
            place + 1,
        )
    return ExpressionError(
        "the quote that opens here is never closed", "此处的引号没有配对", place + 1
    )


def _unknown_name(word: str, place: int, text: str) -> ExpressionError:
    shown = word if len(word) <= 40 else word[:40] + "..."
    near = get_close_matches(shown.lower(), _NAMES, 1, 0.7) if len(shown) > 2 else []
    if near:
        en, zh = f"did you mean {near[0]}?", f"是否为 {near[0]}？"
    elif text.count("'") % 2:
        en = "a spreadsheet takes away the apostrophe that begins a cell: write double quotes"
        zh = "表格软件会去掉单元格开头的单引号：请改用双引号"
    else:
        en, zh = "a tag is written in quotes", "标签须写在引号内"
    return ExpressionError(
        f"there is no '{shown}' in expressions ({en})", f"表达式中没有“{shown}”（{zh}）", place
    )


def _check_brackets(text: str) -> None:
    opened: list[int] = []
    for kind, word, place in _words(text):
        if kind != "bracket" or word == ",":
            continue
        if word == "(":
            opened.append(place)
            if len(opened) > DEPTH_MAX:
                raise too_deep(place)
        elif opened:
            opened.pop()
        else:
            raise ExpressionError("this ')' closes nothing", "此处的“)”没有配对", place)
    if opened:
        raise ExpressionError("this '(' is never closed", "此处的“(”没有配对", opened[-1])


def too_deep(place: int) -> ExpressionError:
    return ExpressionError(
        f"it is nested more than {DEPTH_MAX} deep", f"嵌套超过 {DEPTH_MAX} 层", place
    )
