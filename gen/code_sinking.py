"""Clocked logic as procedures: what a register needs is computed where the register is written, and only then.

Yosys writes every intermediate result as a continuous assignment, which a simulator evaluates in every cycle. Most of
the machine is idle in any one cycle, though: lanes do not accumulate while pulses are given. Here all registers of a
module go into one clocked block, those with the same enable into the same branch, and an intermediate result that only
one branch needs is computed in that branch. The hardware is the same; only the work of a simulator is less.

The input is the Verilog that Yosys writes, which has one statement per line and few kinds of them.
"""

import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from gen.yosys_verilog import NAME, NAMES, STATEMENT, Body, Branch, Choice, Parser, names, render, written

_ASSIGN = re.compile(rf"  assign ({NAME}) ?= (.*);$")
_DECLARATION = re.compile(rf"  (wire|reg) (?:signed )?(\[\d+:0\] )?({NAME}) ?(= .*)?;$")
_PORT = re.compile(rf"  (?:input|output) (?:\[\d+:0\] )?({NAME}) ?;$")
_BLOCK = re.compile(r"  always @(\*|\(posedge clk\))( begin)?$")
#: What Yosys calls a result that has no name of its own.
_NAMELESS = re.compile(r"\\\$\d+")


def _same(one: "str | Choice", other: "str | Choice") -> bool:
    """Whether both choose by the same conditions, as far as both go."""
    if isinstance(one, str) or isinstance(other, str):
        return False
    pairs = zip(one.branches, other.branches, strict=False)
    return one.head == other.head and all(mine.condition == others.condition for mine, others in pairs)


def _merge(into: Body, body: Body) -> None:
    """Add a register's statements to a block: into branches of the same condition where its own order allows it."""
    at = 0

    def find(item: "str | Choice") -> int | None:
        places = range(at, len(into))
        return next((n for n in places if isinstance(item, Choice) and _same(into[n], item)), None)

    for number, item in enumerate(body):
        if isinstance(item, str):
            # before every choice of other registers, unless a choice of this one comes first
            into.insert(at, item)
            at += 1
            continue
        same = find(item)
        if same is None:
            # as late as the statements that follow allow
            later = [place for place in map(find, body[number + 1 :]) if place is not None]
            at = min(later, default=len(into))
            into.insert(at, item)
            at += 1
        else:
            there = into[same]
            assert isinstance(there, Choice)
            for mine, other in zip(there.branches, item.branches, strict=False):
                _merge(mine.body, other.body)
            there.branches += item.branches[len(there.branches) :]
            at = same + 1


@dataclass
class _Module:
    """A module taken apart.

    Attributes
    ----------
    rest : list of str
        All lines but those below.
    ports : set of str
        Names of ports.
    wires : dict of str to str
        Declared names that are no ports and have no initial value -> range.
    assigns : dict of str to str
        Whole wires with a continuous assignment -> right-hand side.
    blocks : list of Body
        Combinational blocks.
    clocked : Body
        The clocked block.
    """

    rest: list[str] = field(default_factory=list)
    ports: set[str] = field(default_factory=set)
    wires: dict[str, str] = field(default_factory=dict)
    assigns: dict[str, str] = field(default_factory=dict)
    blocks: list[Body] = field(default_factory=list)
    clocked: Body = field(default_factory=list)


def _parse(lines: list[str]) -> _Module:
    """Take a module apart."""
    module, registers, memories = _Module(), [], []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.startswith("  always"):
            head = _BLOCK.match(line)
            if head is None:
                raise ValueError(f"unknown block {line.strip()!r}")
            if head[2]:
                end = lines.index("  end", at)
                body = Parser(lines[at:end]).body()
                at = end + 1
                (module.blocks if head[1] == "*" else memories).append(body)
                continue
            statement = lines[at].strip()
            at += 1
            found = STATEMENT.match(statement)
            if found is None or statement.startswith("if ") or found[2] != ("=" if head[1] == "*" else "<="):
                raise ValueError(f"unknown statement {statement!r}")
            if head[1] == "*":
                module.blocks.append([statement])
            else:
                registers.append((found[1], found[3].strip()))
        elif found := _ASSIGN.match(line):
            module.assigns[found[1].rstrip()] = found[2]
        else:
            module.rest.append(line)
            if found := _PORT.match(line):
                module.ports.add(found[1].rstrip())
            elif (found := _DECLARATION.match(line)) and not found[4]:
                module.wires[found[3].rstrip()] = found[2] or ""
    module.clocked = _clocked(module, registers, memories)
    return module


