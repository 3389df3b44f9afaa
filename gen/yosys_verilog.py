"""Statements of Verilog as Yosys writes them: read into a tree, and written again."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

#: A name; an escaped one ends with a blank.
NAME = r"(?:\\\S+(?: |$)|[A-Za-z_][\w$]*)"
#: Every name in a text as group 1; numbers and system functions match without.
NAMES = re.compile(rf"\d+'s?[bdh][0-9a-fxz?]+|\$\w+\(|(?<![\w$])({NAME})")
#: An assignment: target, operator, value.
STATEMENT = re.compile(r"(.*?) *(<?=) (.*);$")

_BRANCH = re.compile(r"(?:end )?(?:else )?(?:if \((.*)\) )?begin$")
_END = re.compile(r"end(?![\w$])")
#: Words of the language that look like names.
_WORDS = {
    "assign",
    "always",
    "begin",
    "case",
    "casez",
    "default",
    "else",
    "end",
    "endcase",
    "endmodule",
    "if",
    "posedge",
}


def names(text: str) -> Iterator[str]:
    """Yield the names in a piece of Verilog, without the blank that ends an escaped one."""
    for found in NAMES.finditer(text):
        if found[1] and found[1] not in _WORDS:
            yield found[1].rstrip()


def written(name: str) -> str:
    """Write a name: an escaped one ends with a blank."""
    return name + " " if name.startswith("\\") else name


@dataclass
class Branch:
    """One branch of an ``if`` or ``casez``: its condition (None for ``else``), its statements, its own variables."""

    condition: str | None
    body: "Body"
    declarations: list[str] = field(default_factory=list)


@dataclass
class Choice:
    """An ``if`` with its ``else`` branches, or a ``casez`` with its items."""

    head: str
    branches: list[Branch]


#: Statements in order: an assignment as text, or a choice.
Body = list["str | Choice"]


class Parser:
    """Reads the lines of a block."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = [line.strip() for line in lines]
        self._at = 0

    def body(self) -> Body:
        """Read statements up to the ``end`` of the block, or to the last line."""
        found: Body = []
        while self._at < len(self._lines) and not _END.match(self._lines[self._at]):
            found += self._statement()
        return found

    def _take(self) -> str:
        self._at += 1
        return self._lines[self._at - 1]

    def _statement(self) -> Body:
        line = self._take()
        if line.startswith("if ("):
            return self._if(line)
        if line.startswith("casez "):
            return [self._case(line)]
        if line == "begin":
            body = self.body()
            self._take()
            return body
        if line.startswith("/*"):  # an empty item
            return []
        if not line.endswith(";"):
            raise ValueError(f"unknown statement {line!r}")
        return [line]

    def _if(self, line: str) -> Body:
        if line.endswith("begin end"):  # Yosys's own starter of blocks at time 0
            return []
        if not line.endswith("begin"):  # a single statement on the next line
            return [Choice("if", [Branch(line[4:-1], self._statement())])]
        branches = []
        while line != "end":
            head = _BRANCH.match(line)
            if head is None:
                raise ValueError(f"unknown branch {line!r}")
            branches.append(Branch(head[1], self.body()))
            line = self._take()
        return [Choice("if", branches)]

    def _case(self, line: str) -> Choice:
        branches = []
        while (item := self._take()) != "endcase":
            branches.append(Branch(item, self._statement()))
        return Choice(line, branches)


def render(body: Body, indent: int, labels: Iterator[str]) -> Iterator[str]:
    """Write statements; branches with variables of their own get a label."""
    blank = " " * indent
    for item in body:
        if isinstance(item, str):
            yield blank + item
            continue
        if item.head != "if":
            yield blank + item.head
        deeper = indent + 2 if item.head == "if" else indent + 4
        for number, branch in enumerate(item.branches):
            if item.head != "if":
                head = f"{blank}  {branch.condition} "
            else:
                condition = f"if ({branch.condition}) " if branch.condition is not None else ""
                head = f"{blank}{'end else ' if number else ''}{condition}"
            yield f"{head}begin{next(labels) if branch.declarations else ''}"
            yield from (" " * deeper + declaration for declaration in branch.declarations)
            yield from render(branch.body, deeper, labels)
            if item.head != "if":
                yield f"{blank}  end"
        yield blank + ("end" if item.head == "if" else "endcase")
