"""From Amaranth's components to word-level logic.

Amaranth's own way to Verilog goes through a netlist of single bits, which takes minutes for the widest machines and
which a simulator is slow with. Here words stay words and branches stay branches. What expressions and statements mean
is what Amaranth's guide says; `cocotb_tests/gen/test_lowering_proof.py` proves it against Amaranth's own netlist.
"""

# Amaranth's stubs know its language, not the tree that it makes of it.
# pyright: reportAttributeAccessIssue=false

from collections import Counter
from collections.abc import Iterator

from amaranth.hdl import ClockDomain, Fragment, Instance, Shape, Signal, Value
from amaranth.hdl import _ast as ast  # no public names for its nodes
from amaranth.hdl import _ir as ir
from amaranth.hdl import _mem as mem
from amaranth.lib import wiring

from gen.logic import Assign, Body, Branch, Choice, Clock, Logic, ModuleLogic, Node, Variable, targets
from gen.logic import Instance as Placed


class UnsupportedError(Exception):
    """A construct of Amaranth that no part of the machine needs and that is not translated."""


def modules(component: wiring.Component, name: str) -> list[ModuleLogic]:
    """Translate a component and all below it.

    Parameters
    ----------
    component : wiring.Component
        What to translate. Its ports are those of its signature, ``clk`` and ``rst``.
    name : str
        Name of its module; submodules are called ``name_submodule``.

    Returns
    -------
    list of ModuleLogic
        The modules, the component's own first.

    Raises
    ------
    UnsupportedError
        If the design has what the machine does not use: asynchronous reset, transparent memory ports, bits of one
        signal driven from several places.
    """
    design = elaborated(component).prepare(ports=ports(component), hierarchy=(name,))
    drivers = ast.SignalDict()
    for fragment in design.fragments:
        home = _home(design, fragment)
        for signal in _driven(fragment):
            if drivers.setdefault(signal, home) is not home:
                place = _path(design, home)
                raise UnsupportedError(f"{signal.name} is driven in {place} and in another module: drive it in one")
    for _, signal, direction in design.ports:
        if direction == ir.PortDirection.Input:
            drivers[signal] = None
    return [_Module(design, fragment, drivers).module for fragment in design.fragments if type(fragment) is Fragment]


def ports(component: wiring.Component) -> dict[str, tuple[Value, ir.PortDirection]]:
    """Find the ports of a component's signature, as Amaranth's back ends take them."""
    return {
        "__".join(str(part) for part in path): (
            value if isinstance(value, Value) else value.as_value(),
            ir.PortDirection.Input if member.flow == wiring.In else ir.PortDirection.Output,
        )
        for path, member, value in component.signature.flatten(component)
    }


def elaborated(component: wiring.Component) -> Fragment:
    """Elaborate a component, and call what memories give by their names, as Amaranth calls all of it the same."""
    top = Fragment.get(component, None)
    stack = [top]
    while stack:
        for fragment, name, _ in stack.pop().subfragments:
            stack.append(fragment)
            if isinstance(fragment, mem.MemoryInstance):
                for port in fragment._read_ports:
                    if isinstance(port._data, Signal):
                        port._data.name = f"{name}$data"
    return top


def _path(design: ir.Design, fragment: Fragment) -> str:
    return ".".join(design.fragments[fragment].name)


def _inside(design: ir.Design, fragment: Fragment | None, module: Fragment) -> bool:
    """Whether a fragment is a module or in it."""
    while fragment is not None and fragment is not module:
        fragment = design.fragments[fragment].parent
    return fragment is module


def _home(design: ir.Design, fragment: Fragment) -> Fragment:
    """Find the module that a fragment belongs to: memories and instances are no modules."""
    return fragment if type(fragment) is Fragment else design.fragments[fragment].parent


