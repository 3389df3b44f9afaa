"""Constants of nature, SI units.

Exact values of the SI of 2019 where there are some, CODATA 2018 else. The gyromagnetic ratio is the rounded one that
the literature on junctions uses.
"""

import math

#: Elementary charge, C.
ELEMENTARY_CHARGE = 1.602176634e-19
#: Boltzmann constant, J/K.
BOLTZMANN = 1.380649e-23
#: Reduced Planck constant, J s.
HBAR = 1.054571817e-34
#: Vacuum permeability, T m/A.
MU0 = 4e-7 * math.pi
#: Gyromagnetic ratio of the electron, rad/(s T).
GYROMAGNETIC = 1.76e11
