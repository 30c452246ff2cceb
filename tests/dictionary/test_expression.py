"""An expression means what Python means by it, refuses what is no arithmetic, and never raises."""

from __future__ import annotations

import math
import operator
import warnings
from collections.abc import Callable, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lianji.dictionary.expression import Expression, parse
from lianji.dictionary.expression_order import STEPS_MAX, Untangled, untangled
from lianji.dictionary.expression_words import ExpressionError
from lianji.dictionary.quality import BAD_BIT, Quality
from lianji.node.configuration import load_tags
from lianji.node.folder import PlantFolder

TAGS = ("p/a", "p/b", "p/c")
Known = tuple[float | None, int]
Row = tuple[Known, ...]


def evaluated(text: str, rows: Sequence[Row]) -> list[Known]:
    """The expression over rows of (value, quality) of p/a, p/b and p/c; None for no value."""
    expression = parse(text)
    places = [TAGS.index(tag) for tag in expression.tags]
    values = [np.array([row[place][0] for row in rows], np.float64) for place in places]
    qualities = [np.array([row[place][1] for row in rows], np.uint16) for place in places]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, quality = expression.evaluate(values, qualities)
    assert value.dtype == np.float64 and quality.dtype == np.uint16
    assert len(value) == len(quality) == len(rows)
    pairs = zip(value.tolist(), quality.tolist(), strict=True)
    return [(None if math.isnan(number) else number, code) for number, code in pairs]


def value_of(text: str, *numbers: float) -> float | None:
    given_ = [(number, 0) for number in numbers] + [(0.0, 0)] * (3 - len(numbers))
    return evaluated(text, [tuple(given_)])[0][0]


# -- random trees against plain Python, one row at a time ----------------------------------------

Tree = tuple[Any, ...]
NUMBERS = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, -3.25, 7.0, 1e-300, 1e308, -1e308])
LEAVES = st.one_of(
    st.sampled_from(TAGS).map(lambda tag: ("tag", tag)),
    NUMBERS.map(lambda number: ("number", abs(number))),
    st.sampled_from(TAGS).map(lambda tag: ("isgood", ("tag", tag))),
)
INFIX: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
CALLS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "sqrt": math.sqrt,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "sign": lambda x: (x > 0) - (x < 0),
    "clip": lambda x, low, high: min(max(x, low), high),
    "min": lambda *x: min(x),
    "max": lambda *x: max(x),
    "sum": lambda *x: reduce(operator.add, x),
    "mean": lambda *x: reduce(operator.add, x) / len(x),
}
COUNTS = {"clip": (3, 3), "min": (1, 3), "max": (1, 3), "sum": (1, 3), "mean": (1, 3)}


def named(name: str, parts: list[Tree]) -> Tree:
    return (name, *parts)