def _assigned(value: Value) -> Iterator[Signal]:
    """Yield the signals that an assignment to `value` may change."""
    match value:
        case Signal():
            yield value
        case ast.Slice() | ast.Part():
            yield from _assigned(value.value)
        case ast.Concat():
            for part in value.parts:
                yield from _assigned(part)
        case ast.SwitchValue():
            for _, part in value.cases:
                yield from _assigned(part)
        case ast.Operator():
            yield from _assigned(value.operands[0])
        case _:
            raise UnsupportedError(f"assignment to {value!r}: assign to signals and their parts")


def _statement_targets(statement: ast.Statement) -> Iterator[Signal]:
    if isinstance(statement, ast.Switch):
        for _, statements, _ in statement.cases:
            for inner in statements:
                yield from _statement_targets(inner)
    elif isinstance(statement, ast.Assign):
        yield from _assigned(statement.lhs)
    else:
        raise UnsupportedError(f"{statement!r}: only assignments are translated")


def _driven(fragment: Fragment) -> Iterator[Signal]:
    """Yield the signals that a fragment itself drives."""
    if isinstance(fragment, Instance):
        for value, direction in fragment.ports.values():
            if direction == "o":
                yield from _assigned(value)
    elif isinstance(fragment, mem.MemoryInstance):
        for port in fragment._read_ports:
            yield from _assigned(port._data)
    elif type(fragment) is Fragment:
        for statements in fragment.statements.values():
            for statement in statements:
                yield from _statement_targets(statement)
    elif not isinstance(fragment, ir.RequirePosedge):
        raise UnsupportedError(f"{type(fragment).__name__}: only modules, memories and instances are translated")


def _is_chain(test: Value, patterns: list[tuple[str, ...] | None]) -> bool:
    """Whether a switch is an ``if`` with its ``elif`` and ``else``, for which Amaranth joins all conditions."""
    if not isinstance(test, ast.Concat) or any(len(part) != 1 for part in test.parts):
        return False
    count = len(test.parts)
    chain = [("1".rjust(count - at, "-").ljust(count, "-"),) for at in range(count)]
    return patterns in (chain, [*chain, None])


