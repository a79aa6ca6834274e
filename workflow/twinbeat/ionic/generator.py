"""From a cell model's equations to the sources of the kernels that step many cells: in C, and in CUDA.

The generalised Rush-Larsen step (Sundnes et al. 2009, doi 10.1109/TBME.2009.2014739, eq. 8) of a state x' = f:

    x + f φ(a, dt),   a = ∂f/∂x,   φ = (exp(a dt) - 1) / a

Most of its cost is functions of the voltage alone, as a gate's limit and rate. They become columns of a table over the
voltage, from which a step interpolates linearly. A state that is linear in itself with such coefficients, as a gate is,
takes two columns: E x + P with E = exp(a dt) and P = f(x = 0) φ. Products are multiplied out first, and all that
multiplies the same other states is one column: then removable singularities, as those of the constant field equation,
stay within a column, and the table has no entry at them (it starts half a step beside a round voltage).

Parameters that vary from cell to cell count as states that stay as they are: what they multiply is tabulated, they not.

Both kernels take the same step. A compiler of C moves what is the same for all cells out of its loop; a thread of CUDA
has one cell and no loop, so that all that parameters and dt determine is evaluated before (``Uniform``).
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import sympy

from .models import VOLTAGE
from .uniform import Uniform

LOWEST, HIGHEST, SPACING = -200.025, 200.0, 0.05  # mV; beyond, the outermost entries hold
LANES = 8  # the columns are filled up to a multiple
FLAT = 1e-8  # 1/ms; a slope below it counts as none
DT, TIME = sympy.Symbol("dt", real=True), sympy.Symbol("t")
TEMPLATE = Path(__file__).with_name("kernel.c")
STEP = ("timed", "stepped")  # what a kernel evaluates in each step
Line = tuple[str, sympy.Expr]
"""What is assigned to, and what is assigned."""


def source(
    ode: Path, equations: Mapping[str, str], varied: Sequence[str] = ()
) -> tuple[dict[str, str], dict[str, dict[str, float]]]:
    """The sources of a model's kernels by their language, and its parameters and states with their default values.

    ``equations`` are right-hand sides that replace those of the file; ``varied`` names parameters that cells have each.
    """
    import gotranx  # takes a second: only where a kernel is made

    text = ode.read_text()
    for name, right in equations.items():
        text, found = re.subn(rf"^{name} = .*$", f"{name} = {right}", text, flags=re.MULTILINE)
        if found != 1:
            raise KeyError(f"{ode.name} has {found} equations for {name}; expected one")
    model = gotranx.load.ode_from_string(text, name=ode.stem, remove_singularities=False)
    states = model.sorted_states()
    items = {item.name: item for item in model.parameters}
    if unknown := set(varied) - set(items):
        raise KeyError(f"{ode.name} has no parameter {', '.join(sorted(unknown))}")
    uniform = [item for item in model.parameters if item.name not in varied]
    writer = Writer([x.symbol for x in states], [x.symbol for x in uniform], [items[name].symbol for name in varied])
    for assignment in model.sorted_assignments(remove_unused=True):
        if hasattr(assignment, "state"):
            writer.step(assignment.state.symbol, assignment.symbol, assignment.expr)
        else:
            writer.assign(assignment.symbol, assignment.expr)
    defaults = {
        "parameters": {item.name: float(item.value) for item in uniform},
        "varied": {name: float(items[name].value) for name in varied},
        "states": {item.name: float(item.value) for item in states},
    }
    return writer.kernels(), defaults


class Writer:
    """Equations of a model, sorted by what they depend on, each written once the earlier ones are."""

    def __init__(self, states: list[sympy.Symbol], parameters: list[sympy.Symbol], varied: list[sympy.Symbol]) -> None:
        from gotranx.codegen.c import GotranCCodePrinter

        self.states, self.parameters, self.varied = states, parameters, varied
        self.text = GotranCCodePrinter().doprint
        self.voltage = next(state for name in VOLTAGE for state in states if state.name == name)
        self.cell = {state for state in states if state is not self.voltage} | set(varied)
        self.timed = {TIME}
        self.uniform = {*parameters, DT}
        self.functions = {self.voltage}  # of the voltage alone
        self.expressions: dict[sympy.Symbol, sympy.Expr] = {}
        self.tangents: dict[sympy.Symbol, dict[sympy.Symbol, sympy.Expr]] = {s: {s: sympy.Integer(1)} for s in states}
        self.columns: dict[sympy.Expr, int] = {}
        self.lines: dict[str, list[Line]] = {"uniform": [], "tabulated": [], "timed": [], "stepped": []}

    def assign(self, symbol: sympy.Symbol, expression: sympy.Expr) -> None:
        """An intermediate or the rate of a state."""
        self.expressions[symbol] = expression
        if self.is_cell(expression):
            self.cell.add(symbol)
            self._write("stepped", symbol, self.tabulate(expression))
        elif self.is_timed(expression):
            self.timed.add(symbol)
            self._write("timed", symbol, expression)
        else:
            self._write("tabulated", symbol, expression)
            if expression.free_symbols & self.functions:
                self.functions.add(symbol)
            else:
                self.uniform.add(symbol)
                self._write("uniform", symbol, expression)

    def step(self, state: sympy.Symbol, rate: sympy.Symbol, expression: sympy.Expr) -> None:
        """The step of a state with a rate."""
        self.expressions[rate] = expression
        slope, at_zero = self.derivative(rate, state), expression.subs(state, 0)
        if not self.varies(slope) and not self.varies(at_zero) and slope != 0:
            grown = (sympy.exp(slope * DT) - 1) / slope
            new = self.column(sympy.exp(slope * DT)) * state + self.column(at_zero * grown)
        else:
            self.assign(rate, expression)
            new = state + self.tabulate(rate) * self.growth(slope)
        self.lines["stepped"].append((f"NEXT({self.states.index(state)})", new))

    def growth(self, slope: sympy.Expr) -> sympy.Expr:
        """φ for a slope that may vanish."""
        if slope == 0:
            return DT
        slope = self.tabulate(slope)
        return sympy.Piecewise(((sympy.exp(slope * DT) - 1) / slope, sympy.Abs(slope) > FLAT), (DT, True))

    def derivative(self, symbol: sympy.Symbol, state: sympy.Symbol) -> sympy.Expr:
        """The derivative of an assigned symbol by a state, through all that is between; longer ones get a name."""
        known = self.tangents[state]
        if symbol not in known:
            expression = self.expressions.get(symbol, sympy.Integer(0))
            chain = [(inner, self.derivative(inner, state)) for inner in sorted(expression.free_symbols, key=str)]
            known[symbol] = sympy.Add(*(expression.diff(inner) * outer for inner, outer in chain if outer != 0))
            if known[symbol].args:
                self.assign(name := sympy.Symbol(f"{symbol.name}_by_{state.name}", real=True), known[symbol])
                known[symbol] = name
        return known[symbol]

    def is_cell(self, expression: sympy.Expr) -> bool:
        """Whether it depends on a state other than the voltage, a varied parameter, or on voltage and time."""
        symbols = expression.free_symbols
        return bool(symbols & self.cell) or (self.is_timed(expression) and bool(symbols & self.functions))

    def is_timed(self, expression: sympy.Expr) -> bool:
        """Whether it depends on time."""
        return bool(expression.free_symbols & self.timed)

    def varies(self, expression: sympy.Expr) -> bool:
        """Whether it is more than a function of the voltage."""
        return self.is_cell(expression) or self.is_timed(expression)

    def is_costly(self, expression: sympy.Expr) -> bool:
        """Whether a function of the voltage is worth a column: it is more than a polynomial of V."""
        used = expression.free_symbols & self.functions
        return bool(used - {self.voltage}) or not expression.is_polynomial(self.voltage)

    def column(self, expression: sympy.Expr) -> sympy.Symbol:
        """The table's entry for a function of the voltage."""
        number = self.columns.setdefault(expression, len(self.columns))
        return sympy.Symbol(f"ENTRY({number})", real=True)

    def tabulate(self, expression: sympy.Expr) -> sympy.Expr:
        """The expression with its functions of the voltage replaced by entries."""
        if not isinstance(expression, sympy.Expr):
            return self._inside(expression)  # a condition, or a branch with its condition
        if not self.is_cell(expression):
            return self.column(expression) if self.is_costly(expression) else expression
        if isinstance(expression, sympy.Add | sympy.Mul):
            groups = self.collect(sympy.expand_mul(expression))
            if any(self.is_costly(factor) for factor in groups.values()):
                return sympy.Add(*(self.tabulate(factor) * self._inside(rest) for rest, factor in groups.items()))
        return self._inside(expression)

    def collect(self, expression: sympy.Expr) -> dict[sympy.Expr, sympy.Expr]:
        """By products of what belongs to the cell or the time: the functions of the voltage that multiply them."""
        groups: dict[sympy.Expr, sympy.Expr] = {}
        for term in sympy.Add.make_args(expression):
            factors = sympy.Mul.make_args(term)
            rest = sympy.Mul(*(factor for factor in factors if self.varies(factor)))
            function = sympy.Mul(*(factor for factor in factors if not self.varies(factor)))
            groups[rest] = groups.get(rest, sympy.Integer(0)) + function
        return groups

    def _inside(self, expression: sympy.Expr) -> sympy.Expr:
        return expression.func(*map(self.tabulate, expression.args)) if expression.args else expression

    def _write(self, part: str, symbol: sympy.Symbol, expression: sympy.Expr) -> None:
        self.lines[part].append((f"const double {symbol.name}", expression))

    def kernels(self) -> dict[str, str]:
        """The sources by their language: c, cu."""
        uniform = Uniform(self.uniform, {self.column(expression): expression for expression in self.columns})
        folded = {part: [(left, uniform.fold(right)) for left, right in self.lines[part]] for part in STEP}
        derived = [(f"uniform[{k}]", expression) for expression, k in uniform.values.items()]
        common = self._common() | {"uniforms": len(derived), "derived": self._text(derived)}
        return {
            language: filled(TEMPLATE.with_suffix(f".{language}").read_text(), common | self._step(lines))
            for language, lines in {"c": self.lines, "cu": folded}.items()
        }

    def _step(self, lines: dict[str, list[Line]]) -> dict[str, list[str]]:
        """What a template has in its loop over the steps."""
        loads = [f"const double {x.name} = STATE({k});" for k, x in enumerate(self.states)]
        loads += [f"const double {x.name} = OWN({k});" for k, x in enumerate(self.varied)]
        return {"timed": self._text(lines["timed"]), "stepped": loads + self._text(lines["stepped"])}

    def _common(self) -> dict[str, object]:
        """What templates have beside it."""
        return {
            "columns": -(-len(self.columns) // LANES) * LANES, "rows": round((HIGHEST - LOWEST) / SPACING) + 1,
            "lowest": LOWEST, "spacing": SPACING, "voltage": self.states.index(self.voltage),
            "potential": self.voltage.name, "uniform": self._text(self.lines["uniform"]),
            "parameters": [f"const double {x.name} = parameters[{k}];" for k, x in enumerate(self.parameters)],
            "tabulated": self._text(self.lines["tabulated"] + [(f"entry[{k}]", e) for e, k in self.columns.items()]),
        }  # fmt: skip

    def _text(self, lines: list[Line]) -> list[str]:
        return [f"{left} = {self.text(right)};" for left, right in lines]


def filled(template: str, values: Mapping[str, object]) -> str:
    """The template with its $names replaced; several lines are indented as their place is."""

    def place(match: re.Match[str]) -> str:
        value = values[match["name"]]
        return match["indent"] + (f"\n{match['indent']}".join(value) if isinstance(value, list) else str(value))

    return re.sub(r"(?P<indent>(?<=\n) +|)\$(?P<name>[a-z]+)", place, template)
