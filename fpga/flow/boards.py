"""The boards: their pins and clocks, what is built for them, and how they are loaded."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from amaranth.build import Attrs, Resource
from amaranth_boards.icebreaker import ICEBreakerPlatform
from amaranth_boards.orangecrab_r0_2 import OrangeCrabR0_2_25FPlatform
from amaranth_boards.resources import UARTResource
from amaranth_boards.tang_nano_9k import TangNano9kPlatform
from amaranth_boards.ulx3s import ULX3S_12F_Platform, ULX3S_25F_Platform, ULX3S_45F_Platform, ULX3S_85F_Platform

from fpga.flow.floorplan import Floor


class BoardError(ValueError):
    """There is no such board; the message is one line."""


@dataclass(frozen=True)
class Board:
    """A board.

    Attributes
    ----------
    title : str
        What its maker calls it.
    device : str
        Its FPGA.
    platform : type
        Class of amaranth-boards: pins, oscillator, constraint file.
    family : str
        ``ice40``, ``ecp5`` or ``gowin``.
    flip_flops : int
        Flip-flops of the FPGA.
    target_mhz : float
        Clock that the PLL makes, and that place and route must reach.
    baud : int
        Speed of the serial line.
    config : str
        Configuration of the machine that is built for it.
    serial : str
        Where the serial line is.
    loader : str
        What openFPGALoader calls it.
    place : str
        Options of place and route: the device, and what its being full asks for.
    pack : str
        Options of the packer.
    synthesis : str
        Options of Yosys's ``synth_FAMILY``.
    mapping_ps : int
        Delay of a path, in the units of ABC's models, which ignore most of the wires, up to which its look-up tables
        shall be few rather than fast; 0 for fast everywhere.
    floor : Floor or None
        Where block RAMs of the lanes are put; None leaves it to the placer.
    seeds : tuple of int
        Seeds of the placer, in the order in which they are tried.
    resources : tuple of Resource
        Resources beyond those of the platform.
    """

    title: str
    device: str
    platform: Any
    family: str
    flip_flops: int
    target_mhz: float
    baud: int
    config: str
    serial: str
    loader: str
    place: str
    pack: str = ""
    synthesis: str = ""
    mapping_ps: int = 0
    floor: Floor | None = None
    seeds: tuple[int, ...] = (1, 2, 3, 4)
    resources: tuple[Resource, ...] = field(default=())


#: Boards by name.
BOARDS = {
    "ulx3s": Board(
        title="ULX3S 85F",
        device="ECP5 LFE5U-85F-6",
        platform=ULX3S_85F_Platform,
        family="ecp5",
        flip_flops=83_640,
        target_mhz=100 / 3,
        baud=1_000_000,
        config="ulx3s",
        serial="FT231X of socket US1",
        loader="ulx3s",
        # the wires are long: timing must weigh more in the placer than it does for nextpnr
        place="--85k --package CABGA381 --speed 6 --router router2 --placer-heap-timingweight 150",
        pack="--compress",
        mapping_ps=5000,
        floor=Floor(bands=((22, 46), (70, 82)), groups=13, middle=7),
    ),
    "orangecrab": Board(
        title="OrangeCrab r0.2 25F",
        device="ECP5 LFE5U-25F-8",
        platform=OrangeCrabR0_2_25FPlatform,
        family="ecp5",
        flip_flops=24_288,
        target_mhz=50,
        baud=1_000_000,
        config="orangecrab",
        # its USB socket goes to the FPGA itself, which would have to be a USB device
        serial="header pins 0 (rx) and 1 (tx), 3.3 V, with a USB-serial cable of your own",
        loader="orangeCrab",
        place="--25k --package CSFBGA285 --speed 8 --router router2",
        pack="--compress --freq 38.8",
        mapping_ps=5000,
        floor=Floor(bands=((25, 37),), groups=7, middle=3),
        resources=(UARTResource(0, rx="0", tx="1", conn=("io", 0), attrs=Attrs(IO_TYPE="LVCMOS33", PULLMODE="UP")),),
    ),
    "icebreaker": Board(
        title="iCEBreaker 1.0",
        device="iCE40UP5K-SG48",
        platform=partial(ICEBreakerPlatform, toolchain="IceStorm"),
        family="ice40",
        flip_flops=5_280,
        target_mhz=24,
        baud=3_000_000,
        config="icebreaker",
        serial="second channel of the FT2232H of its USB socket",
        loader="ice40_generic",
        # of 5280 logic cells 92 % are used: the first router does not get through, the second not with every seed
        place="--up5k --package sg48 --router router2",
        seeds=(5, 3, 4),
        synthesis="-device u -dsp -spram -dffe_min_ce_use 3",
    ),
    "tangnano9k": Board(
        title="Tang Nano 9K",
        device="Gowin GW1NR-9C",
        platform=TangNano9kPlatform,
        family="gowin",
        flip_flops=6_480,
        target_mhz=54,
        baud=1_000_000,
        config="tangnano9k",
        serial="second channel of the BL702 of its USB socket",
        loader="tangnano9k",
        place="--device GW1NR-LV9QN88PC6/I5 --vopt family=GW1N-9C",
        pack="-d GW1N-9C",
        # a wide multiplexer takes look-up tables only, so registers reach it through tables of their own, and
        # its cells must lie side by side, which a device that is nearly full has no room for
        synthesis="-nowidelut",
    ),
}


def _smaller_ulx3s(device: str, platform: type, floor: Floor | None) -> Board:
    """Make a ULX3S with another FPGA, whose block RAMs hold a smaller machine."""
    # the two smallest are one die
    size, flip_flops = {"12F": ("12k", 24_288), "25F": ("25k", 24_288), "45F": ("45k", 43_848)}[device]
    full = BOARDS["ulx3s"]
    return replace(
        full,
        title=f"ULX3S {device}",
        device=f"ECP5 LFE5U-{device}-6",
        platform=platform,
        flip_flops=flip_flops,
        config="orangecrab",
        place=full.place.replace("--85k", f"--{size}"),
        floor=floor,
    )


#: Boards that differ from one of `BOARDS` in their FPGA.
VARIANTS = {
    "ulx3s-12f": _smaller_ulx3s("12F", ULX3S_12F_Platform, BOARDS["orangecrab"].floor),
    "ulx3s-25f": _smaller_ulx3s("25F", ULX3S_25F_Platform, BOARDS["orangecrab"].floor),
    "ulx3s-45f": _smaller_ulx3s("45F", ULX3S_45F_Platform, None),
}


def board(name: str) -> Board:
    """Give a board by its name.

    Raises
    ------
    BoardError
        If there is none.
    """
    known = BOARDS | VARIANTS
    if name not in known:
        raise BoardError(f"unknown board {name!r}: give one of {', '.join(known)}, or a file .toml or .py")
    return known[name]
