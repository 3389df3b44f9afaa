"""One magnetic tunnel junction: what it is made of, and what follows from that at a temperature."""

import math
from dataclasses import dataclass

from golden.device.computable import computable
from golden.device.constants import BOLTZMANN, ELEMENTARY_CHARGE, GYROMAGNETIC, HBAR, MU0

#: Directions of a switching event.
TO_ANTIPARALLEL, TO_PARALLEL = 0, 1

#: Where the free layer's easy axis lies.
GEOMETRIES = ("perpendicular", "in_plane")

_FINITE = {
    "length": (0, "m"),
    "width": (0, "m"),
    "thickness": (0, "m"),
    "magnetisation": (0, "A/m"),
    "damping": (0, ""),
    "asymmetry": (0, ""),
    "resistance": (0, "ohm"),
    "bias_half": (0, "V"),
    "attempt_time": (0, "s"),
    "reference_temperature": (0, "K"),
}


@dataclass(frozen=True)
class Junction:
    """Parameters of a junction whose free layer is an ellipse that moves as one spin.

    Everything else follows from these numbers, so that temperature acts on all of it consistently: the magnetisation
    follows Bloch's law ``M_s(T) ~ 1 - bloch T^1.5`` and the interface anisotropy a power of the magnetisation
    ``K_i(T) ~ M_s(T)^anisotropy_power`` (Callen and Callen 1966); field, stability, thermal angle, critical currents
    and time constant are formed from M_s(T) and K_i(T). Both dependences are off by default.

    Attributes
    ----------
    geometry : {'perpendicular', 'in_plane'}
        Where the free layer's easy axis lies. Decides the formulas; a parameter that belongs to the other geometry is
        refused.
    length, width : float, > 0
        Axes of the ellipse, m.
    thickness : float, > 0
        Thickness of the free layer, m.
    magnetisation : float, > 0
        Saturation magnetisation M_s at the reference temperature, A/m.
    damping : float, > 0
        Gilbert damping alpha.
    polarisation : float, above 0 and below 1
        Spin polarisation P.
    anisotropy : float, >= 0
        Interface anisotropy K_i at the reference temperature, J/m^2; ``perpendicular`` only.
    demagnetisation : float, above 0 and at most 1
        ``perpendicular``: N_z, which lowers the anisotropy field by N_z M_s; ``in_plane``: difference of the two
        in-plane factors, which alone makes the easy axis.
    asymmetry : float, > 0
        Slonczewski's Lambda: at equal current the torque towards parallel is Lambda^2 times the one towards
        antiparallel.
    resistance : float, > 0
        Parallel resistance R_p, ohm.
    tmr : float, > 0
        Tunnel magnetoresistance at no bias, 2.5 for 250 %; by default Julliere's ``2 P^2 / (1 - P^2)``.
    bias_half : float, > 0
        Voltage V_h that halves the TMR, V.
    attempt_time : float, > 0
        tau_0 of thermal activation, s. 1 ns is customary and disputed.
    reference_temperature : float, > 0
        Temperature of the values above, K.
    bloch : float, >= 0
        Coefficient of Bloch's law, K^-1.5.
    anisotropy_power : float, >= 0
        Power with which K_i follows M_s.

    Raises
    ------
    ValueError
        If a field breaks its rule, or the easy axis does not lie where `geometry` says.

    References
    ----------
    Perpendicular field, stability and critical current: Arm's mram_simulation_framework (sllgs_solver.py,
    analytical.py); in-plane: Sun, Phys. Rev. B 62, 570 (2000).
    """

    geometry: str
    length: float
    width: float
    thickness: float
    magnetisation: float
    damping: float
    polarisation: float
    demagnetisation: float
    resistance: float
    anisotropy: float = 0.0
    asymmetry: float = 1.0
    tmr: float | None = None
    bias_half: float = 0.5
    attempt_time: float = 1e-9
    reference_temperature: float = 300.0
    bloch: float = 0.0
    anisotropy_power: float = 0.0

    def __post_init__(self) -> None:
        if self.geometry not in GEOMETRIES:
            raise ValueError(f"junction.geometry must be 'perpendicular' or 'in_plane', not {self.geometry!r}")
        for name, (low, unit) in _FINITE.items():
            if not low < getattr(self, name) < math.inf:
                raise ValueError(f"junction.{name} must be > 0 and finite, not {getattr(self, name)} {unit}".rstrip())
        if not 0 < self.polarisation < 1:
            raise ValueError(f"junction.polarisation must be above 0 and below 1, not {self.polarisation}")
        if not 0 < self.demagnetisation <= 1:
            raise ValueError(f"junction.demagnetisation must be above 0, at most 1, not {self.demagnetisation}")
        if self.tmr is not None and not 0 < self.tmr < math.inf:
            raise ValueError(f"junction.tmr must be > 0 and finite, not {self.tmr}")
        for name in ("anisotropy", "bloch", "anisotropy_power"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"junction.{name} must be >= 0 and finite, not {getattr(self, name)}")
        if self.geometry == "in_plane" and self.anisotropy:
            raise ValueError(
                f"junction.anisotropy belongs to a perpendicular junction, not to an in_plane one: leave it out, "
                f"not {self.anisotropy} J/m^2"
            )
        with computable(vars(self), "junction."):
            self.field(self.reference_temperature)

    @property
    def area(self) -> float:
        """Area of the ellipse, m^2."""
        return math.pi / 4 * self.length * self.width

    @property
    def volume(self) -> float:
        """Volume of the free layer, m^3."""
        return self.area * self.thickness

    def _softening(self, temperature: float) -> float:
        """M_s(T) over M_s at the reference temperature."""
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature must be > 0 K and finite, not {temperature}")
        left, reference = (1 - self.bloch * t**1.5 for t in (temperature, self.reference_temperature))
        if left <= 0 or reference <= 0:
            raise ValueError(
                f"a junction with bloch = {self.bloch} has no magnetisation left at {temperature} K: lower bloch or "
                f"temperature"
            )
        return left / reference

    def saturation(self, temperature: float) -> float:
        """Saturation magnetisation M_s at a temperature in K, A/m."""
        return self.magnetisation * self._softening(temperature)

    def field(self, temperature: float) -> float:
        """Anisotropy field H_k at a temperature in K, A/m.

        Perpendicular: ``2 K_i / (mu0 M_s t) - N_z M_s``; in-plane: ``N M_s``.

        Raises
        ------
        ValueError
            If a perpendicular junction has no perpendicular easy axis.
        """
        saturation = self.saturation(temperature)
        if self.geometry == "in_plane":
            return self.demagnetisation * saturation
        anisotropy = self.anisotropy * self._softening(temperature) ** self.anisotropy_power
        field = 2 * anisotropy / (MU0 * saturation * self.thickness) - self.demagnetisation * saturation
        if field <= 0:
            raise ValueError(
                f"junction.anisotropy = {self.anisotropy} J/m^2 does not hold the easy axis out of the plane at "
                f"{temperature} K: a perpendicular junction of this layer needs more than "
                f"{self.anisotropy - field * MU0 * saturation * self.thickness / 2:.3g} J/m^2"
            )
        return field

    def stability(self, temperature: float) -> float:
        """Thermal stability Delta at a temperature in K: ``mu0 M_s H_k V / (2 k_B T)``."""
        barrier = MU0 * self.saturation(temperature) * self.field(temperature) * self.volume / 2
        return barrier / (BOLTZMANN * temperature)

    def _threshold_field(self, temperature: float) -> float:
        """Field that the spin torque must overcome, A/m: H_k, and half of M_s more in the plane."""
        field = self.field(temperature)
        return field if self.geometry == "perpendicular" else field + self.saturation(temperature) / 2

    def critical_current(self, direction: int, temperature: float) -> float:
        """Critical current I_c0.

        ``2 alpha e mu0 M_s V H / (nu hbar)`` with H = H_k (perpendicular; equal to ``4 alpha e k_B T Delta / (nu
        hbar)``) or H = H_k + M_s / 2 (in-plane), and the efficiency nu = 2 eps,
        ``eps = P L^2 / ((L^2 + 1) + (L^2 - 1) cos theta)`` at the state that the pulse finds: nu = P towards
        antiparallel (theta = 0) and P Lambda^2 towards parallel (theta = pi).

        Parameters
        ----------
        direction : int
            `TO_ANTIPARALLEL` or `TO_PARALLEL`.
        temperature : float
            K, > 0.

        Returns
        -------
        float
            A, > 0.
        """
        efficiency = self.polarisation * (self.asymmetry**2 if direction == TO_PARALLEL else 1.0)
        torque = MU0 * self.saturation(temperature) * self.volume * self._threshold_field(temperature)
        return 2 * self.damping * ELEMENTARY_CHARGE * torque / (efficiency * HBAR)

    def time_constant(self, temperature: float) -> float:
        """Time constant of precession C at a temperature in K, s.

        Perpendicular: ``(1 + alpha^2) / (alpha gamma mu0 H_k)``; in-plane:
        ``(1 + alpha^2) / (alpha gamma mu0 (H_k + M_s / 2))``, whose limit for a small H_k is
        ``2 / (alpha gamma mu0 M_s)``.
        """
        rate = self.damping * GYROMAGNETIC * MU0 * self._threshold_field(temperature)
        return (1 + self.damping**2) / rate


