"""Where results are computed: in the branch that needs them, and only then.

A simulator evaluates what is assigned continuously in every cycle. Most of the machine is idle in any one cycle,
though: lanes do not accumulate while pulses are given. Here branches of equal conditions become one, a branch whose
condition implies another's goes into it, a result that only one branch needs is computed there, and what reads a
register comes before what assigns it, which spares a simulator a copy of the register. The hardware is the same; only
the work of a simulator is less.
"""

from collections.abc import Callable, Iterator

from gen.logic import Assign, Body, Branch, Choice, ModuleLogic, Node, Variable, targets

#: Operators in one expression, beyond which a part of it gets a name.
_LONG = 12

Place = tuple[Branch, ...]


def arranged(module: ModuleLogic) -> dict[Node, Variable]:
    """Arrange a module in place.

    Parameters
    ----------
    module : ModuleLogic
        The module.

    Returns
    -------
    dict of Node to Variable
        Expressions that are computed into a variable.
    """
    _resolve_wiring(module)
    _drop_dead(module)
    for clock in module.clocks:
        clock.branch.body = _nested(module, _merged(clock.branch.body))
        _join(module, clock.branch.body)
        clock.branch.body = _readers_first(module, clock.branch.body)
    names = _named(module)
    _sink(module, names)
    return names


# --- expressions in statements ---------------------------------------------------------------------------------------


def _expressions(body: Body) -> Iterator[Node]:
    """Yield all expressions of statements."""
    for item in body:
        if isinstance(item, Assign):
            yield item.value
            if item.row is not None:
                yield item.row
            continue
        if item.test is not None:
            yield item.test
        for branch in item.branches:
            if isinstance(branch.when, Node):
                yield branch.when
            yield from _expressions(branch.body)


def _variables(roots: list[Node], seen: set[Node]) -> Iterator[Variable]:
    """Yield the variables that expressions read, but those in expressions seen before."""
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.op in ("read", "row"):
            yield node.variable
        stack += node.args


def _roots(module: ModuleLogic) -> list[Node]:
    """Find all expressions that are needed for themselves: of clocked logic, instances and outputs."""
    roots = [node for clock in module.clocks for node in _expressions(clock.branch.body)]
    roots += [node for instance in module.instances for node in instance.inputs.values()]
    for variable, body in module.definitions.items():
        if variable.direction:
            roots += _expressions(body)
    return roots


def _is_wiring(node: Node) -> bool:
    """Whether an expression only picks and joins bits of variables."""
    return node.op in ("const", "read") or (node.op in ("slice", "cat") and all(map(_is_wiring, node.args)))


def _resolve_wiring(module: ModuleLogic) -> None:
    """Read one variable by one name, and of joined words only those of which bits are needed."""
    names: dict[Variable, Node] = {}
    joined: dict[Variable, Node] = {}
    for variable, body in module.definitions.items():
        if len(body) == 1 and isinstance(item := body[0], Assign):
            if item.value.op in ("const", "read"):
                names[variable] = item.value
            elif item.value.op == "cat":
                joined[variable] = item.value
    known: dict[Node, Node] = {}

    def resolved(node: Node) -> Node:
        if node not in known:
            known[node] = node  # where logic goes in a circle
            args = tuple(map(resolved, node.args))
            if node.op == "read":
                known[node] = resolved(names[node.variable]) if node.variable in names else node
            elif node.op == "slice" and args[0].op == "read" and args[0].variable in joined:
                picked = module.logic.slice(joined[args[0].variable], node.number, node.width)
                known[node] = resolved(picked) if _is_wiring(picked) else module.logic.remade(node, args)
            else:
                known[node] = module.logic.remade(node, args)
        return known[node]

    for body in module.bodies:
        _replace(body, resolved)
    for instance in module.instances:
        instance.inputs = {port: resolved(node) for port, node in instance.inputs.items()}


def _replace(body: Body, by: Callable[[Node], Node]) -> None:
    """Put other expressions in the place of those in statements."""
    for item in body:
        if isinstance(item, Assign):
            item.value = by(item.value)
            item.row = None if item.row is None else by(item.row)
            continue
        item.test = None if item.test is None else by(item.test)
        for branch in item.branches:
            branch.when = by(branch.when) if isinstance(branch.when, Node) else branch.when
            _replace(branch.body, by)