class _Module:
    """Translates one module."""

    def __init__(self, design: ir.Design, fragment: Fragment, drivers: ast.SignalDict) -> None:
        self._design, self._fragment, self._drivers = design, fragment, drivers
        self._info = design.fragments[fragment]
        self._logic = Logic()
        self.module = ModuleLogic("_".join(self._info.name), self._logic)
        self._variables = ast.SignalDict()
        #: Signals without a name of their own -> the expression they stand for.
        self._unnamed = ast.SignalDict()
        self._nodes: dict[int, tuple[Node, bool, Value]] = {}
        self._declare()
        self._name_unnamed()
        self._clocks: dict[str, Body] = {
            domain: self._body(statements) for domain, statements in fragment.statements.items() if domain != "comb"
        }
        self._combinational()
        self._place_instances()
        self._finish_clocks()

    # --- variables -----------------------------------------------------------------------------------------------

    def _declare(self) -> None:
        """Make variables of all signals that are seen in the module, ports first."""
        top = self._info.parent is None
        outside = ast.SignalDict()
        if top:
            # clock and reset come first
            for name, signal, _ in sorted(self._design.ports, key=lambda port: port[0] not in ("clk", "rst")):
                outside[signal] = name
        else:
            outer = self._design.fragments[self._info.parent].used_signals
            for signal, name in self._info.signal_names.items():
                if signal in outer:
                    outside[signal] = name
        names = ast.SignalDict()
        for signal, name in (*outside.items(), *self._info.signal_names.items()):
            names.setdefault(signal, name)
        for signal, name in names.items():
            undriven = signal not in self._drivers
            if len(signal) == 0 or (undriven and not (top and signal in outside)):
                continue
            direction = "" if signal not in outside else "input"
            if direction and (undriven or _inside(self._design, self._drivers[signal], self._fragment)):
                direction = "output"
            variable = Variable(name, len(signal), direction, attributes=dict(signal.attrs))
            self._variables[signal] = variable
            self.module.variables.append(variable)
            if undriven:
                self.module.definitions[variable] = [Assign(variable, 0, self._logic.const(signal.init, len(signal)))]

    def _variable(self, signal: Signal) -> Variable:
        return self._variables[signal]

    # --- expressions ---------------------------------------------------------------------------------------------

    def _node(self, value: Value) -> Node:
        return self._signed(value)[0]

    def _signed(self, value: Value) -> tuple[Node, bool]:
        """Translate an expression: the word, and whether it has a sign."""
        found = self._nodes.get(id(value))
        if found is None:
            # the value is kept, lest another gets its identity
            found = self._nodes[id(value)] = (self._expression(value), value.shape().signed, value)
            assert found[0].width == len(value), value
        return found[:2]

    def _expression(self, value: Value) -> Node:
        logic = self._logic
        match value:
            case ast.Const():
                return logic.const(value.value, len(value))
            case Signal():
                if len(value) == 0 or (value not in self._drivers):
                    return logic.const(value.init, len(value))
                if value in self._unnamed:
                    return self._unnamed[value]
                return logic.read(self._variable(value))
            case ast.Slice():
                return logic.slice(self._node(value.value), value.start, value.stop - value.start)
            case ast.Concat():
                return logic.cat([self._node(part) for part in value.parts])
            case ast.Part():
                return self._part(value)
            case ast.SwitchValue():
                return self._choose(value)
            case ast.Operator() if len(value.operands) == 1:
                return self._unary(value.operator, value.operands[0])
            case ast.Operator():
                return self._binary(value.operator, *value.operands)
        raise UnsupportedError(f"expression {value!r}")

    def _unary(self, operator: str, operand: Value) -> Node:
        x, signed = self._signed(operand)
        match operator:
            case "s" | "u":
                return x
            case "~":
                return self._logic.operator("~", x)
            case "-":
                x = self._logic.extend(x, x.width + 1, signed=signed)
                return self._logic.operator("-", self._logic.const(0, x.width), x)
            case "b":
                return self._logic.operator("r|", x)
            case "r|" | "r&" | "r^":
                return self._logic.operator(operator, x)
        raise UnsupportedError(f"operator {operator}")

    def _binary(self, operator: str, first: Value, second: Value) -> Node:
        logic = self._logic
        (a, a_signed), (b, b_signed) = self._signed(first), self._signed(second)
        if operator in ("<<", ">>"):
            if operator == "<<":
                a = logic.extend(a, a.width + (1 << b.width) - 1, signed=a_signed)
            return logic.operator(">>>" if operator == ">>" and a_signed else operator, a, b)
        if operator == "*":
            width = a.width + b.width
            return logic.operator("*", *(logic.extend(x, width, signed=s) for x, s in ((a, a_signed), (b, b_signed))))
        shape = Shape._unify((Shape(a.width, a_signed), Shape(b.width, b_signed)))
        width = shape.width + (operator in ("+", "-"))
        # an operand takes part in the sign that both together have
        a = logic.extend(logic.extend(a, shape.width, signed=a_signed), width, signed=shape.signed)
        b = logic.extend(logic.extend(b, shape.width, signed=b_signed), width, signed=shape.signed)
        if operator in (">", ">="):
            operator, a, b = ("<" if operator == ">" else "<="), b, a
        if operator in ("<", "<="):
            return logic.operator(f"s{operator}" if shape.signed else operator, a, b)
        if operator in ("&", "|", "^", "+", "-", "==", "!="):
            return logic.operator(operator, a, b)
        raise UnsupportedError(f"operator {operator}")

    def _part(self, value: ast.Part) -> Node:
        """Take a word at a variable place; what lies beyond the end is zero."""
        logic = self._logic
        (x, signed), offset = self._signed(value.value), self._node(value.offset)
        highest = offset.number if offset.op == "const" else (1 << offset.width) - 1
        reach = highest * value.stride + value.width
        if signed and reach > x.width:
            # Amaranth's simulator and Yosys do not agree on it
            raise UnsupportedError(f"{value!r}: reaches beyond a signed word: extend the word, or take it as unsigned")
        wide = logic.extend(x, max(x.width, reach), signed=False)
        if offset.op == "const":
            return logic.slice(wide, offset.number * value.stride, value.width)
        return logic.node("part", value.width, (wide, offset), value.stride)

    def _choose(self, value: ast.SwitchValue) -> Node:
        logic, test = self._logic, self._node(value.test)
        elements = [self._sized(element, len(value)) for _, element in value.cases]
        patterns = tuple(patterns for patterns, _ in value.cases)
        if test.width == 0:
            return elements[0]
        if None not in patterns:
            patterns, elements = (*patterns, None), [*elements, logic.const(0, len(value))]
        if patterns == (("0" * test.width,), None):
            return logic.mux(logic.operator("r|", test), elements[1], elements[0])
        return logic.node("choose", len(value), (test, *elements), patterns)

    def _sized(self, value: Value, width: int) -> Node:
        x, signed = self._signed(value)
        return self._logic.extend(x, width, signed=signed)

    # --- statements ----------------------------------------------------------------------------------------------

    def _body(self, statements: list[ast.Statement]) -> Body:
        return [item for statement in statements for item in self._statement(statement)]

    def _statement(self, statement: ast.Statement) -> Iterator[Assign | Choice]:
        if isinstance(statement, ast.Assign):
            yield from self._assign(statement.lhs, 0, self._sized(statement.rhs, len(statement.lhs)))
            return
        bodies = [self._body(statements) for _, statements, _ in statement.cases]
        yield from self._choice(statement.test, [patterns for patterns, *_ in statement.cases], bodies)

    def _choice(
        self, test: Value, patterns: list[tuple[str, ...] | None], bodies: list[Body]
    ) -> Iterator[Assign | Choice]:
        if not any(bodies):
            return
        if len(test) == 0:
            yield from bodies[0]
        elif _is_chain(test, patterns):
            conditions = [self._node(part) for part in test.parts]
            yield from _chain([*conditions, None], bodies)
        else:
            branches = [Branch(pattern, body) for pattern, body in zip(patterns, bodies, strict=True)]
            yield Choice(self._node(test), branches)

    def _assign(self, target: Value, low: int, value: Node) -> Iterator[Assign | Choice]:
        """Assign a word to bits of `target` from `low` on."""
        if value.width == 0:
            return
        match target:
            case Signal():
                yield Assign(self._variable(target), low, value)
            case ast.Slice():
                yield from self._assign(target.value, low + target.start, value)
            case ast.Operator():
                yield from self._assign(target.operands[0], low, value)
            case ast.Concat():
                at = 0
                for part in target.parts:
                    first, last = max(low, at), min(low + value.width, at + len(part))
                    if first < last:
                        piece = self._logic.slice(value, first - low, last - first)
                        yield from self._assign(part, first - at, piece)
                    at += len(part)
            case ast.Part():
                yield from self._assign_part(target, low, value)
            case ast.SwitchValue():
                bodies = [
                    list(self._assign(part, low, self._logic.slice(value, 0, min(len(part) - low, value.width))))
                    for _, part in target.cases
                ]
                yield from self._choice(target.test, [patterns for patterns, _ in target.cases], bodies)

    def _assign_part(self, target: ast.Part, low: int, value: Node) -> Iterator[Assign | Choice]:
        """Assign a word at a variable place; what lies beyond the end is lost."""
        size, bits = len(target.value), len(target.offset)
        count = min(-(-size // target.stride), 1 << bits)
        patterns: list[tuple[str, ...] | None] = []
        bodies: list[Body] = []
        for at in range(count):
            start = low + at * target.stride
            if start < size:
                piece = self._logic.slice(value, 0, min(value.width, size - start))
                patterns.append((f"{at:0{bits}b}" if bits else "",))
                bodies.append(list(self._assign(target.value, start, piece)))
        yield from self._choice(target.offset, patterns, bodies)

    # --- logic ---------------------------------------------------------------------------------------------------

    def _name_unnamed(self) -> None:
        """Find what signals that only Amaranth has given a name stand for: conditions, ports of memories."""
        statements = self._fragment.statements.get("comb", [])
        times = Counter(id(signal) for statement in statements for signal in _statement_targets(statement))
        for statement in statements:
            if isinstance(statement, ast.Assign) and isinstance(signal := statement.lhs, Signal):
                unnamed = signal.name == "" or signal.name.startswith("$")
                if unnamed and times[id(signal)] == 1:
                    self._unnamed[signal] = self._sized(statement.rhs, len(signal))

    def _combinational(self) -> None:
        """Find what computes every combinational signal."""
        own = ast.SignalDict()
        for statement in self._fragment.statements.get("comb", []):
            for key in dict.fromkeys(map(ast.SignalKey, _statement_targets(statement))):
                own.setdefault(key.signal, []).append(statement)
        translated: dict[int, Body] = {}
        for signal, statements in own.items():
            if signal.name == "" or len(signal) == 0:
                continue
            variable = self._variable(signal)
            body: Body = []
            for statement in statements:
                if id(statement) not in translated:
                    translated[id(statement)] = list(self._statement(statement))
                body += _only(translated[id(statement)], variable)
            initial = self._logic.const(signal.init, len(signal))
            self.module.definitions[variable] = self._defined(variable, initial, body)

    def _defined(self, variable: Variable, known: Node, body: Body) -> Body:
        """Make statements assign all bits of a variable, those that nothing assigns as known from the beginning."""
        logic = self._logic
        while body and isinstance(first := body[0], Assign):
            above = first.low + first.value.width
            known = logic.cat(
                [logic.slice(known, 0, first.low), first.value, logic.slice(known, above, variable.width - above)]
            )
            body = body[1:]
        return [Assign(variable, 0, known), *body]

    def _finish_clocks(self) -> None:
        """Add what reset does, and power-on."""
        for domain, body in self._clocks.items():
            clock = self._domain(domain)
            signals = ast.SignalDict()
            for statement in self._fragment.statements.get(domain, []):
                for signal in _statement_targets(statement):
                    signals[signal] = None
            resets: Body = []
            for signal in signals:
                if len(signal) == 0:
                    continue
                variable, initial = self._variable(signal), self._logic.const(signal.init, len(signal))
                if variable in self.module.definitions:
                    raise UnsupportedError(f"{signal.name} is in part a register: give the register a name of its own")
                variable.initial = [initial.number]
                if not signal.reset_less:
                    resets.append(Assign(variable, 0, initial))
            if resets and clock.rst is not None:
                body.append(Choice(None, [Branch(self._node(clock.rst), resets)]))
            self.module.clocks.append(Clock(self._variable(clock.clk).name, Branch(None, body)))

    def _domain(self, name: str) -> ClockDomain:
        domain = self._fragment.domains[name]
        if domain.clk_edge != "pos" or domain.async_reset:
            raise UnsupportedError(f"clock domain {name}: only rising edges and synchronous reset are translated")
        return domain

    # --- what is inside ------------------------------------------------------------------------------------------

    def _place_instances(self) -> None:
        for fragment, *_ in self._fragment.subfragments:
            name = self._design.fragments[fragment].name[-1]
            if isinstance(fragment, mem.MemoryInstance):
                self._memory(fragment, name)
            elif isinstance(fragment, Instance):
                self._instance(fragment, name)
            elif type(fragment) is Fragment:
                self._submodule(fragment, name)

    def _submodule(self, fragment: Fragment, name: str) -> None:
        info = self._design.fragments[fragment]
        placed = Placed("_".join(info.name), name, {}, {}, {})
        for signal, port in info.signal_names.items():
            if signal not in self._variables or signal not in self._info.used_signals:
                continue
            variable = self._variable(signal)
            if _inside(self._design, self._drivers.get(signal), fragment):
                placed.outputs[port] = [(variable, 0, variable.width)]
            else:
                placed.inputs[port] = self._logic.read(variable)
        self.module.instances.append(placed)

    def _instance(self, fragment: Instance, name: str) -> None:
        placed = Placed(fragment.type, name, dict(fragment.parameters), {}, {})
        for port, (value, direction) in fragment.ports.items():
            if not isinstance(value, Value):
                raise UnsupportedError(f"port {port} of {name}: pins are not translated")
            if direction == "i":
                placed.inputs[port] = self._node(value)
            elif not any(signal in self._variables for signal in _assigned(value)):
                unread = Variable(f"{name}${port}", len(value))
                self.module.variables.append(unread)
                placed.outputs[port] = [(unread, 0, unread.width)]
            else:
                blank = self._logic.const(0, len(value))
                pieces = list(self._assign(value, 0, blank))
                placed.outputs[port] = [
                    (piece.target, piece.low, piece.value.width) for piece in pieces if isinstance(piece, Assign)
                ]
                assert sum(width for *_, width in placed.outputs[port]) == len(value)
        self.module.instances.append(placed)

    def _memory(self, fragment: mem.MemoryInstance, name: str) -> None:
        content = fragment._data
        variable = Variable(name, Shape.cast(content.shape).width, depth=content.depth)
        variable.initial = list(content._init._raw)
        variable.attributes = dict(fragment._attrs)
        self.module.variables.append(variable)
        logic = self._logic
        for port in fragment._write_ports:
            enables, size = self._node(port._en), port._granularity
            data, row = self._node(port._data), self._node(port._addr)
            for at in range(enables.width):
                piece = Assign(variable, at * size, logic.slice(data, at * size, size), row)
                enabled = logic.slice(enables, at, 1)
                self._clocks.setdefault(port._domain, []).extend(_chain([enabled], [[piece]]))
        for port in fragment._read_ports:
            if port._transparent_for:
                raise UnsupportedError(f"memory {name}: transparent ports are not translated")
            row = logic.node("row", variable.width, (self._node(port._addr),), variable)
            assigned = list(self._assign(port._data, 0, row))
            if port._domain == "comb":
                for item in assigned:
                    assert isinstance(item, Assign)
                    self.module.definitions[item.target] = self._defined(item.target, row, [item])
            else:
                self._clocks.setdefault(port._domain, []).extend(_chain([self._node(port._en)], [assigned]))


def _chain(conditions: list[Node | None], bodies: list[Body]) -> Iterator[Assign | Choice]:
    """Make an ``if`` with its ``elif`` and ``else``, without what never or always happens."""
    branches: list[Branch] = []
    for condition, body in zip(conditions, bodies, strict=False):
        if condition is None or condition.op != "const":
            branches.append(Branch(condition, body))
        elif condition.number:
            branches.append(Branch(None, body))
            break
    while branches and not branches[-1].body:
        branches.pop()
    if branches and branches[0].when is None:
        yield from branches[0].body
    elif branches:
        yield Choice(None, branches)


def _only(body: Body, variable: Variable) -> Body:
    """Keep those statements that assign one variable."""
    found: Body = []
    for item in body:
        if isinstance(item, Assign):
            if item.target is variable:
                found.append(item)
        elif variable in targets([item]):
            branches = [Branch(branch.when, _only(branch.body, variable)) for branch in item.branches]
            while item.test is None and not branches[-1].body:
                branches.pop()
            found.append(Choice(item.test, branches))
    return found
