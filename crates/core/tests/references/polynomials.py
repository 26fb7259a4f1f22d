"""The polynomials of src/vector.rs, as Rust constants.

    .venv/bin/python polynomials.py        with mpmath, as for kernels.py
"""

import struct

from mpmath import atanh, chebyfit, exp, log, mp, mpf, nstr, sqrt

mp.dps = 40


def atanh_rest(s):
    """(atanh(w)/w - 1) / w² as a function of s = w²."""
    return mpf(1) / 3 if s < mpf("1e-25") else (atanh(sqrt(s)) / sqrt(s) - 1) / s


def single(x):
    return struct.unpack("f", struct.pack("f", float(x)))[0]


def show(name, function, interval, terms, rounded):
    coefficients, error = chebyfit(function, interval, terms, error=True)
    print(f"{name}: off by at most {nstr(error, 2)}")
    print(", ".join(rounded(c) for c in coefficients))


def shortest(x):
    """The shortest decimal that is this single."""
    return next(text for text in (f"{single(x):.{digits}g}" for digits in range(1, 12)) if single(text) == single(x))


def repr_double(x):
    return repr(float(x))


half_ln_2 = log(2) / 2 * mpf("1.0001")
show("f64 EXP", exp, [-half_ln_2, half_ln_2], 12, repr_double)
show("f32 EXP", exp, [-half_ln_2, half_ln_2], 7, shortest)
show("f64 ATANH", atanh_rest, [0, mpf("0.0295")], 7, repr_double)
show("f32 ATANH", atanh_rest, [0, mpf("0.0295")], 4, shortest)
for name, bits, rounded in (("f64", 32, float), ("f32", 12, single)):
    high = mpf(int(log(2) * 2**bits)) / 2**bits
    print(f"{name} LN_2_HIGH, LN_2_LOW: {rounded(high)!r}, {rounded(log(2) - high)!r}")