def _drop_dead(module: ModuleLogic) -> None:
    """Leave out what nothing needs."""
    seen: set[Node] = set()
    live = {variable for variable in module.definitions if variable.direction}
    todo = list(_variables(_roots(module), seen))
    used = set(live)
    while todo:
        variable = todo.pop()
        used.add(variable)
        if variable in module.definitions and variable not in live:
            live.add(variable)
            todo += _variables(list(_expressions(module.definitions[variable])), seen)
    module.definitions = {variable: body for variable, body in module.definitions.items() if variable in live}
    for clock in module.clocks:
        used |= targets(clock.branch.body)
    for instance in module.instances:
        used.update(variable for pieces in instance.outputs.values() for variable, *_ in pieces)
    clocks = {clock.name for clock in module.clocks}
    module.variables = [v for v in module.variables if v in used or v.direction or v.name in clocks]


# --- clocked logic ---------------------------------------------------------------------------------------------------


def _same(one: Choice, other: Choice) -> bool:
    """Whether both choose by the same conditions, as far as both go; by patterns, all of them."""
    mine, others = ([branch.when for branch in choice.branches] for choice in (one, other))
    if one.test is not other.test or (one.test is not None and mine != others):
        return False
    return all(a is b or (a == b and not isinstance(a, Node)) for a, b in zip(mine, others, strict=False))


def _merged(body: Body) -> Body:
    """Join choices of the same conditions, where nothing between them assigns the same variables."""
    found: Body = []
    written: list[set[Variable]] = []
    for item in body:
        mine = targets([item])
        place = None
        if isinstance(item, Choice):
            for at in range(len(found) - 1, -1, -1):
                there = found[at]
                if isinstance(there, Choice) and _same(there, item):
                    place = at
                    break
                if written[at] & mine:
                    break
        if place is None:
            found.append(item)
            written.append(mine)
            continue
        there = found[place]
        assert isinstance(there, Choice)
        assert isinstance(item, Choice)
        for one, other in zip(there.branches, item.branches, strict=False):
            one.body += other.body
        there.branches += item.branches[len(there.branches) :]
        written[place] |= mine
    for item in found:
        if isinstance(item, Choice):
            for branch in item.branches:
                branch.body = _merged(branch.body)
    return found


def _implied(module: ModuleLogic, condition: Node) -> set[Node]:
    """Find conditions that a condition implies: the terms of an AND, by whatever names."""
    found: set[Node] = set()
    stack = [condition]
    while stack:
        node = stack.pop()
        if node in found:
            continue
        found.add(node)
        if node.op == "&":
            stack += node.args
        elif node.op == "read":
            body = module.definitions.get(node.variable, [])
            if len(body) == 1 and isinstance(body[0], Assign):
                stack.append(body[0].value)
    return found


def _nested(module: ModuleLogic, body: Body) -> Body:
    """Put a branch whose condition implies that of another into the other."""
    items = list(body)
    for item in list(items):
        if not isinstance(item, Choice) or len(item.branches) != 1 or not isinstance(item.branches[0].when, Node):
            continue
        # of a register that others assign too, synthesis finds the enable in a flat list of conditions
        if targets([item]) & targets([other for other in items if other is not item]):
            continue
        condition = item.branches[0].when
        implied = _implied(module, condition) - {condition}
        for other in items:
            if isinstance(other, Choice) and other.test is None and other.branches[0].when in implied:
                items.remove(item)
                other.branches[0].body.append(item)
                break
    for item in items:
        if isinstance(item, Choice):
            for branch in item.branches:
                branch.body = _nested(module, _merged(branch.body))
    return items


def _join(module: ModuleLogic, body: Body) -> None:
    """Assign a register at once of which one branch assigns all pieces: a simulator copies what is assigned in part."""
    for item in body:
        for branch in item.branches if isinstance(item, Choice) else ():
            _join(module, branch.body)
    pieces: dict[Variable, list[Assign]] = {}
    for item in body:
        if isinstance(item, Assign) and item.row is None:
            pieces.setdefault(item.target, []).append(item)
    for variable, items in pieces.items():
        first, last = body.index(items[0]), body.index(items[-1])
        ordered = sorted(items, key=lambda item: item.low)
        ends = [0, *(item.low + item.value.width for item in ordered)]
        whole = ends[:-1] == [item.low for item in ordered] and ends[-1] == variable.width
        if (
            len(items) > 1
            and whole
            and not any(variable in targets([other]) for other in body[first:last] if isinstance(other, Choice))
        ):
            body[last] = Assign(variable, 0, module.logic.cat([item.value for item in ordered]))
            for item in items[:-1]:
                body.remove(item)


