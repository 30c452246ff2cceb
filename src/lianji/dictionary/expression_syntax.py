"""From the text of an expression to the steps that compute it.

Python's own parser reads it, so precedence and chains are Python's; every kind of node that is not
named here is refused. The steps stand in the order of computing, operands first, so that nothing
recurses afterwards, however the expression is nested.
"""

from __future__ import annotations

import ast
import math
from typing import NamedTuple, NoReturn

from lianji.dictionary.expression_words import (
    CONSTANTS,
    DEPTH_MAX,
    FUNCTIONS,
    MANY,
    TAGS_MAX,
    ExpressionError,
    check_words,
    too_deep,
)

NUMBER, TAG = "number", "tag"
DIGITS_MAX = 15
_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.And: "and", ast.Or: "or", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">",
    ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=", ast.Not: "not", ast.USub: "negative",
}  # fmt: skip


class Step(NamedTuple):
    """One thing to do: push a number, push a tag by its place, or compute from what was pushed."""

    operation: str
    operands: int = 0
    number: float = 0.0


def steps_of(text: str) -> tuple[tuple[str, ...], tuple[Step, ...]]:
    """The tags in order of first use, and the steps. Raises ExpressionError."""
    if not text:
        raise ExpressionError("it is empty", "内容为空")
    check_words(text)
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise ExpressionError(
            "something is missing here, or stands in the wrong place",
            "此处缺少内容，或内容位置不对",
            error.offset or len(text),
        ) from None
    except (RecursionError, MemoryError, ValueError):
        raise ExpressionError("it is nested too deep", "嵌套过深") from None
    reader = _Reader(text)
    reader.read(tree.body, 1)
    if not reader.tags:
        raise ExpressionError(
            "it names no tag, so there is no moment at which it has a value",
            "没有引用任何标签，因此没有取值时刻",
        )
    return tuple(reader.tags), tuple(reader.steps)


class _Reader:
    """Walks the tree once; what it has read so far is in ``tags`` and ``steps``."""

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()
        self.tags: dict[str, int] = {}
        self.steps: list[Step] = []

    def read(self, node: ast.expr, depth: int) -> None:
        if depth > DEPTH_MAX:
            raise too_deep(self._place(node))
        match node:
            case ast.Constant(value=str() as path):
                self._tag(node, path)
            case ast.Constant(value=bool() | int() | float() as number):
                self._number(node, number)
            case ast.Name(id=name) if name in CONSTANTS:
                self._do(NUMBER, 0, CONSTANTS[name])
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                self.read(operand, depth + 1)
            case ast.UnaryOp(op=operator, operand=operand) if type(operator) in _OPERATORS:
                self._all([operand], depth)
                self._do(_OPERATORS[type(operator)], 1)
            case ast.BinOp():
                self._binary(node, depth)
            case ast.BoolOp(op=operator, values=values):
                self._all(values, depth)
                self._do(_OPERATORS[type(operator)], len(values))
            case ast.Compare(left=left, ops=operators, comparators=others):
                self._compare(node, [left, *others], operators, depth)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self._all([test, body, orelse], depth)
                self._do("if", 3)
            case ast.Call(func=ast.Name(id=name), args=values, keywords=[]) if name in FUNCTIONS:
                self._call(node, name, values, depth)
            case _:
                self._refuse(node)

    def _do(self, operation: str, operands: int, number: float = 0.0) -> None:
        self.steps.append(Step(operation, operands, number))

    def _all(self, nodes: list[ast.expr], depth: int) -> None:
        for node in nodes:
            self.read(node, depth + 1)

    def _tag(self, node: ast.expr, path: str) -> None:
        if not path:
            raise ExpressionError("a tag's name is empty", "标签名为空", self._place(node))
        place = self.tags.setdefault(path, len(self.tags))
        if place >= TAGS_MAX:
            raise ExpressionError(
                f"it names more than {TAGS_MAX} tags",
                f"引用的标签超过 {TAGS_MAX} 个",
                self._place(node),
            )
        self._do(TAG, 0, place)

    def _number(self, node: ast.expr, number: float) -> None:
        try:
            finite = float(number)
        except OverflowError:
            finite = math.inf
        if not math.isfinite(finite):
            raise ExpressionError("this number is too large", "该数字过大", self._place(node))
        self._do(NUMBER, 0, finite)

    def _binary(self, node: ast.BinOp, depth: int) -> None:
        """``a + b + c`` leans to the left as far as it is long, which is not depth."""
        chain = [node]
        while isinstance(chain[-1].left, ast.BinOp):
            chain.append(chain[-1].left)
        self.read(chain[-1].left, depth + 1)
        for link in reversed(chain):
            if type(link.op) not in _OPERATORS:
                self._refuse(link)
            self.read(link.right, depth + 1)
            self._do(_OPERATORS[type(link.op)], 2)

    def _compare(
        self, node: ast.expr, values: list[ast.expr], operators: list[ast.cmpop], depth: int
    ) -> None:
        if not all(type(operator) in _OPERATORS for operator in operators):
            self._refuse(node)
        self._all(values, depth)
        self._do(" ".join(_OPERATORS[type(operator)] for operator in operators), len(values))

    def _call(self, node: ast.expr, name: str, values: list[ast.expr], depth: int) -> None:
        fewest, most = FUNCTIONS[name]
        if not fewest <= len(values) <= most:
            raise self._wrong_count(node, name)
        if name == "isgood" and not _is_tag(values[0]):
            raise ExpressionError(
                "isgood() takes one tag in quotes",
                "isgood() 的参数须为引号内的一个标签",
                self._place(values[0]),
            )
        if name == "round" and len(values) == 2 and not _is_digits(values[1]):
            raise ExpressionError(
                f"the digits of round() are a whole number, -{DIGITS_MAX} to {DIGITS_MAX}",
                f"round() 的位数须为 -{DIGITS_MAX} 到 {DIGITS_MAX} 的整数",
                self._place(values[1]),
            )
        self._all(values, depth)
        self._do(name, len(values))

    def _wrong_count(self, node: ast.expr, name: str) -> ExpressionError:
        fewest, most = FUNCTIONS[name]
        wanted = f"{fewest}" if most == fewest else f"{fewest} to {most}"
        thing = "value" if most == 1 else "values"
        if most == MANY:
            return ExpressionError(
                f"{name}() takes 1 to {MANY} values",
                f"{name}() 需要 1 到 {MANY} 个参数",
                self._place(node),
            )
        return ExpressionError(
            f"{name}() takes {wanted} {thing}",
            f"{name}() 需要 {wanted.replace(' to ', ' 到 ')} 个参数",
            self._place(node),
        )

    def _refuse(self, node: ast.expr) -> NoReturn:
        if isinstance(node, ast.Name):
            raise ExpressionError(
                f"{node.id} is a function: write {node.id}(...)",
                f"{node.id} 是函数：请写作 {node.id}(...)",
                self._place(node),
            )
        if isinstance(node, ast.Tuple):
            raise ExpressionError(
                "one value is expected here, not several",
                "此处应为一个值，而不是多个",
                self._place(node),
            )
        if isinstance(node, ast.Call):
            raise ExpressionError(
                "only a function can be followed by '('", "只有函数后面可以跟“(”", self._place(node)
            )
        raise ExpressionError("this is not allowed here", "此处不允许这样写", self._place(node))

    def _place(self, node: ast.expr) -> int:
        """In characters from 1; the parser counts bytes of UTF-8."""
        return len(self._bytes[: node.col_offset].decode()) + 1


def _is_tag(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_digits(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int and node.value <= DIGITS_MAX
