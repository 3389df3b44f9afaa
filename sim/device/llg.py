"""Switching of a macrospin by an independent solver of the stochastic Landau-Lifshitz-Gilbert equation.

The solver is that of the package cmtj, which knows nothing of the closed forms. It gets the junction and the
temperature, starts from thermal equilibrium, and is asked at which time the magnetisation has crossed the equator.

Its solver mode ``EulerHeun``, the default where there is a temperature, does not scale the noise with the time step
(version 1.15: at 1 ps a junction at rest is 40 times too hot); ``Heun`` is used here, and a test compares its
equilibrium with Boltzmann's.
"""

import importlib
import math
from collections.abc import Callable
from importlib import util
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.device.constants import MU0
from golden.device.junction import TO_PARALLEL, Junction

#: Time step of the solver, s.
TIME_STEP = 1e-12

_LAYER = "free"


def missing(junction: Junction) -> str:
    """Say why there can be no comparison, or nothing."""
    if util.find_spec("cmtj") is None:
        return "the package cmtj is not installed: .venv/bin/python -m pip install cmtj"
    if junction.geometry != "perpendicular":
        return f"the comparison is made for perpendicular junctions, and this one is {junction.geometry}"
    return ""


def solver(
    junction: Junction, current: float, temperature: float, direction: int, angle: float, azimuth: float, seed: int
) -> Any:
    """Set up one trajectory.

    Parameters
    ----------
    junction : Junction
        A perpendicular junction.
    current : float
        Current that drives towards `direction`, A; 0 for none.
    temperature : float
        K; 0 for no noise.
    direction : int
        `TO_ANTIPARALLEL` or `TO_PARALLEL`; the magnetisation starts on the other side.
    angle, azimuth : float
        Initial angle from the easy axis and around it, rad.
    seed : int
        Seed of the noise.

    Returns
    -------
    cmtj.Junction
        To run with `runSimulation`.
    """
    # an optional package
    cmtj: Any = importlib.import_module("cmtj")  # optional, and its types are not those of its code

    vector = cmtj.CVector
    room = temperature or junction.reference_temperature
    side = -1 if direction == TO_PARALLEL else 1
    saturation = junction.saturation(room)
    # the anisotropy that gives H_k beside the demagnetising field
    anisotropy = (junction.field(room) + junction.demagnetisation * saturation) * MU0 * saturation / 2
    layer = cmtj.Layer.createSTTLayer(
        _LAYER,
        vector(math.sin(angle) * math.cos(azimuth), math.sin(angle) * math.sin(azimuth), side * math.cos(angle)),
        vector(0, 0, 1),
        MU0 * saturation,
        junction.thickness,
        junction.area,
        [vector(0, 0, 0), vector(0, 0, 0), vector(0, 0, junction.demagnetisation)],
        damping=junction.damping,
        SlonczewskiSpacerLayerParameter=junction.asymmetry,
        beta=0.0,
        spinPolarisation=junction.polarisation,
    )
    layer.setReferenceLayer(vector(0, 0, 1))
    layer.setSeed(seed)
    solver = cmtj.Junction([layer])
    solver.setLayerAnisotropyDriver(_LAYER, cmtj.constantDriver(anisotropy))
    # a positive current of the solver favours the direction of its reference layer
    solver.setLayerCurrentDriver(_LAYER, cmtj.constantDriver(-side * current / junction.area))
    if temperature:
        solver.setLayerTemperatureDriver(_LAYER, cmtj.constantDriver(temperature))
    return solver


def magnetisation(solver: Any, duration: float, interval: float, *, noise: bool = True) -> NDArray[np.float64]:
    """Run a trajectory.

    Parameters
    ----------
    solver : cmtj.Junction
        From `solver`.
    duration, interval : float
        Length, and time between the points returned, s.
    noise : bool
        Whether there is a temperature.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        Time in s, and the unit vector of the magnetisation.
    """
    cmtj: Any = importlib.import_module("cmtj")  # optional, and its types are not those of its code

    solver.runSimulation(duration, TIME_STEP, interval, solverMode=cmtj.Heun if noise else cmtj.RK4)
    log = solver.getLog()
    return np.stack([log["time"], *(log[f"{_LAYER}_m{axis}"] for axis in "xyz")], axis=1)


def equilibrium_angles(stability: float, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw initial angles, rad, from Boltzmann's distribution sin(theta) exp(-Delta sin^2 theta) of one side."""
    theta = np.linspace(0, math.pi / 2, 100_001)
    weight = np.cumsum(np.sin(theta) * np.exp(-stability * np.sin(theta) ** 2))
    return np.interp(rng.random(count), weight / weight[-1], theta)


def switched(
    junction: Junction,
    current: float,
    temperature: float,
    direction: int,
    widths: NDArray[np.float64],
    count: int,
    seed: int,
    advance: Callable[[], object] = lambda: None,
) -> NDArray[np.int64]:
    """Count trajectories that are beyond the equator when the pulse ends.

    One trajectory answers for all widths, so the counts of different widths depend on each other; each by itself is
    binomial.

    Parameters
    ----------
    junction : Junction
        A perpendicular junction.
    current, temperature : float
        A and K.
    direction : int
        `TO_ANTIPARALLEL` or `TO_PARALLEL`.
    widths : ndarray of float64, shape (n,)
        Pulse widths, s, multiples of 0.1 ns.
    count : int
        Trajectories.
    seed : int
        Seed of initial angles and noise.
    advance : callable
        Called after every trajectory.

    Returns
    -------
    ndarray of int64, shape (n,)
        Switched trajectories, 0 .. count.
    """
    rng = np.random.default_rng([seed, direction])
    angles = equilibrium_angles(junction.stability(temperature), count, rng)
    azimuths, seeds = rng.uniform(0, 2 * math.pi, count), rng.integers(1, 2**31, count)
    side = -1 if direction == TO_PARALLEL else 1
    found = np.zeros(len(widths), np.int64)
    for angle, azimuth, noise in zip(angles.tolist(), azimuths.tolist(), seeds.tolist(), strict=True):
        run = solver(junction, current, temperature, direction, angle, azimuth, noise)
        path = magnetisation(run, float(widths.max()) + 2e-10, 1e-10)
        found += side * np.interp(widths, path[:, 0], path[:, 3]) < 0
        advance()
    return found
