"""Elementary functions of float32, bit for bit the engine's `tp_expf`, `tp_logf`, … (same operations, same order).

Why not np.exp: libraries differ in the last bit, and trained weights would no longer be comparable by hash.
The comments on the mathematics are in the C files.
"""

import numpy as np

Array = np.ndarray

_F = np.float32
_LN2_HIGH = _F(float.fromhex("0x1.62e4p-1"))
_LN2_LOW = _F(float.fromhex("0x1.7f7d1cp-20"))
_LOG2_E = _F(float.fromhex("0x1.715476p+0"))
_EXP = tuple(
    _F(float.fromhex(c)) for c in ("0x1.6a2352p-10", "0x1.123a6cp-7", "0x1.5558f4p-5", "0x1.555490p-3", "0x1.fffffcp-2")
)
_LOG = tuple(_F(float.fromhex(c)) for c in ("0x1.31e678p-2", "0x1.995e9cp-2", "0x1.55557ap-1"))
_TANH = tuple(
    _F(float.fromhex(c))
    for c in ("-0x1.9b2faep-8", "0x1.593ceep-6", "-0x1.b92878p-5", "0x1.110d26p-3", "-0x1.55554ap-2")
)
_ROOT_HALF = 0x3F3504F3  # bits of sqrt(1/2)


def _horner(coefficients: tuple[np.float32, ...], x: Array) -> Array:
    """The polynomial with its highest coefficient first."""
    value = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        value = value * x + c
    return value


def _power_of_two(n: Array) -> Array:
    """2**n for int32 n in [-126, 127]."""
    return ((n + 127) << 23).astype(np.uint32).view(np.float32)


def expf(x: Array) -> Array:
    """e**x of a float32 array of any shape; float32, within 2 ulp, never raises or warns."""
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        inside = np.clip(np.where(np.isnan(x), _F(0), x), _F(-104), _F(89))
        n = np.trunc(inside * _LOG2_E + np.where(inside < 0, _F(-0.5), _F(0.5))).astype(np.int32)
        n_float = n.astype(np.float32)
        r = (inside - n_float * _LN2_HIGH) - n_float * _LN2_LOW
        e = _F(1) + (r + r * r * _horner(_EXP, r))
        half = np.trunc(n_float * _F(0.5)).astype(np.int32)
        y = e * _power_of_two(half) * _power_of_two(n - half)
    y = np.where(x > _F(89), _F(np.inf), np.where(x < _F(-104), _F(0), y))
    return np.where(np.isnan(x), _F(np.nan), y)


def logf(x: Array) -> Array:
    """Natural logarithm of a float32 array of any shape; float32, within 2 ulp, never raises or warns."""
    x = np.asarray(x, np.float32)
    with np.errstate(all="ignore"):
        subnormal = x < _F(2.0**-126)
        bits = np.where(subnormal, x * _F(2.0**25), x).astype(np.float32).view(np.int32)
        from_root = bits - np.int32(_ROOT_HALF)
        k = ((from_root >> 23) - np.where(subnormal, 25, 0)).astype(np.float32)
        f = ((from_root & 0x007FFFFF) + np.int32(_ROOT_HALF)).view(np.float32) - _F(1)
        s = f / (_F(2) + f)
        z = s * s
        r = _horner(_LOG, z) * z
        y = k * _LN2_HIGH + (f - (s * (f - r) - k * _LN2_LOW))
    y = np.where(x == 0, _F(-np.inf), np.where(x > 0, y, _F(np.nan)))
    return np.where(np.isposinf(x), x, y)


def sigmoidf(x: Array) -> Array:
    """1 / (1 + e**-x) of a float32 array of any shape; float32, within 3 ulp, never raises or warns."""
    x = np.asarray(x, np.float32)
    e = expf(np.where(x < 0, x, -x))
    return np.where(x < 0, e, _F(1)) / (_F(1) + e)


def tanhf(x: Array) -> Array:
    """Hyperbolic tangent of a float32 array of any shape; float32, within 2 ulp, never raises or warns."""
    x = np.asarray(x, np.float32)
    t = np.where(x < 0, -x, x)
    with np.errstate(all="ignore"):
        z = t * t
        small = t + t * (z * _horner(_TANH, z))
        large = _F(1) - _F(2) / (expf(_F(2) * t) + _F(1))
    y = np.where(t < _F(0.55), small, large)
    return np.where(x < 0, -y, y)