def larger(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    calls = [
        st.lists(inner, min_size=fewest, max_size=most).map(partial(named, name))
        for name in CALLS
        for fewest, most in [COUNTS.get(name, (1, 1))]
    ]
    chains = st.tuples(
        st.just("compare"), inner, st.sampled_from(["<", ">="]), inner,
        st.sampled_from(["<=", "!="]), inner,
    )  # fmt: skip
    return st.one_of(
        st.tuples(st.sampled_from(sorted(INFIX)), inner, inner),
        st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        st.tuples(st.sampled_from(["not", "-"]), inner),
        st.tuples(st.just("if"), inner, inner, inner),
        st.lists(inner, min_size=1, max_size=3).map(partial(named, "coalesce")),
        chains,
        *calls,
    )


TREES = st.recursive(LEAVES, larger, max_leaves=12)
QUALITIES = st.sampled_from(
    [0, 0, 0, Quality.GOOD_LOCAL_OVERRIDE, Quality.UNCERTAIN, Quality.BAD, Quality.BAD_TIMEOUT]
)
ROWS = st.lists(
    st.tuples(*[st.tuples(st.one_of(NUMBERS, st.none()), QUALITIES) for _ in TAGS]),
    min_size=0,
    max_size=5,
)


def text_of(tree: Tree) -> str:
    name, *parts = tree
    if name == "tag":
        return f"'{parts[0]}'"
    if name == "number":
        return repr(parts[0])
    said = [part if isinstance(part, str) else text_of(part) for part in parts]
    if name == "compare":
        return f"({' '.join(said)})"
    if name == "if":
        return f"({said[1]} if {said[0]} else {said[2]})"
    if name in ("not", "-") and len(said) == 1:
        return f"({name} {said[0]})"
    if name in INFIX or name in ("and", "or"):
        return f"({said[0]} {name} {said[1]})"
    return f"{name}({', '.join(said)})"


def plain(tree: Tree, row: Row) -> Known:
    """The same tree worked out in the plainest way."""
    name, *parts = tree
    if name == "number":
        return parts[0], 0
    if name == "tag":
        value, quality = row[TAGS.index(parts[0])]
        bad = quality & BAD_BIT
        return (value, quality) if value is not None and not bad else (None, no_data(quality))
    if name == "isgood":
        return float(plain(parts[0], row)[1] < Quality.UNCERTAIN), 0
    if name == "compare":
        first, one, second, other, third = parts
        return plain(("and", (one, first, second), (other, second, third)), row)
    if name == "coalesce":
        known = [plain(part, row) for part in parts]
        return next((one for one in known if one[0] is not None), known[-1])
    if name in ("and", "or", "if"):
        return plain_choice(name, parts, row)
    known = [plain(part, row) for part in parts]
    worst = max(quality for _, quality in known)
    if worst & BAD_BIT:
        return None, worst
    return plain_number(name, [value for value, _ in known], worst)


def no_data(quality: int) -> int:
    return quality if quality & BAD_BIT else Quality.BAD_NO_DATA


def plain_choice(name: str, parts: list[Tree], row: Row) -> Known:
    value, quality = plain(parts[0], row)
    if value is None:
        return None, quality
    if name == "if":
        chosen = plain(parts[1] if value else parts[2], row)
    elif bool(value) == (name == "and"):
        chosen = plain(parts[1], row)
    else:
        chosen = (value, quality)
    return chosen[0], max(quality, chosen[1])


def plain_number(name: str, values: list[Any], quality: int) -> Known:
    unary: dict[str, Callable[[Any], Any]] = {"not": operator.not_, "-": operator.neg}
    function: Any = CALLS.get(name) or (unary if len(values) == 1 else INFIX)[name]
    try:
        number = float(function(*values))
    except (ZeroDivisionError, ValueError, OverflowError):
        number = math.nan
    return (number, quality) if math.isfinite(number) else (None, Quality.BAD_OUT_OF_RANGE)


@given(TREES, ROWS)
def test_an_expression_is_what_plain_python_makes_of_each_row(tree: Tree, rows: list[Row]) -> None:
    text = f"coalesce({text_of(tree)}, 'p/a', 'p/b', 'p/c')"
    whole = ("coalesce", tree, *[("tag", tag) for tag in TAGS])
    assume(len(text) <= 1500)
    assert evaluated(text, rows) == [plain(whole, row) for row in rows]
    only = f"{text_of(tree)} if 1 else 'p/a'"
    assert evaluated(only, rows) == [plain(tree, row) for row in rows]


INFIXES = ["+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", "==", "!=", "and", "or"]
FLAT = st.lists(
    st.tuples(
        st.sampled_from(INFIXES),
        st.sampled_from(["", "-", "+", "not "]),
        st.sampled_from(["a", "b", "2.0", "3.5", ".5", "1e1", "True"]),
    ),
    min_size=1,
    max_size=8,
)


@given(FLAT, st.integers(1, 9), st.integers(1, 9))
def test_precedence_and_chains_are_pythons(
    words: list[tuple[str, str, str]], a: int, b: int
) -> None:
    flat = "a"
    for infix, sign, word in words:
        flat += f" {infix} {sign if infix in ('and', 'or') else sign.strip('not ')}{word}"
    try:
        expected = float(eval(flat, {"a": float(a), "b": float(b)}))
    except (ArithmeticError, TypeError):  # Python's complex roots included
        assume(False)
    found = value_of(" ".join(spelling(word) for word in flat.split()), float(a), float(b))
    assume(found is not None or abs(expected) < 1e100)
    if found is None:  # an overflow on the way, where Python goes on with infinity
        assume("**" not in flat)
    assert found == pytest.approx(expected, rel=1e-12)


def spelling(word: str) -> str:
    bare = word.lstrip("+-")
    return word[: len(word) - len(bare)] + {"a": "'p/a'", "b": '"p/b"'}.get(bare, bare)


@pytest.mark.parametrize(
    ("text", "a", "expected"),
    [
        ("exp('p/a')", 1.5, math.exp(1.5)),
        ("log('p/a')", 1.5, math.log(1.5)),
        ("log10('p/a')", 1000, 3),
        ("sin('p/a')", 1.5, math.sin(1.5)),
        ("cos('p/a')", 1.5, math.cos(1.5)),
        ("tan('p/a')", 1.5, math.tan(1.5)),
        ("pow('p/a', 0.5)", 9, 3),
        ("'p/a' ** -1", 4, 0.25),
        ("sin(pi * 'p/a') + log(e)", 0.5, 2),
        ("round('p/a')", 2.5, 2),
        ("round('p/a', 1)", -1.26, -1.3),
        ("round('p/a', -2)", 12345, 12300),
        ("round('p/a', 15)", 1e300, 1e300),
        ("clip('p/a', 0, 100)", 120, 100),
        ("True + ('p/a' > 1)", 2, 2),
        ("0 < 'p/a' < 10 and 7", 5, 7),
        ("'p/a' if 'p/a' > 0 else 0", -5, 0),
    ],
)
def test_functions_are_what_their_names_say(text: str, a: float, expected: float) -> None:
    assert value_of(text, a) == pytest.approx(expected)


# -- no value, and why --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1 / 'p/a'", "1 // 'p/a'", "1 % 'p/a'", "'p/a' / 'p/a'", "log('p/a')", "log10('p/a')",
        "sqrt('p/a' - 1)", "('p/a' - 8) ** 0.5", "'p/a' ** -1", "exp(1000 + 'p/a')",
        "9 ** 9 ** 9 + 'p/a'", "1e308 * 10 - 1e308 * 10 + 'p/a'", "tan('p/a' / 0)",
        "round(1 / 'p/a', 2)", "max(1, 1 / 'p/a')", "not 1 / 'p/a'", "(1 / 'p/a') ** 0",
        "1 / 'p/a' < 5", "sign(1 / 'p/a')",
    ],
)  # fmt: skip
def test_what_no_number_stands_for_is_no_value_and_out_of_range(text: str) -> None:
    assert evaluated(text, [((0.0, 0),) * 3]) == [(None, Quality.BAD_OUT_OF_RANGE)]


