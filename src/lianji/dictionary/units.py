"""Units are UCUM codes, so that a computer can convert them and no two plants spell them apart.

UCUM, the Unified Code for Units of Measure, case-sensitive variant. The grammar (its sections
5 to 12 and the formal grammar of its appendix)::

    main      = "/" term | term
    term      = component { ("." | "/") component }
    component = unit [exponent] [annotation] | annotation | digits | "(" term ")"
    exponent  = ["+" | "-"] digits
    annotation = "{" printable ASCII without braces "}"

What is decided here beyond the standard:

* The empty unit is allowed and means dimensionless, the same as ``1``.
* ``pH`` and ``ft`` are refused though they are UCUM for picohenry and femtotonne: nobody in a
  plant has ever meant those.
* UCUM has no var. Reactive power is ``kV.A{reactive}``: the var is the volt ampere (IEC 80000-6,
  6-60) and ``kW`` stays for what is paid as active power. Rotation is ``/min`` or ``{rpm}``.
"""

from __future__ import annotations

import re
from functools import lru_cache

from lianji.base.errors import Text
from lianji.dictionary.unit_advice import FALSE_FRIENDS, likely
from lianji.dictionary.unit_atoms import is_simple_unit

UNIT_LENGTH_MAX = 64
_TOKEN = re.compile(
    r"(?P<operator>[./])|(?P<open>\()|(?P<close>\))|(?P<annotation>\{[!-z|~]*\})"
    r"|(?P<unit>10[*^]|(?:[A-Za-z_'%]|\[[^\[\]\s]*\])+)(?P<exponent>[+-]?\d+)?"
    r"|(?P<digits>\d+)"
)


class UnitError(ValueError):
    """A unit that is not UCUM; ``text`` says so in both languages and names what is meant."""

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


def check_unit(unit: str) -> str:
    """The unit itself if it is a UCUM code (or empty). Raises UnitError, which is a ValueError."""
    problem = _problem(unit)
    if problem is not None:
        raise UnitError(problem)
    return unit


def nearest_unit(unit: str) -> str:
    """The UCUM code of what another program wrote: the code itself, the one that is meant, or the
    text as an annotation; empty where it cannot be even that."""
    plain = unit.strip()
    if not plain or _problem(plain) is None:
        return plain
    if plain in FALSE_FRIENDS:
        return FALSE_FRIENDS[plain][0]
    wanted = [choice for choice in likely(plain, _is_ucum) if _is_ucum(choice)]
    annotated = f"{{{plain.replace(' ', '_')}}}"
    return wanted[0] if wanted else (annotated if _is_ucum(annotated) else "")


@lru_cache(maxsize=4096)
def _problem(unit: str) -> Text | None:
    if not unit or (unit not in FALSE_FRIENDS and _is_ucum(unit)):
        return None
    shown = unit if len(unit) <= UNIT_LENGTH_MAX else unit[:UNIT_LENGTH_MAX] + "..."
    en, zh = f"'{shown}' is not a UCUM unit", f"“{shown}”不是 UCUM 单位"
    if unit in FALSE_FRIENDS:
        meant, name_en, name_zh = FALSE_FRIENDS[unit]
        return Text(
            f"'{unit}' means {name_en} in UCUM: write '{meant}' for what is usually meant",
            f"“{unit}”在 UCUM 中表示{name_zh}：通常应写作“{meant}”",
        )
    wanted = [choice for choice in likely(unit, _is_ucum) if _is_ucum(choice)]
    if wanted:
        en += ": write " + " or ".join(f"'{choice}'" for choice in wanted)
        zh += "：请写作" + "或".join(f"“{choice}”" for choice in wanted)
    else:
        en += " (see ucum.org; what UCUM has no code for goes into braces, such as '{pieces}')"
        zh += "（见 ucum.org；UCUM 没有的单位写在花括号内，例如“{pieces}”）"
    return Text(en, zh)


def _is_ucum(unit: str) -> bool:
    if len(unit) > UNIT_LENGTH_MAX:
        return False
    tokens: list[re.Match[str]] = []
    place = 0
    while place < len(unit):
        token = _TOKEN.match(unit, place)
        if token is None:
            return False
        tokens.append(token)
        place = token.end()
    return _Parser(tokens).accepts()


class _Parser:
    """Recursive descent over the tokens; the length limit bounds the depth."""

    def __init__(self, tokens: list[re.Match[str]]) -> None:
        self.tokens = tokens
        self.place = 0

    def accepts(self) -> bool:
        self._take("operator", "/")
        return self._term() and self.place == len(self.tokens)

    def _term(self) -> bool:
        while self._component():
            if self._take("operator") is None:
                return True
        return False

    def _component(self) -> bool:
        if self._take("open") is not None:
            return self._term() and self._take("close") is not None
        if self._take("digits") is not None or self._take("annotation") is not None:
            return True
        unit = self._take("unit")
        if unit is None or not is_simple_unit(unit["unit"]):
            return False
        self._take("annotation")
        return True

    def _take(self, kind: str, text: str | None = None) -> re.Match[str] | None:
        if self.place == len(self.tokens):
            return None
        token = self.tokens[self.place]
        if token[kind] is None or (text is not None and token[0] != text):
            return None
        self.place += 1
        return token
