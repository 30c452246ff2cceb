"""What the source says of itself, read where it stands: sentences below fields, errors raised.

Nothing is imported that need not be, and nothing is written twice: a setting's sentence is the
string below its field, an error's is the Text it is raised with.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from textwrap import dedent

_CODE = re.compile(r"(?:\{code\}|[a-z][a-z0-9]*)(?:-[a-z0-9]+)*")
Names = dict[str, list[ast.Assign]]
SOURCE = Path(__file__).parents[1] / "src" / "lianji"


@cache
def sentences(model: type) -> dict[str, str]:
    """The string below each field of a class, bases included, as one line of plain text."""
    said: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if cls.__module__.startswith("lianji."):
            said |= _sentences_of(ast.parse(dedent(inspect.getsource(cls))).body[0])
    return said


def _sentences_of(tree: ast.stmt) -> dict[str, str]:
    assert isinstance(tree, ast.ClassDef)
    said = {}
    for before, after in zip(tree.body, tree.body[1:], strict=False):
        name = _field_name(before)
        if name and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            said[name] = one_line(str(after.value.value))
    return said


def _field_name(statement: ast.stmt) -> str:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return ""


def one_line(text: str) -> str:
    """Docstring text as one line of Markdown: ``x`` becomes `x`."""
    return " ".join(text.replace("``", "`").split())


@dataclass(slots=True)
class Told:
    """An error as users meet it. Several places may raise it with words of their own."""

    code: str
    kind: str
    causes: list[str] = field(default_factory=list)
    remedies: list[str] = field(default_factory=list)


def errors() -> list[Told]:
    """Every error that the source can raise, by code."""
    trees = [ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))]
    makers = _makers(trees, _kinds(trees))
    found: dict[str, Told] = {}
    for tree in trees:
        for told in _told_in(tree, makers):
            one = found.setdefault(told.code, Told(told.code, told.kind))
            one.causes += [text for text in told.causes if text not in one.causes]
            one.remedies += [text for text in told.remedies if text not in one.remedies]
    return [found[code] for code in sorted(found)]


def _kinds(trees: list[ast.Module]) -> set[str]:
    """LianjiError and all that descend from it, by name."""
    kinds = {"LianjiError"}
    while True:
        more = {
            node.name
            for tree in trees
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef) and {_name(base) for base in node.bases} & kinds
        }
        if more <= kinds:
            return kinds
        kinds |= more


@dataclass(frozen=True, slots=True)
class _Maker:
    """What makes an error of this kind: a class, or a function that is told the code."""

    kind: str
    place: int
    """Of its arguments, the code."""
    prefix: str = ""
    said: tuple[list[str], list[str]] = ([], [])
    """Cause and remedy, where the function has them and not its caller."""


def _makers(trees: list[ast.Module], kinds: set[str]) -> dict[str, _Maker]:
    makers = {kind: _Maker(kind, 0) for kind in kinds}
    makers["_Meaning"] = _Maker("Refused", 0)
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and _name(node.returns) in kinds:
                names = [argument.arg for argument in node.args.args]
                if "code" in names:
                    prefix = "import-" if node.name == "refuse" else ""
                    place, said = names.index("code"), _said_by(node, kinds)
                    makers[node.name] = _Maker(_name(node.returns), place, prefix, said)
    return makers


def _said_by(function: ast.FunctionDef, kinds: set[str]) -> tuple[list[str], list[str]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and _name(node.func) in kinds:
            return _sentences_given(node.args[1:], {}, node.lineno)
    return [], []


def _told_in(tree: ast.Module, makers: dict[str, _Maker]) -> Iterator[Told]:
    """The errors that one file makes; names of Texts are looked up in function, then file."""
    module = _assigned(tree.body)
    inside: set[ast.AST] = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            body = [node for node in ast.walk(function) if isinstance(node, ast.stmt)]
            inside.update(ast.walk(function))
            yield from _told(ast.walk(function), module | _assigned(body), makers)
    yield from _told((n for n in ast.walk(tree) if n not in inside), module, makers)


def _assigned(body: Sequence[ast.stmt]) -> dict[str, list[ast.Assign]]:
    found: dict[str, list[ast.Assign]] = {}
    for node in body:
        if isinstance(node, ast.Assign):
            found.setdefault(_field_name(node), []).append(node)
    return found


def _told(nodes: Iterable[ast.AST], names: Names, makers: dict[str, _Maker]) -> Iterator[Told]:
    for node in nodes:
        if not isinstance(node, ast.Call) or _name(node.func) not in makers:
            continue
        maker = makers[_name(node.func)]
        code = node.args[maker.place] if len(node.args) > maker.place else None
        if not isinstance(code, ast.Constant | ast.JoinedStr) or not _CODE.fullmatch(_words(code)):
            continue
        cause, remedy = _sentences_given(node.args[maker.place + 1 :], names, node.lineno)
        name = maker.prefix + _words(code).replace("{code}", "tag-table")
        yield Told(name, maker.kind, cause or maker.said[0], remedy or maker.said[1])


def _sentences_given(
    given: Sequence[ast.expr], names: Names, line: int
) -> tuple[list[str], list[str]]:
    """English cause and remedy, of two Texts or of four strings (en, zh, en, zh)."""
    if len(given) >= 3 or any(isinstance(node, ast.Constant | ast.JoinedStr) for node in given):
        given = given[::2]
    said = []
    for node in given:
        if isinstance(node, ast.Name):
            given_as = names.get(node.id, [])
            before = [one for one in given_as if one.lineno < line] or given_as
            node = before[-1].value if before else node
        if isinstance(node, ast.Call) and _name(node.func) == "Text":
            node = node.args[0]
        said.append(_words(node))
    cause, remedy, *_ = [*said, "", ""]
    return [cause] if cause.strip(" .") else [], [remedy] if remedy else []


def _name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _words(node: ast.expr) -> str:
    """A string as users see it, what is filled in shown by its name."""
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return f"{{{_filled(node.value)}}}"
    if isinstance(node, ast.BinOp):
        return _words(node.left) + _words(node.right)
    return ""


def _filled(node: ast.expr) -> str:
    while isinstance(node, ast.Call | ast.Subscript | ast.BinOp):
        inner = node.func if isinstance(node, ast.Call) else node
        if isinstance(node, ast.Call) and node.args:
            node = node.args[0]
        elif isinstance(inner, ast.Subscript):
            node = inner.value
        elif isinstance(inner, ast.BinOp):
            node = inner.left
        else:
            node = inner
    name = _name(node).strip("_") or "..."
    return "why" if name in ("en", "words", "reason", "strerror") else name