def _clocked(module: _Module, registers: list[tuple[str, str]], memories: list[Body]) -> Body:
    """Join every register with the block that computes its next value, then all registers into one block."""
    targets: dict[str, Body] = {}
    for body in module.blocks:
        if body and isinstance(body[0], str) and (found := STATEMENT.match(body[0])):
            targets[found[1].strip()] = body
    resets: Body = []
    clocked: Body = []
    for register, following in registers:
        body = targets.get(following)
        if body is None:
            _merge(clocked, [f"{written(register)} <= {written(following)};"])
            continue
        module.blocks.remove(body)
        body = _register(body, following, register)
        if body and isinstance(last := body[-1], Choice) and [b.condition for b in last.branches] == ["rst"]:
            _merge(resets, [body.pop()])
        _merge(clocked, body)
    for body in memories:
        _merge(clocked, body)
    # reset overrides everything
    return clocked + resets


def _register(body: Body, following: str, register: str, *, holds: bool = True) -> Body:
    """Turn a block that computes a register's next value into one that writes the register.

    That a register holds its value needs no statement at the beginning, where nothing else has been assigned yet.
    """
    found: Body = []
    for number, item in enumerate(body):
        if isinstance(item, Choice):
            branches = [Branch(b.condition, _register(b.body, following, register, holds=False)) for b in item.branches]
            if any(branch.body for branch in branches):
                found.append(Choice(item.head, branches))
            continue
        parts = STATEMENT.match(item)
        assert parts is not None
        target = parts[1].strip().replace(following, register, 1) if following in parts[1] else parts[1]
        if number or not holds or target != parts[3].strip():
            found.append(f"{written(target)} <= {parts[3]};")
    return found


def _visit(body: Body, see: Callable[[str, tuple[int, ...]], None], path: tuple[int, ...] = ()) -> None:
    """Show every expression that a body reads, with the path of the branch in which it is evaluated."""
    for number, item in enumerate(body):
        if isinstance(item, str):
            parts = STATEMENT.match(item)
            assert parts is not None
            see(parts[3], path)
            if "[" in parts[1]:
                see(parts[1][parts[1].index("[") :], path)
            continue
        if item.head != "if":
            see(item.head, path)
        for branch_number, branch in enumerate(item.branches):
            if item.head == "if" and branch.condition is not None:
                see(branch.condition, path)
            _visit(branch.body, see, (*path, number, branch_number))


def _branch(body: Body, path: tuple[int, ...]) -> Branch:
    """Find a branch by its path."""
    choice = body[path[0]]
    assert isinstance(choice, Choice)
    branch = choice.branches[path[1]]
    return _branch(branch.body, path[2:]) if path[2:] else branch


def _rename(module: _Module) -> None:
    """Give a result the name under which it is known: ``assign name = $12`` makes $12 disappear."""
    known: dict[str, str] = {}
    for name, value in module.assigns.items():
        source = value.strip()
        # a result that is itself without a name, or has one already, stays
        if _NAMELESS.fullmatch(name) or not _NAMELESS.fullmatch(source) or source in known:
            continue
        width = module.wires.get(source)
        if source in module.assigns and module.wires.get(name, width) == width:
            known[source] = name
    for name in known.values():
        del module.assigns[name]

    def replaced(text: str) -> str:
        return NAMES.sub(
            lambda found: written(known[found[1].rstrip()]) if found[1] and found[1].rstrip() in known else found[0],
            text,
        )

    def body(items: Body) -> Body:
        return [
            replaced(item)
            if isinstance(item, str)
            else Choice(
                replaced(item.head) if item.head != "if" else "if",
                [
                    Branch(replaced(b.condition) if item.head == "if" and b.condition else b.condition, body(b.body))
                    for b in item.branches
                ],
            )
            for item in items
        ]

    module.assigns = {known.get(name, name): replaced(value) for name, value in module.assigns.items()}
    module.blocks = [body(block) for block in module.blocks]
    module.clocked = body(module.clocked)
    module.rest = [line if _DECLARATION.match(line) else replaced(line) for line in module.rest]


