"""Writes modules as Verilog 2005."""

import itertools
from collections.abc import Iterator, Mapping

from gen.logic import WORDWISE, Assign, Body, Branch, Choice, Instance, ModuleLogic, Node, Variable, targets
from gen.verilog_words import WORDS

#: Logic of a module that has a name: expression -> variable that holds it.
Names = Mapping[Node, Variable]


def written(module: ModuleLogic, names: Names) -> str:
    """Write a module.

    Parameters
    ----------
    module : ModuleLogic
        The module.
    names : mapping of Node to Variable
        Expressions that are computed once, into a variable.

    Returns
    -------
    str
        Verilog.
    """
    return "\n".join(_Writer(module, names).lines()) + "\n"


def identifier(name: str) -> str:
    """Write a name; one that Verilog would not take is escaped, and then ends with a blank."""
    plain = name.replace("$", "_").isidentifier() and name.isascii() and name[0] != "$" and name not in WORDS
    return name if plain else f"\\{name} "


def _constant(value: int, width: int) -> str:
    return f"{width}'h{value:x}"


class _Writer:
    def __init__(self, module: ModuleLogic, names: Names) -> None:
        self._module, self._names = module, names
        self._labels = (f"branch_{number}" for number in itertools.count())
        self._local = {variable for clock in module.clocks for variable in _locals(clock.branch)}

    # --- declarations --------------------------------------------------------------------------------------------

    def lines(self) -> Iterator[str]:
        """Write the whole module."""
        module = self._module
        ports = [variable for variable in module.variables if variable.direction]
        clocked = [targets(clock.branch.body) for clock in module.clocks]
        registers = set().union(*clocked) | {v for v, body in module.definitions.items() if not _is_plain(body)}
        yield f"module {identifier(module.name)} ("
        for at, port in enumerate(ports):
            yield f"  {port.direction} {self._declared(port, registers)}{',' if at < len(ports) - 1 else ''}"
        yield ");"
        for variable in module.variables:
            if not variable.direction and variable not in self._local:
                yield from self._attributes(variable)
                yield f"  {self._declared(variable, registers)};"
        for variable in module.variables:
            if variable.depth:
                yield from self._content(variable)
        for instance in module.instances:
            yield from self._instance(instance)
        for variable, body in module.definitions.items():
            if variable not in self._local:
                yield from self._definition(variable, body)
        for clock in module.clocks:
            yield f"  always @(posedge {identifier(clock.name)}) begin"
            yield from self._branch(clock.branch, 4)
            yield "  end"
        yield "endmodule"

    def _attributes(self, variable: Variable) -> Iterator[str]:
        for name, value in variable.attributes.items():
            text = f'"{value}"' if isinstance(value, str) else str(value)
            yield f"  (* {name} = {text} *)"

    def _declared(self, variable: Variable, registers: set[Variable]) -> str:
        kind = "reg" if variable in registers or variable.depth else "wire"
        bits = f"[{variable.width - 1}:0] " if variable.width > 1 else ""
        text = f"{kind} {bits}{identifier(variable.name)}"
        if variable.depth:
            return f"{text} [0:{variable.depth - 1}]"
        if variable.initial is not None:
            return f"{text} = {_constant(variable.initial[0], variable.width)}"
        return text

    def _content(self, memory: Variable) -> Iterator[str]:
        """Write what a memory holds at power-on."""
        assert memory.initial is not None
        name = identifier(memory.name)
        uniform = len(set(memory.initial)) == 1
        row = identifier(f"{memory.name}$row")
        if uniform:
            yield f"  integer {row};"
        yield "  initial begin"
        if uniform:
            yield f"    for ({row} = 0; {row} < {memory.depth}; {row} = {row} + 1)"
            yield f"      {name}[{row}] = {_constant(memory.initial[0], memory.width)};"
        else:
            for number, value in enumerate(memory.initial):
                yield f"    {name}[{number}] = {_constant(value, memory.width)};"
        yield "  end"

    def _instance(self, instance: Instance) -> Iterator[str]:
        parameters = ", ".join(f".{identifier(n)}({_parameter(v)})" for n, v in instance.parameters.items())
        settings = f"#({parameters}) " if parameters else ""
        yield f"  {identifier(instance.module)} {settings}{identifier(instance.name)} ("
        connections = [(port, self._text(value)) for port, value in instance.inputs.items()]
        for port, pieces in instance.outputs.items():
            parts = [self._bits(variable, low, width) for variable, low, width in reversed(pieces)]
            connections.append((port, f"{{{', '.join(parts)}}}" if len(parts) > 1 else "".join(parts)))
        for at, (port, text) in enumerate(connections):
            yield f"    .{identifier(port)}({text}){',' if at < len(connections) - 1 else ''}"
        yield "  );"

    # --- statements ----------------------------------------------------------------------------------------------

    def _definition(self, variable: Variable, body: Body) -> Iterator[str]:
        if _is_plain(body):
            for item in body:
                assert isinstance(item, Assign)
                yield f"  assign {self._assigned(item)} = {self._text(item.value, whole=variable)};"
        else:
            yield "  always @* begin"
            yield from self._body(body, 4, "=")
            yield "  end"

    def _branch(self, branch: Branch, indent: int, operator: str = "<=") -> Iterator[str]:
        blank = " " * indent
        for variable, _ in branch.locals:
            bits = f"[{variable.width - 1}:0] " if variable.width > 1 else ""
            yield f"{blank}reg {bits}{identifier(variable.name)};"
        for variable, body in branch.locals:
            yield from self._body(body, indent, "=", variable)
        yield from self._body(branch.body, indent, operator)

    def _body(self, body: Body, indent: int, operator: str, whole: Variable | None = None) -> Iterator[str]:
        blank = " " * indent
        for item in body:
            if isinstance(item, Assign):
                yield f"{blank}{self._assigned(item)} {operator} {self._text(item.value, whole=whole)};"
            elif item.test is None:
                yield from self._if(item, indent, operator)
            else:
                yield from self._case(item, item.test, indent, operator)

    def _begin(self, branch: Branch) -> str:
        return f"begin : {next(self._labels)}" if branch.locals else "begin"

    def _if(self, choice: Choice, indent: int, operator: str) -> Iterator[str]:
        blank = " " * indent
        for number, branch in enumerate(choice.branches):
            condition = f"if ({self._text(branch.when)}) " if isinstance(branch.when, Node) else ""
            yield f"{blank}{'end else ' if number else ''}{condition}{self._begin(branch)}"
            yield from self._branch(branch, indent + 2, operator)
        yield f"{blank}end"

    def _case(self, choice: Choice, test: Node, indent: int, operator: str) -> Iterator[str]:
        blank = " " * indent
        yield f"{blank}casez ({self._text(test)})"
        for branch in choice.branches:
            if branch.when is None:
                head = "default"
            else:
                assert isinstance(branch.when, tuple)
                head = ", ".join(f"{len(p)}'b{p.replace('-', '?')}" for p in branch.when)
            yield f"{blank}  {head}: {self._begin(branch)}"
            yield from self._branch(branch, indent + 4, operator)
            yield f"{blank}  end"
        yield f"{blank}endcase"

    def _assigned(self, item: Assign) -> str:
        if item.row is None:
            return self._bits(item.target, item.low, item.value.width)
        row = f"{identifier(item.target.name)}[{self._row(item.row)}]"
        if item.value.width == item.target.width:
            return row
        return f"{row}[{item.low + item.value.width - 1}:{item.low}]"

    def _row(self, row: Node) -> str:
        return self._text(row) if row.width else "0"

    def _bits(self, variable: Variable, low: int, width: int) -> str:
        name = identifier(variable.name)
        if width == variable.width:
            return name
        return f"{name}[{low}]" if width == 1 else f"{name}[{low + width - 1}:{low}]"

    # --- expressions ---------------------------------------------------------------------------------------------

    def _text(self, node: Node, *, whole: Variable | None = None) -> str:
        """Write an expression; `whole`: the variable that it computes, by whose name it is not to be called."""
        return self._expression(node, whole)[0]

    def _operand(self, node: Node) -> str:
        text, simple = self._expression(node, None)
        return text if simple else f"({text})"

    def _expression(self, node: Node, whole: Variable | None) -> tuple[str, bool]:
        """Write an expression, and say whether it can be an operand without parentheses."""
        name = self._names.get(node)
        if name is not None and name is not whole:
            return identifier(name.name), True
        args, op = node.args, node.op
        if op == "const":
            return _constant(node.number, node.width), True
        if op == "read":
            return identifier(node.variable.name), True
        if op == "slice":
            return self._bits(self._held(args[0]), node.number, node.width), True
        if op == "row":
            return f"{identifier(node.variable.name)}[{self._row(args[0])}]", True
        if op == "cat":
            return self._cat(node), True
        if op == "part":
            return self._part(node), True
        if op == "?":
            return f"{self._operand(args[0])} ? {self._operand(args[1])} : {self._operand(args[2])}", False
        if op in ("r&", "r|", "r^"):
            return f"{op[1]}{self._operand(args[0])}", False
        if op == "~":
            return f"~{self._operand(args[0])}", False
        if op == ">>>":
            return f"$unsigned($signed({self._text(args[0])}) >>> {self._operand(args[1])})", True
        if op in ("s<", "s<="):
            return f"$signed({self._text(args[0])}) {op[1:]} $signed({self._text(args[1])})", False
        assert op in WORDWISE or op in ("==", "!=", "<", "<="), op
        return f" {op} ".join(self._operand(arg) for arg in args), False

    def _held(self, node: Node) -> Variable:
        """Find the variable that holds an expression of which bits are taken."""
        return node.variable if node.op == "read" else self._names[node]

    def _cat(self, node: Node) -> str:
        parts = []
        for part, same in itertools.groupby(reversed(node.args)):
            count = len(list(same))
            text = self._text(part)
            parts.append(text if count == 1 else f"{{{count}{{{text}}}}}")
        return parts[0] if len(parts) == 1 and parts[0][0] == "{" else f"{{{', '.join(parts)}}}"

    def _part(self, node: Node) -> str:
        word, place = node.args
        stride = node.number
        low = stride.bit_length() - 1
        if stride == 1:
            at = self._text(place)
        elif stride == 1 << low:
            at = f"{{{self._text(place)}, {_constant(0, low)}}}"
        else:
            # as wide as the product
            extended = f"{{{_constant(0, stride.bit_length())}, {self._text(place)}}}"
            at = f"{extended} * {_constant(stride, place.width + stride.bit_length())}"
        name = identifier(self._held(word).name)
        return f"{name}[{at}]" if node.width == 1 else f"{name}[{at} +: {node.width}]"


def _parameter(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _is_plain(body: Body) -> bool:
    return all(isinstance(item, Assign) for item in body)


def _locals(branch: Branch) -> Iterator[Variable]:
    yield from (variable for variable, _ in branch.locals)
    for item in branch.body:
        if isinstance(item, Choice):
            for inner in item.branches:
                yield from _locals(inner)
