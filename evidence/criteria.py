"""Parses and evaluates the catalogue's criteria: comparisons over `<kind>.<metric>` and `p.<param>`, never with `eval`.

A value may be one of three nulls, and none of them reads as good (docs/adr/0501-null-never-reads-as-good.md):
UNKNOWN (nothing was measured: a comparison with it is neither true nor false), NEVER (an age of something that never
happened: no limit is met, every comparison is false) and VACUOUS (a ratio whose denominator was measured as 0: there
was nothing that could break the criterion, a comparison is true). Truth is Kleene's: unknown and false is false,
unknown or true is true.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import product


class Null(Enum):
    """The three ways in which a metric has no number."""

    UNKNOWN = "unknown"
    NEVER = "never"
    VACUOUS = "vacuous"


Value = float | Null
Truth = bool | None
Lookup = Callable[[str, str], Value]

_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class CriterionError(ValueError):
    """Says in a sentence what a criterion holds that it may not hold."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked expression with the metrics and parameters that it names, in order of first use."""

    text: str
    tree: ast.expr
    names: tuple[tuple[str, str], ...]

    @property
    def metrics(self) -> tuple[tuple[str, str], ...]:
        """Return the (kind, metric) pairs it names, parameters left out."""
        return tuple(name for name in self.names if name[0] != "p")


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """Parse one criterion; raises CriterionError for anything but comparisons, and/or/not and + - * /."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise CriterionError(f"The criterion {text!r} cannot be read: {error}.") from None
    names: dict[tuple[str, str], None] = {}
    _check_truth(tree, text, names)
    return Expression(text=text, tree=tree, names=tuple(names))


def truth(expression: Expression, lookup: Lookup) -> Truth:
    """Evaluate to True, False or None (unknown); `lookup(kind, name)` gives each metric or parameter."""
    return _truth(expression.tree, lookup)


def can_be_true(expression: Expression, unknown: Collection[tuple[str, str]]) -> bool:
    """Tell whether it can come out true while some metrics are unknown and all others are as good as need be."""
    return True in _attainable(expression.tree, unknown)


def _attainable(node: ast.expr, unknown: Collection[tuple[str, str]]) -> set[Truth]:
    """Return every truth that a checked truth node can have."""
    if isinstance(node, ast.UnaryOp):
        return {None if inner is None else not inner for inner in _attainable(node.operand, unknown)}
    if isinstance(node, ast.BoolOp):
        first, *others = (_attainable(value, unknown) for value in node.values)
        for more in others:
            first = {_combined(node, pair) for pair in product(first, more)}
        return first
    found: dict[tuple[str, str], None] = {}
    _check_truth(node, "", found)
    return {True, False} if found.keys().isdisjoint(unknown) else {None}


def _check_truth(node: ast.expr, text: str, names: dict[tuple[str, str], None]) -> None:
    """Refuse a node that is not a truth: and, or, not, or one comparison chain."""
    match node:
        case ast.BoolOp(values=values):
            for value in values:
                _check_truth(value, text, names)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _check_truth(operand, text, names)
        case ast.Compare(left=left, ops=ops, comparators=comparators) if all(type(op) in _COMPARE for op in ops):
            for value in (left, *comparators):
                _check_number(value, text, names)
        case _:
            raise CriterionError(f"The criterion {text!r} holds {ast.unparse(node)!r}, which is no comparison.")


def _check_number(node: ast.expr, text: str, names: dict[tuple[str, str], None]) -> None:
    """Refuse a node that is not a number: a constant, a dotted name, or + - * / of those."""
    match node:
        case ast.Constant(value=bool()):
            raise CriterionError(f"The criterion {text!r} holds {node.value!r}, which is no number.")
        case ast.Constant(value=int() | float()):
            return
        case ast.Attribute(value=ast.Name(id=kind), attr=name):
            names[kind, name] = None
        case ast.BinOp(op=ast.Div(), right=ast.Constant(value=0 | 0.0)):
            raise CriterionError(f"The criterion {text!r} divides by zero in {ast.unparse(node)!r}.")
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            _check_number(left, text, names)
            _check_number(right, text, names)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            _check_number(operand, text, names)
        case _:
            raise CriterionError(f"The criterion {text!r} holds {ast.unparse(node)!r}, which is no number.")


def _truth(node: ast.expr, lookup: Lookup) -> Truth:
    """Evaluate a checked truth node by Kleene's rules."""
    if isinstance(node, ast.BoolOp):
        return _combined(node, [_truth(value, lookup) for value in node.values])
    if isinstance(node, ast.UnaryOp):
        inner = _truth(node.operand, lookup)
        return None if inner is None else not inner
    if not isinstance(node, ast.Compare):
        raise CriterionError(f"{ast.unparse(node)!r} was not checked before it was evaluated.")
    return _compare(node, lookup)


def _combined(node: ast.BoolOp, values: Sequence[Truth]) -> Truth:
    """Combine the truths under an `and` or `or`."""
    decisive = isinstance(node.op, ast.Or)
    if decisive in values:
        return decisive
    return None if None in values else not decisive


def _compare(node: ast.Compare, lookup: Lookup) -> Truth:
    """Evaluate a comparison chain; a null on either side decides as the module's docstring says."""
    operands = [_number(value, lookup) for value in (node.left, *node.comparators)]
    for null, answer in ((Null.UNKNOWN, None), (Null.NEVER, False), (Null.VACUOUS, True)):
        if null in operands:
            return answer
    numbers = [value for value in operands if not isinstance(value, Null)]
    pairs = zip(node.ops, numbers[:-1], numbers[1:], strict=True)
    return all(_COMPARE[type(op)](left, right) for op, left, right in pairs)


def _number(node: ast.expr, lookup: Lookup) -> Value:
    """Evaluate a checked number node; a null operand makes the result null, a division by zero too."""
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.Attribute(value=ast.Name(id=kind), attr=name):
            return lookup(kind, name)
        case ast.UnaryOp(operand=operand):
            inner = _number(operand, lookup)
            return inner if isinstance(inner, Null) else -inner
        case ast.BinOp(left=left, op=op, right=right):
            return _arithmetic(type(op), _number(left, lookup), _number(right, lookup))
    raise CriterionError(f"{ast.unparse(node)!r} was not checked before it was evaluated.")


def _arithmetic(op: type[ast.operator], left: Value, right: Value) -> Value:
    """Combine two values; 0/0 is vacuous, anything else over 0 is unknown."""
    for null in (Null.UNKNOWN, Null.NEVER, Null.VACUOUS):
        if null in (left, right):
            return null
    if isinstance(left, Null) or isinstance(right, Null):
        return Null.UNKNOWN
    if op is ast.Div and right == 0:
        return Null.VACUOUS if left == 0 else Null.UNKNOWN
    return _ARITHMETIC[op](left, right)