def test_a_bad_input_gives_no_value_and_its_own_quality() -> None:
    row: Row = ((1.0, 0), (2.0, Quality.BAD_SENSOR_FAILURE), (3.0, Quality.UNCERTAIN))
    assert evaluated("'p/a' + 'p/b'", [row]) == [(None, Quality.BAD_SENSOR_FAILURE)]
    assert evaluated("'p/a' + 'p/c'", [row]) == [(4.0, Quality.UNCERTAIN)]
    assert evaluated("mean('p/a', 'p/b')", [row]) == [(None, Quality.BAD_SENSOR_FAILURE)]


def test_an_input_that_is_good_and_has_no_number_is_no_data() -> None:
    row: Row = ((None, 0), (1.0, 0), (1.0, 0))
    assert evaluated("'p/a' * 0 + 'p/b'", [row]) == [(None, Quality.BAD_NO_DATA)]
    assert evaluated("isgood('p/a')", [row]) == [(0.0, 0)]


def test_only_what_was_used_counts_for_the_quality() -> None:
    row: Row = ((1.0, 0), (2.0, Quality.BAD), (3.0, Quality.UNCERTAIN))
    for text in (
        "'p/a' if isgood('p/a') else 'p/b'",
        "coalesce('p/b', 'p/a')",
        "isgood('p/b') or 'p/a'",
        "not (isgood('p/b') and 'p/b' > 0)",
        "1 + ('p/a' < 0 < 'p/b')",
    ):
        assert evaluated(text, [row]) == [(1.0, 0)], text
    assert evaluated("'p/c' if 'p/a' else 'p/b'", [row]) == [(3.0, Quality.UNCERTAIN)]
    assert evaluated("isgood('p/c')", [row]) == [(0.0, 0)]


def test_columns_may_be_empty_and_are_not_changed() -> None:
    assert evaluated("'p/a' + 1", []) == []
    value, quality = np.array([np.nan, 1.0]), np.array([0, 0x8000], np.uint16)
    parse("-'p/a'").evaluate([value], [quality])
    assert quality.tolist() == [0, 0x8000] and value[1] == 1.0


# -- what is refused ----------------------------------------------------------------------------


def refusal(text: str) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.text.en and caught.value.text.zh
    return caught.value


