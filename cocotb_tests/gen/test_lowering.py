"""What is not translated is refused with one line; that the rest means the same is proven in `test_lowering_proof`."""

# Ports come from signatures, which the checker of types does not see.
# pyright: reportAttributeAccessIssue=false

from collections.abc import Callable

import pytest
from amaranth.hdl import Assert, ClockDomain, Module, Signal, signed, unsigned
from amaranth.lib import memory
from amaranth.lib.wiring import In, Out

from cocotb_tests.kit.built import Built
from gen import lowering

_PORTS = {"a": In(signed(4)), "at": In(3), "q": Out(4)}


def _asynchronous_reset(m: Module, p: Built) -> None:
    m.domains.sync = ClockDomain(async_reset=True)
    m.d.sync += p.q.eq(p.a)


def _falling_edge(m: Module, p: Built) -> None:
    m.domains.sync = ClockDomain(clk_edge="neg")
    m.d.sync += p.q.eq(p.a)


def _transparent(m: Module, p: Built) -> None:
    m.submodules.memory = kept = memory.Memory(shape=unsigned(4), depth=8, init=[])
    write = kept.write_port()
    m.d.comb += p.q.eq(kept.read_port(transparent_for=[write]).data)


def _two_drivers(m: Module, p: Built) -> None:
    m.submodules.inner = inner = Module()
    inner.d.comb += p.q[0].eq(p.a[0])
    m.d.comb += p.q[1:].eq(p.a[1:])


def _mixed(m: Module, p: Built) -> None:
    m.d.comb += p.q[0].eq(p.a[0])
    m.d.sync += p.q[1:].eq(p.a[1:])


def _beyond_a_signed_word(m: Module, p: Built) -> None:
    m.d.comb += p.q.eq(p.a.bit_select(p.at, 2))


def _assertion(m: Module, p: Built) -> None:
    m.d.sync += Assert(p.a != 3, "three")


def _division(m: Module, p: Built) -> None:
    m.d.comb += p.q.eq(p.at // 3)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (_asynchronous_reset, "clock domain sync: only rising edges and synchronous reset"),
        (_falling_edge, "clock domain sync: only rising edges and synchronous reset"),
        (_transparent, "memory memory: transparent ports"),
        (_two_drivers, "q is driven in top.inner and in another module: drive it in one"),
        (_mixed, "q is in part a register: give the register a name of its own"),
        (_beyond_a_signed_word, "reaches beyond a signed word"),
        (_assertion, "only assignments are translated"),
        (_division, "operator //"),
    ],
    ids=lambda value: value.__name__.strip("_") if callable(value) else "",
)
def test_refused(build: Callable[[Module, Built], None], says: str) -> None:
    """A construct that no part of the machine needs is refused by name, not translated wrongly."""
    with pytest.raises(lowering.UnsupportedError) as raised:
        lowering.modules(Built(_PORTS, build), "top")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_hierarchy() -> None:
    """Submodules are called after where they are; the component's own module comes first, clock and reset first."""

    def build(m: Module, p: Built) -> None:
        m.submodules.inner = inner = Module()
        inner.submodules.core = core = Module()
        core.d.sync += p.q.eq(p.a)

    found = lowering.modules(Built(_PORTS, build), "top")
    assert [module.name for module in found] == ["top", "top_inner", "top_inner_core"]
    assert [(port.name, port.direction) for port in found[0].variables if port.direction] == [
        *[("clk", "input"), ("rst", "input"), ("a", "input"), ("at", "input"), ("q", "output")]
    ]
    assert {(port.name, port.direction) for port in found[2].variables} == {
        *[("clk", "input"), ("rst", "input"), ("a", "input"), ("q", "output")]
    }


def test_register_without_reset() -> None:
    """Power-on has a value, reset has none."""
    register = Signal(4, name="register", init=5, reset_less=True)

    def build(m: Module, p: Built) -> None:
        m.d.sync += register.eq(p.a)
        m.d.comb += p.q.eq(register)

    (module,) = lowering.modules(Built(_PORTS, build), "top")
    (variable,) = [variable for variable in module.variables if variable.name == "register"]
    assert variable.initial == [5]
    assert len(module.clocks[0].branch.body) == 1
