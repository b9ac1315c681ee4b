"""HEALPix pixel numbers, nested scheme, from the formulas of Gorski et al. (2005): an answer of our own to hold the
programs to, which take theirs from the chealpix library.

SPDX-License-Identifier: BSD-3-Clause
"""
import math


def _spread(x):
    """Bits of x on the even places."""
    return sum(((x >> b) & 1) << (2 * b) for b in range(32))


def pixel(nside, ra, dec):
    """The pixel of a position in degrees."""
    z = math.sin(math.radians(dec))
    quarter = (ra % 360) / 90  # in [0, 4)
    if abs(z) <= 2 / 3:  # equatorial belt: count the lines that fall and that rise
        falling = int(nside * (0.5 + quarter - 0.75 * z))
        rising = int(nside * (0.5 + quarter + 0.75 * z))
        f, r = falling // nside, rising // nside
        face = (f % 4 + 4) if f == r else f % 4 if f < r else r % 4 + 8
        x, y = rising % nside, nside - 1 - falling % nside
    else:  # polar caps
        q = min(int(quarter), 3)
        t = quarter - q
        # 1 - |z| without losing digits near the pole
        distance = nside * math.sqrt(6) * math.sin(math.radians(90 - abs(dec)) / 2)
        a, b = (min(int(f * distance), nside - 1) for f in (t, 1 - t))
        if z > 0:
            face, x, y = q, nside - 1 - b, nside - 1 - a
        else:
            face, x, y = q + 8, a, b
    return face * nside * nside + _spread(x) + 2 * _spread(y)
