"""The golden machine again, compiled with Numba: the same numbers, many times faster.

Numba is optional (``pip install "numba>=0.64"``); nothing here imports it before a fast machine is made.
"""