def _readers_first(module: ModuleLogic, body: Body) -> Body:
    """Sort statements: what reads a register before what assigns it, the widest first where not all can be had."""
    registers = targets(body)
    reads = [_registers_read(module, [item], registers) for item in body]
    writes = [targets([item]) for item in body]
    # statement -> those that have to come after it; of one register the last assignment counts
    later = [{j for j in range(i + 1, len(body)) if writes[i] & writes[j]} for i in range(len(body))]
    for register in sorted(registers, key=lambda variable: (-variable.width, variable.name)):
        writers = {i for i, written in enumerate(writes) if register in written}
        for reader in (i for i, read in enumerate(reads) if register in read):
            later[reader] |= {i for i in writers - {reader} if not _leads(later, i, reader)}
    return [body[i] for i in _sorted(later)]


def _registers_read(module: ModuleLogic, body: Body, registers: set[Variable]) -> set[Variable]:
    """Find the registers that statements read, themselves or through what is assigned continuously."""
    seen: set[Node] = set()
    found: set[Variable] = set()
    bodies = [body]
    while bodies:
        for variable in _variables(list(_expressions(bodies.pop())), seen):
            if variable in registers:
                found.add(variable)
            elif variable in module.definitions:
                bodies.append(module.definitions[variable])
    return found


def _leads(later: list[set[int]], start: int, end: int) -> bool:
    """Whether one statement has to come before another, or is the same."""
    reached: set[int] = set()
    stack = [start]
    while stack:
        at = stack.pop()
        if at not in reached:
            reached.add(at)
            stack += later[at]
    return end in reached


def _sorted(later: list[set[int]]) -> list[int]:
    """Sort statements as they have to come, otherwise in the order that they had."""
    order: list[int] = []
    left = list(range(len(later)))
    while left:
        first = next(i for i in left if not any(i in later[j] for j in left))
        left.remove(first)
        order.append(first)
    return order


# --- names -----------------------------------------------------------------------------------------------------------


def _is_leaf(node: Node) -> bool:
    """Whether an expression costs nothing to repeat."""
    if node.op == "slice":
        return node.args[0].op == "read"
    if node.op in ("~", "cat"):
        return len(node.args) <= 2 and all(arg.op in ("const", "read") or arg.op == "slice" for arg in node.args)
    return node.op in ("const", "read")


def _named(module: ModuleLogic) -> dict[Node, Variable]:
    """Give a variable to every expression that is used twice, that is long or of which bits are taken."""
    names: dict[Node, Variable] = {}
    for variable, body in module.definitions.items():
        if len(body) == 1 and isinstance(item := body[0], Assign) and not _is_leaf(item.value):
            names.setdefault(item.value, variable)
    roots = [node for body in module.bodies for node in _expressions(body)]
    roots += [node for instance in module.instances for node in instance.inputs.values()]
    uses: dict[Node, int] = {}
    inner: set[Node] = set()
    held: set[Node] = set()
    order: list[Node] = []
    for start in roots:
        uses[start] = uses.get(start, 0) + 1
        if uses[start] > 1:
            continue
        stack = [(start, iter(start.args))]
        while stack:
            node, left = stack[-1]
            for arg in left:
                inner.add(arg)
                if node.op in ("slice", "part") and arg is node.args[0] and arg.op != "read":
                    held.add(arg)
                uses[arg] = uses.get(arg, 0) + 1
                if uses[arg] == 1:
                    stack.append((arg, iter(arg.args)))
                    break
            else:
                order.append(node)
                stack.pop()
    taken = {variable.name for variable in module.variables} | {instance.name for instance in module.instances}
    sizes: dict[Node, int] = {}
    count = 0
    for node in order:
        size = 1 + sum(sizes[arg] for arg in node.args)
        repeated = uses[node] > 1 and not _is_leaf(node)
        long = size > _LONG and node in inner and not _is_leaf(node)
        if node not in names and (node in held or node.op == "choose" or repeated or long):
            while (name := f"{_TEMPORARY.get(node.op, 'word')}${count}") in taken:
                count += 1
            count += 1
            variable = Variable(name, node.width)
            names[node] = variable
            module.variables.append(variable)
            module.definitions[variable] = _computed(variable, node)
        sizes[node] = 1 if node in names else size
    for variable, body in module.definitions.items():
        if len(body) == 1 and isinstance(item := body[0], Assign) and item.value.op == "choose":
            module.definitions[variable] = _computed(variable, item.value, names)
    return names


#: Names of temporaries, by what computes them.
_TEMPORARY = {
    **{"+": "sum", "-": "difference", "*": "product", "==": "equal", "!=": "differ", "<": "less", "s<": "less"},
    **{"&": "and", "|": "or", "^": "xor", "~": "not", "?": "chosen", "choose": "chosen", "r|": "any", "r&": "all"},
}