def _places(module: _Module) -> dict[str, tuple[int, ...]]:
    """Find the branch that alone needs a wire, for every wire that has one; wires that nothing needs go nowhere."""
    needed: set[str] = set(module.ports)
    for line in module.rest:
        if not _DECLARATION.match(line) and not _PORT.match(line) and not line.startswith("module "):
            needed.update(names(line))

    def need(text: str, path: tuple[int, ...]) -> None:
        needed.update(names(text))

    for block in module.blocks:
        _visit(block, need)
    sites: dict[str, set[tuple[int, ...]]] = {}

    def site(text: str, path: tuple[int, ...]) -> None:
        for name in names(text):
            sites.setdefault(name, set()).add(path)

    _visit(module.clocked, site)
    users: dict[str, list[str]] = {}
    for name, value in module.assigns.items():
        for source in set(names(value)):
            users.setdefault(source, []).append(name)

    places: dict[str, tuple[int, ...] | None] = {}
    for name in _users_first(module.assigns, users):
        paths = sites.get(name, set()) | {places[user] for user in users.get(name, []) if user in places}
        branches = [path for path in paths if path is not None]
        if name in needed or name not in module.wires or len(branches) < len(paths):
            places[name] = None
        elif branches:
            common = min(branches, key=len)
            while any(path[: len(common)] != common for path in branches):
                common = common[:-2]
            places[name] = common or None
    for name in [name for name in module.assigns if name not in places]:
        del module.assigns[name]
    return {name: place for name, place in places.items() if place is not None}


def _users_first(assigns: dict[str, str], users: dict[str, list[str]]) -> list[str]:
    """Sort wires so that those that use a wire come before it."""
    order: list[str] = []
    seen: set[str] = set()
    for start in assigns:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(users.get(start, [])))]
        while stack:
            name, left = stack[-1]
            user = next((user for user in left if user not in seen), None)
            if user is None:
                order.append(name)
                stack.pop()
            else:
                seen.add(user)
                stack.append((user, iter(users.get(user, []))))
    return order


def _write(module: _Module) -> list[str]:
    """Put a module together again."""
    places = _places(module)
    moved: dict[tuple[int, ...], list[str]] = {}
    for name, place in reversed(places.items()):
        moved.setdefault(place, []).append(f"{written(name)} = {module.assigns.pop(name)};")
    declared = {name: f"reg {module.wires[name]}{written(name)};" for name in places}
    branches = {place: _branch(module.clocked, place) for place in moved}
    for place, statements in moved.items():
        branches[place].declarations = [declared[name] for name, there in places.items() if there == place]
        branches[place].body[:0] = statements

    labels = (f" : branch_{number}" for number in itertools.count())
    text = [f"  assign {written(name)} = {value};" for name, value in module.assigns.items()]
    for body in module.blocks:
        text += ["  always @* begin", *render(body, 4, labels), "  end"]
    if module.clocked:
        text += ["  always @(posedge clk) begin", *render(module.clocked, 4, labels), "  end"]
    # what is declared in a branch, or mentioned nowhere any more, needs no declaration here
    used = module.ports.union(*map(names, text))
    used.update(*(names(line) for line in module.rest if not _DECLARATION.match(line)))
    used.difference_update(places)
    rest = [line for line in module.rest[:-1] if not (d := _DECLARATION.match(line)) or d[3].rstrip() in used]
    return [*rest, *text, "endmodule"]


def procedural(verilog: str) -> str:
    """Rewrite modules as Yosys writes them.

    Parameters
    ----------
    verilog : str
        Modules.

    Returns
    -------
    str
        The same modules, their clocked logic as procedures.

    Raises
    ------
    ValueError
        If a line is of a kind that Yosys was not known to write.
    """
    text: list[str] = []
    lines = verilog.split("\n")
    at = 0
    while at < len(lines):
        if lines[at].startswith("module "):
            end = lines.index("endmodule", at)
            module = _parse(lines[at : end + 1])
            _rename(module)
            text += _write(module)
            at = end + 1
        else:
            text.append(lines[at])
            at += 1
    return "\n".join(text)
