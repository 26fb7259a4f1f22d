"""The problems, their objective, and its minimum by a method that is nobody's here.

f(w, b) = 1/n sum_i cross_entropy(x_i w + b, y_i) + l2/2 |w|^2
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import expit

BREAST_CANCER = Path(__file__).resolve().parent / "../../data/breast_cancer.csv"
BLOCK_ROWS = 1 << 16
SEED = 1
# Of neighbouring columns; X'X/n then has eigenvalues from 0.11 to 9.
CORRELATION = 0.8
# What a Newton decrement must promise of f - f*, as a share of f.
REFERENCE_TOLERANCE = 1e-14


@dataclass(frozen=True)
class Problem:
    """One problem: X row by row and y, in files and seen through them."""

    name: str
    x_file: Path
    y_file: Path
    x: np.ndarray
    y: np.ndarray
    l2: float

    def blocks(self):
        """Blocks of rows: of X, and of y as booleans."""
        for start in range(0, len(self.y), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            yield np.asarray(self.x[rows]), self.y[rows] == 1


def make(name, directory):
    """The problem of that name, its files written to the directory."""
    n, d = map(int, name.split("x"))
    x_file, y_file = directory / f"{name}.x", directory / f"{name}.y"
    with x_file.open("wb") as xs, y_file.open("wb") as ys:
        for x, y in breast_cancer() if name == "569x30" else synthetic(n, d):
            xs.write(np.ascontiguousarray(x, dtype="<f8"))
            ys.write(y.astype(np.uint8))
    return opened(name, x_file, y_file)


def opened(name, x_file, y_file):
    n, d = map(int, name.split("x"))
    x = np.memmap(x_file, dtype="<f8", mode="r", shape=(n, d))
    return Problem(name, x_file, y_file, x, np.fromfile(y_file, np.uint8), 1 / n)


def breast_cancer():
    """One block: the repository's data, standardised; benign is positive."""
    rows = list(csv.reader(BREAST_CANCER.read_text().splitlines()))[1:]
    x = np.array([row[:-1] for row in rows], dtype=float)
    yield (x - x.mean(0)) / x.std(0), np.array([row[-1] == "benign" for row in rows])


def synthetic(n, d):
    """Blocks of normal rows with correlated columns; labels drawn from a logistic model."""
    rng = np.random.default_rng(SEED)
    lags = np.abs(np.subtract.outer(np.arange(d), np.arange(d)))
    covariance = CORRELATION**lags
    factor = np.linalg.cholesky(covariance)
    weights = rng.standard_normal(d)
    weights *= 2 / np.sqrt(weights @ covariance @ weights)  # logits: deviation 2
    for start in range(0, n, BLOCK_ROWS):
        x = rng.standard_normal((min(BLOCK_ROWS, n - start), d)) @ factor.T
        yield x, rng.random(len(x)) < expit(x @ weights - 0.5)


def objective(problem, intercept, weights, penalize_intercept=False):
    """f, in extended precision: good to 1e-16 of it.

    A loss is never a difference (softplus of the logit away from its label), and the sums are
    taken in np.longdouble. What remains is the rounding of each logit and each loss in float64,
    which averages out: on 569 to 20000 rows 3e-17 of f at most, beside long doubles throughout.
    """
    total = np.longdouble(0)
    for x, y in problem.blocks():
        z = x @ weights + intercept
        total += np.logaddexp(0, np.where(y, -z, z)).sum(dtype=np.longdouble)
    penalized = np.append(weights, intercept if penalize_intercept else 0)
    squares = np.square(penalized, dtype=np.longdouble).sum()
    return total / len(problem.y) + np.longdouble(problem.l2) / 2 * squares


def gradient_and_hessian(problem, intercept, weights, penalize_intercept):
    d = len(weights)
    gradient, hessian = np.zeros(d + 1), np.zeros((d + 1, d + 1))
    for x, y in problem.blocks():
        p = expit(x @ weights + intercept)
        residual, curvature = p - y, p * (1 - p)
        weighted = curvature[:, None] * x
        gradient += np.append(x.T @ residual, residual.sum())
        hessian[:d, :d] += x.T @ weighted
        hessian[d, :d] += weighted.sum(0)
        hessian[d, d] += curvature.sum()
    hessian[:d, d] = hessian[d, :d]
    penalty = np.full(d + 1, problem.l2)
    penalty[d] *= penalize_intercept
    gradient = gradient / len(problem.y) + penalty * np.append(weights, intercept)
    return gradient, hessian / len(problem.y) + np.diag(penalty)


def minimum(problem, penalize_intercept=False):
    """f*: Newton's method with Cholesky, until the decrement says that f is within 1e-14 of it."""
    parameters = np.zeros(problem.x.shape[1] + 1)

    def at(parameters):
        return objective(problem, parameters[-1], parameters[:-1], penalize_intercept)

    f = at(parameters)
    for _ in range(100):
        gradient, hessian = gradient_and_hessian(
            problem, parameters[-1], parameters[:-1], penalize_intercept
        )
        step = cho_solve(cho_factor(hessian), -gradient)
        promise = -gradient @ step / 2
        # Near the minimum the full step is right, and f too rough to say so.
        while promise > 1e-8 * f and at(parameters + step) > f:
            step /= 2
        parameters = parameters + step
        f = at(parameters)
        if promise < REFERENCE_TOLERANCE * f:
            return f
    raise ArithmeticError(f"{problem.name}: Newton's method has not converged")


def loss_and_gradient(problem, parameters):
    """What a pass must come to, the intercept last."""
    gradient, _ = gradient_and_hessian(problem, parameters[-1], parameters[:-1], False)
    return float(objective(problem, parameters[-1], parameters[:-1])), gradient
