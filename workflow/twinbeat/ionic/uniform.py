"""Equations as they are for a thread: what is the same for all cells and steps is taken out, and few divisions left.

Whole powers are products, also where the exponent is written as 3.0. Quotients are products with a reciprocal, which a
compiler then evaluates once for all that have the same denominator.
"""

from collections.abc import Mapping, Set

import sympy
from sympy.printing.codeprinter import CodePrinter


class reciprocal(sympy.Function):
    """1/x."""

    def _ccode(self, printer: CodePrinter) -> str:
        return f"reciprocal({printer._print(self.args[0])})"


class Uniform:
    """``values`` are expressions of symbols that are the same for all cells and steps, with their place in an array.

    ``symbols`` are those symbols; ``entries`` what the entries of the table stand for, some of which are such, too.
    """

    def __init__(self, symbols: Set[sympy.Symbol], entries: Mapping[sympy.Symbol, sympy.Expr]) -> None:
        self.symbols, self.entries = symbols, entries
        self.values: dict[sympy.Expr, int] = {}

    def fold(self, expression: sympy.Basic) -> sympy.Basic:
        """The expression with its largest uniform parts replaced by elements of the array."""
        expression = self.entries.get(expression, expression) if self.uniform(expression) else expression
        if not expression.free_symbols:
            return expression
        if self.uniform(expression):
            return self.element(expression)
        if isinstance(expression, sympy.Add | sympy.Mul):
            alike = expression.func(*(part for part in expression.args if self.uniform(part)))
            varied = [self.fold(part) for part in expression.args if not self.uniform(part)]
            return expression.func(self.element(alike) if alike.free_symbols else alike, *varied)
        if isinstance(expression, sympy.Pow) and expression.exp.is_number and float(expression.exp).is_integer():
            base, exponent = self.fold(expression.base), int(expression.exp)
            return base**exponent if exponent > 0 else reciprocal(base) ** -exponent
        return expression.func(*map(self.fold, expression.args)) if expression.args else expression

    def uniform(self, expression: sympy.Basic) -> bool:
        """Whether it is the same for all cells and steps."""
        if expression in self.entries:
            return self.uniform(self.entries[expression])
        return isinstance(expression, sympy.Expr) and all(
            symbol in self.symbols or (symbol in self.entries and self.uniform(symbol))
            for symbol in expression.free_symbols
        )

    def element(self, expression: sympy.Expr) -> sympy.Symbol:
        """The element of the array that holds the value of a uniform expression."""
        expression = expression.xreplace({s: self.entries[s] for s in expression.free_symbols if s in self.entries})
        number = self.values.setdefault(expression, len(self.values))
        return sympy.Symbol(f"uniform[{number}]", real=True)