def thermal_angle(stability: float) -> float:
    """Spread theta_0 of the initial angle, rad, in each of its directions: ``sqrt(1 / (2 Delta))``.

    References
    ----------
    Sun, IBM J. Res. Dev. 50, 81 (2006); Butler et al., IEEE Trans. Magn. 48, 4684 (2012).
    """
    return math.sqrt(1 / (2 * stability))


#: Named parameter sets.
#:
#: perpendicular_50nm: defaults of the Verilog-A model of Arm's mram_simulation_framework. Its N_x = 0.029 is left out
#: of H_k, as the source does by default; V_h is that of vgsot_python_model; tau_0 is the customary value.
#:
#: in_plane_100nm: no published device. Round numbers of the usual size, so that the in-plane formulas have something to
#: work on; no conclusion about hardware rests on it.
JUNCTIONS = {
    "perpendicular_50nm": Junction(
        geometry="perpendicular",
        length=50e-9,
        width=50e-9,
        thickness=1.0e-9,
        magnetisation=1.2e6,
        damping=0.01,
        polarisation=0.75,
        demagnetisation=0.941,
        resistance=6e3,
        anisotropy=1e-3,
    ),
    "in_plane_100nm": Junction(
        geometry="in_plane",
        length=100e-9,
        width=50e-9,
        thickness=2.5e-9,
        magnetisation=1.0e6,
        damping=0.01,
        polarisation=0.6,
        demagnetisation=0.04,
        resistance=3e3,
    ),
}