@pytest.mark.timeout(5)
@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('id')", "().__class__", "'a'.real", "'a'[0]", "[1, 'a']", "{'a'}",
        "{'a': 1}", "lambda: 'a'", "(x := 'a')", "f'{1}'", "f'a'", "b'a'", "r'a'", "u'a'",
        "'''a'''", "'a' 'b'", "'a\\x41'", "'a\\", "'a' if", "[x for x in 'a']", "*'a'", "max(*'a')",
        "max(**'a')", "max(x='a')", "('a', 'b')", "'a',", "'a'; 'b'", "'a'\n+ 1", "'a' # b",
        "await 'a'", "yield", "import os", "'a' is 1", "1 in 'a'", "'a' @ 1", "'a' << 9", "~'a'",
        "'a' & 1", "'a' | 1", "'a' ^ 1", "!'a'", "'a' = 1", "1j * 'a'", "0x1f + 'a'", "1_0 + 'a'",
        "1.2.3 + 'a'", "007 + 'a'", "...", "None or 'a'", "abs", "abs + 'a'", "pi('a')", "'a'('b')",
        "1('a')", "abs('a')('b')", "isgood(1)", "isgood('a' + 'b')", "round('a', 'b')",
        "round('a', 1.5)", "round('a', 99)", "round('a', True)", "clip('a', 1)", "max()", "sqrt()",
        "exec('a')", "eval('a')", "open('a')", "ａｂｓ('a')", "ᵃbs('a')", "\u202e'a'", "'a'\u200b",
        "'a'\xa0+ 1", "\x00", "'\x00'", "'\ud800'", "\ufeff'a'", "“a”", "'a' ＋ 1", "", "  ", "''",
        "1 + 1", "9 ** 9 ** 9", "1e999 * 'a'", "9" * 400 + " * 'a'", "'a", "a'", "('a'", "'a')",
        "(" * 200 + "'a'" + ")" * 200, "-" * 1900 + "'a'", "- " * 200 + "'a'", "not " * 300 + "'a'",
        "abs(" * 60 + "'a'" + ")" * 60, "1 if " * 150 + "'a'", "'a'" + "**2" * 120,
        "'a' if 1 else " * 60 + "1", "'a'" + "+1" * 500, "'" + "a" * 5000 + "'", "x" * 1999,
        "+".join(f"'t{n}'" for n in range(65)), "(" * 1999, "'a' < " * 300 + "1", "," * 1000,
        "1if 1else 'a'", "e'a'", "%" * 1999, "'a' and " * 300, "max(" + "1," * 100 + "'a')",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_on_tags_is_refused(text: str) -> None:
    refusal(text)


@pytest.mark.timeout(20)
@given(
    st.text(
        st.sampled_from("'\"ab/1.0e9+-*%<>=!(),[]{}:;@\\ \tifnotandorelse\u202e（。"), max_size=60
    )
)
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            expression = parse(text)
        except ExpressionError as error:
            assert error.place is None or 1 <= error.place <= max(1, len(text.strip()))
        else:
            value = np.array([0.0, -1.0, 1e308])
            columns = [value for _ in expression.tags]
            expression.evaluate(columns, [np.zeros(3, np.uint16)] * len(columns))


@pytest.mark.parametrize(
    ("text", "place", "en", "zh"),
    [
        ("'温度' * foo('b')", 8, "there is no 'foo'", "没有“foo”"),
        ("'温度' + Max('b', 1)", 8, "did you mean max?", "是否为 max"),
        ("a/b' + 'c/d'", 1, "write double quotes", "双引号"),
        ("'a' = 1", 5, "write ==", "请写作 =="),
        ("'a' ＋ 1", 5, "write +", "请写作 +"),
        ("'温' + ('b'", 7, "'(' is never closed", "没有配对"),
        ("'温' + clip('b')", 7, "clip() takes 3 values", "3 个参数"),
        ("'温' + round('b', 0.5)", 18, "whole number", "整数"),
        ("'a' 'b'", 5, "operator is missing", "缺少运算符"),
        ("'a' + ", 5, "something is missing", "缺少"),
        ("'a' + (1, 2)", 7, "one value", "一个值"),
        ("1 + 1", None, "names no tag", "没有引用任何标签"),
    ],
)
def test_a_refusal_says_what_and_where(text: str, place: int | None, en: str, zh: str) -> None:
    error = refusal(text)
    assert error.place == place
    assert en in error.text.en and zh in error.text.zh
    if place:
        assert f"character {place}" in str(error)


def test_an_expression_knows_its_tags_in_order_of_first_use() -> None:
    expression = parse("  'x/b' + \"x/a\" * 'x/b' if isgood('厂/泵 1') else 0 ")
    assert expression.tags == ("厂/泵 1", "x/b", "x/a")
    assert expression.text == "'x/b' + \"x/a\" * 'x/b' if isgood('厂/泵 1') else 0"


