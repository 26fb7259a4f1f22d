"""Exact values of the elementwise functions, written to kernels.jsonl beside this script.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python kernels.py

Every value follows from the definitions p = 1/(1 + exp(-z)), loss = -ln(p or 1 - p) and residual
= p - y in 420 decimal digits, and is stored as a pair of doubles whose sum is good to 32 digits.
"""

import json
import math
import random
import struct
from pathlib import Path

from mpmath import mp, mpf, exp, log

mp.dps = 420


def single(x):
    """The nearest number that both precisions have."""
    return struct.unpack("f", struct.pack("f", x))[0]


def pair(x):
    high = float(x)
    return [high, float(x - mpf(high))]


def logits():
    draw = random.Random(1)
    zs = [0.0, 5e-324, 2.2250738585072014e-308, 1e-45, 1e-38, 1.0, 709.78, 710.0, 744.5, 745.2, 746.0, 1e4, 1e300]
    zs += [10 ** draw.uniform(-320, 2.9) for _ in range(150)]
    zs += [draw.uniform(0, 1) for _ in range(100)]
    zs += [draw.uniform(0, 50) for _ in range(300)]
    zs += [draw.uniform(30, 40) for _ in range(60)]
    zs += [draw.uniform(80, 110) for _ in range(100)]
    zs += [draw.uniform(690, 750) for _ in range(100)]
    # Where exp(-z) lies just above a power of two and 1/(1 + exp(z)) just below it, the same
    # absolute error is twice as many units in the last place.
    for k in range(1, 40):
        for _ in range(5):
            zs.append(k * math.log(2) - draw.uniform(0, 2.0**-k))
    # Found by trying 150000 of those: e / (1 + e) is off by 2.34 to 2.44 units at these.
    zs += [7.624307156798418, 6.9305891608909835, 9.704042073217927]
    zs += [single(z) for z in zs if z < 3e38]
    return sorted({sign * z for z in zs for sign in (1, -1)})


def probabilities():
    draw = random.Random(2)
    ps = [0.0, 1.0, 0.5, 5e-324, 1e-300, 1e-10, 1e-9, math.nextafter(1e-9, 0), math.nextafter(1e-9, 1)]
    ps += [2.0**-23, 2.0**-24, 1e-7, 1 - 2.0**-23, 1 - 2.0**-24, 1 - 1e-9, math.nextafter(1 - 1e-9, 0)]
    ps += [math.nextafter(1 - 1e-9, 1), math.nextafter(1.0, 0)]
    ps += [draw.uniform(0, 1) for _ in range(200)]
    ps += [10 ** draw.uniform(-12, 0) for _ in range(100)]
    ps += [1 - 10 ** draw.uniform(-12, 0) for _ in range(100)]
    ps += [single(p) for p in ps]
    return sorted(set(ps))


def of_logit(z):
    p = 1 / (1 + exp(-mpf(z)))
    rest = 1 / (1 + exp(mpf(z)))  # 1 - p, which 420 digits cannot hold beside 1 at |z| = 1e4
    softplus = mpf(z) - log(p) if z > 0 else -log(rest)
    return {
        "z": z,
        "sigmoid": pair(p),
        "softplus": pair(softplus),
        "cross_entropy": [pair(-log(rest)), pair(-log(p))],
        "residual": [pair(p), pair(-rest)],
    }


def of_probability(p):
    def clamped(q, epsilon):
        return pair(-log(min(max(q, epsilon), 1 - epsilon)))

    both = (1 - mpf(p), mpf(p))
    return {
        "p": p,
        "f64": [clamped(q, mpf(1e-9)) for q in both],
        "f32": [clamped(q, mpf(2) ** -23) for q in both],
    }


if __name__ == "__main__":
    records = [of_logit(z) for z in logits()] + [of_probability(p) for p in probabilities()]
    lines = "\n".join(json.dumps(record, separators=(",", ":")) for record in records)
    Path(__file__).with_suffix(".jsonl").write_text(lines + "\n")