def _computed(variable: Variable, node: Node, names: dict[Node, Variable] | None = None) -> Body:
    """Write the statements that compute an expression into a variable."""
    if node.op != "choose" or (names is not None and names[node] is not variable):
        return [Assign(variable, 0, node)]
    assert isinstance(node.value, tuple)
    test, *elements = node.args
    branches = [
        Branch(patterns, [Assign(variable, 0, element)]) for patterns, element in zip(node.value, elements, strict=True)
    ]
    return [Choice(test, branches)]


# --- places ----------------------------------------------------------------------------------------------------------


def _read_through(node: Node, names: dict[Node, Variable], whole: Variable | None) -> Iterator[Variable]:
    """Yield the variables that an expression reads as it is written, named parts being variables."""
    stack = [node]
    while stack:
        at = stack.pop()
        name = names.get(at)
        if name is not None and name is not whole:
            yield name
            continue
        if at.op in ("read", "row"):
            yield at.variable
        stack += at.args


def _sites(
    body: Body, names: dict[Node, Variable], place: Place, whole: Variable | None = None
) -> Iterator[tuple[Variable, Place]]:
    """Yield every variable that statements read, with the branch in which."""
    for item in body:
        if isinstance(item, Assign):
            for node in (item.value, item.row):
                if node is not None:
                    yield from ((variable, place) for variable in _read_through(node, names, whole))
            continue
        if item.test is not None:
            yield from ((variable, place) for variable in _read_through(item.test, names, whole))
        for branch in item.branches:
            if isinstance(branch.when, Node):
                yield from ((variable, place) for variable in _read_through(branch.when, names, whole))
            yield from _sites(branch.body, names, (*place, branch), whole)


def _sink(module: ModuleLogic, names: dict[Node, Variable]) -> None:
    """Move what computes a variable into the branch that alone needs it."""
    reads = {v: [read for read, _ in _sites(body, names, (), v)] for v, body in module.definitions.items()}
    order = _users_first(module, reads)
    # what is read after it was placed lies in a circle of variables, and stays outside of all branches
    fixed: set[Variable] = set()
    while (sunk := _placed(module, names, reads, order, fixed)) is None:
        pass
    for variable, branch in reversed(sunk.items()):
        branch.locals.append((variable, module.definitions.pop(variable)))


def _placed(
    module: ModuleLogic,
    names: dict[Node, Variable],
    reads: dict[Variable, list[Variable]],
    order: list[Variable],
    fixed: set[Variable],
) -> dict[Variable, Branch] | None:
    """Find the branch that alone needs a variable, users first; None if one has to be fixed, and now is."""
    sites: dict[Variable, list[Place | None]] = {v: [None] for v in module.definitions if v.direction or v in fixed}
    for clock in module.clocks:
        for variable, place in _sites(clock.branch.body, names, (clock.branch,)):
            sites.setdefault(variable, []).append(place)
    for instance in module.instances:
        for node in instance.inputs.values():
            for variable in _read_through(node, names, None):
                sites.setdefault(variable, []).append(None)
    sunk: dict[Variable, Branch] = {}
    for variable in order:
        place = _common(sites.get(variable, []))
        # in a branch of clocked logic; to synthesis a variable of a combinational one would be a latch
        inside = place if place is not None and len(place) > 1 else None
        if inside is not None:
            sunk[variable] = inside[-1]
        earlier = sunk.keys() & set(reads[variable])
        if earlier:
            fixed |= earlier
            return None
        for read in reads[variable]:
            sites.setdefault(read, []).append(inside)
    return sunk


def _common(places: "list[Place | None]") -> Place | None:
    """Find the innermost branch that contains all places."""
    if not places or any(place is None for place in places):
        return None
    known = [place for place in places if place is not None]
    common = min(known, key=len)
    while any(place[: len(common)] != common for place in known):
        common = common[:-1]
    return common


def _users_first(module: ModuleLogic, reads: dict[Variable, list[Variable]]) -> list[Variable]:
    """Sort combinational variables so that those that read a variable come before it."""
    order: list[Variable] = []
    seen: set[Variable] = set()
    for start in module.definitions:
        if start in seen:
            continue
        seen.add(start)
        stack = [(start, iter(reads[start]))]
        while stack:
            variable, left = stack[-1]
            following = next((v for v in left if v in module.definitions and v not in seen), None)
            if following is None:
                order.append(variable)
                stack.pop()
            else:
                seen.add(following)
                stack.append((following, iter(reads[following])))
    return order[::-1]