def test_a_sum_of_as_many_tags_as_are_allowed_is_not_called_deep() -> None:
    expression = parse(" + ".join(f"'t/{n}'" for n in range(64)))
    value, quality = expression.evaluate([np.ones(1)] * 64, [np.zeros(1, np.uint16)] * 64)
    assert (value.tolist(), quality.tolist()) == ([64.0], [0])


# -- calculated tags that use one another -------------------------------------------------------


def sorted_out(**texts: str) -> Untangled:
    return untangled({path: parse(text) for path, text in texts.items()}, {"m", "n"}.__contains__)


def test_calculated_tags_come_down_to_measured_ones() -> None:
    found = sorted_out(c="'b' / 'n'", b="'a' * 'a' if isgood('a') else 0", a="'m' + 'n'")
    assert found.refused == {}
    assert list(found.sound) == ["a", "b", "c"]
    whole: Expression = found.sound["c"]
    assert whole.tags == ("m", "n")
    value, quality = whole.evaluate([np.array([1.0])] * 2, [np.zeros(1, np.uint16)] * 2)
    assert (value.tolist(), quality.tolist()) == ([4.0], [0])


def test_an_unknown_tag_refuses_its_own_expression_and_those_that_use_it() -> None:
    found = sorted_out(a="'m' + 'gone/x'", b="'a' + 1", c="'m' + 1")
    assert set(found.sound) == {"c"}
    assert "'gone/x'" in found.refused["a"].en and "“gone/x”" in found.refused["a"].zh
    assert "names 'a'" in found.refused["b"].en


def test_a_circle_is_named_and_costs_only_those_in_it_and_behind_it() -> None:
    found = sorted_out(a="'b' + 1", b="'c' + 'm'", c="'a'", self="'self'", d="'m' + 'a'", e="'m'")
    assert set(found.sound) == {"e"}
    assert "a -> b -> c -> a" in found.refused["a"].en
    assert "b -> c -> a -> b" in found.refused["b"].zh
    assert "self -> self" in found.refused["self"].en
    assert "names 'a'" in found.refused["d"].en


def test_long_chains_and_doublings_end_quickly_and_are_bounded() -> None:
    chain = {f"t{n}": parse(f"'t{n - 1}' + 1" if n else "'m'") for n in range(STEPS_MAX)}
    found = untangled(chain, {"m"}.__contains__)
    assert len(found.sound) + len(found.refused) == len(chain)
    assert all(len(one.steps) <= STEPS_MAX for one in found.sound.values())
    doubling = {f"t{n}": parse(f"'t{n - 1}' + 't{n - 1}'" if n else "'m'") for n in range(500)}
    refused = untangled(doubling, {"m"}.__contains__).refused
    assert f"more than {STEPS_MAX} steps" in refused["t11"].en
    assert "names 't11'" in refused["t12"].en
    circle = {f"t{n}": parse(f"'t{(n + 1) % 2000}'") for n in range(2000)}
    assert "..." in untangled(circle, {"m"}.__contains__).refused["t5"].en


def test_a_plant_takes_the_sound_calculated_tags_and_names_the_rows_of_the_others(
    tmp_path: Path,
) -> None:
    (tmp_path / "tags").mkdir()
    (tmp_path / "lianji.toml").write_text('[site]\nname = "p"\n')
    (tmp_path / "tags" / "a.csv").write_text(
        "path,expression\np/m,\np/sum,'p/m' + 'p/later'\np/lost,'p/m' + 'p/gone'\n"
        "p/one,'p/two'\np/two,'p/one'\np/odd,os.system('p/m')\n"
    )
    (tmp_path / "tags" / "b.csv").write_text("path,expression\np/later,2 * 'p/m'\n")
    found = load_tags(PlantFolder(tmp_path))
    assert set(found.tags) == {"p/m", "p/sum", "p/later"}
    assert found.calculated["p/sum"].tags == ("p/m",)
    causes = [problem.cause.en for problem in found.problems]
    assert [problem.code for problem in found.problems] == ["tag-row-invalid"] * 4
    for place, path, reason in (
        ("line 7", "p/odd", "no 'os'"),
        ("line 4", "p/lost", "'p/gone'"),
        ("line 5", "p/one", "p/one -> p/two -> p/one"),
        ("line 6", "p/two", "circle"),
    ):
        assert any(f"a.csv, {place}: {path}: " in one and reason in one for one in causes), causes
    assert any("循环引用" in problem.cause.zh for problem in found.problems)
