"""The problems, their objective, and its minimum by a method that is nobody's here.

f(w, b) = 1/n sum_i cross_entropy(x_i w + b, y_i) + l2/2 |w|^2
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import expit

BREAST_CANCER = Path(__file__).resolve().parent / "../../crates/logit/data/breast_cancer.csv"
BLOCK_ROWS = 1 << 16
SEED = 1
# Of neighbouring columns; X'X/n then has eigenvalues from 0.11 to 9.
CORRELATION = 0.8
# The deviation of the logits of text: labels are as uncertain as in news by topics.
TEXT_LOGITS = 5.0
# What a Newton decrement must promise of f - f*, as a share of f.
REFERENCE_TOLERANCE = 1e-14


@dataclass(frozen=True)
class Problem:
    """One problem: X row by row and y, in files and seen through them.

    A sparse X has as many numbers in every row, and their columns in a file of their own.
    """

    name: str
    x_file: Path
    columns_file: Path | None
    y_file: Path
    x: np.ndarray | csr_matrix
    y: np.ndarray
    l2: float

    def blocks(self):
        """Blocks of rows: of X, and of y as booleans."""
        for start in range(0, len(self.y), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            yield self.x[rows], self.y[rows] == 1

    def unlink(self):
        for file in [self.x_file, self.columns_file, self.y_file]:
            if file:
                file.unlink()


def make(name, directory):
    """The problem of that name, its files written to the directory unless they are there."""
    n, d, *stored = map(int, name.split("x"))
    files = x_file, columns_file, y_file = [
        directory / f"{name}.{part}" for part in ["x", "columns", "y"]
    ]
    if not y_file.exists():
        with x_file.open("wb") as xs, columns_file.open("wb") as js:
            labels = []
            for x, columns, y in drawn(name, n, d, *stored):
                xs.write(np.ascontiguousarray(x, dtype="<f8"))
                js.write(np.ascontiguousarray(columns, dtype="<i4"))
                labels.append(y)
        np.concatenate(labels).astype(np.uint8).tofile(y_file)
    x = read(x_file, columns_file if stored else None, n, d, np.memmap)
    y = np.fromfile(y_file, np.uint8)
    return Problem(name, x_file, columns_file if stored else None, y_file, x, y, 1 / n)


def drawn(name, n, d, stored=None):
    """Blocks of rows: values, their columns (none if dense) and labels."""
    if stored:
        yield from text(n, d, stored)
    else:
        for x, y in breast_cancer() if name == "569x30" else synthetic(n, d):
            yield x, [], y


def read(x_file, columns_file, n, d, how=np.fromfile):
    """X from its files: a dense matrix, or compressed rows if there is one of columns."""
    values = how(x_file, "<f8")
    if columns_file is None:
        return values.reshape(n, d)
    starts = np.arange(0, len(values) + 1, len(values) // n, dtype=np.int32)
    return csr_matrix((values, how(columns_file, "<i4"), starts), shape=(n, d))


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


def text(n, d, stored):
    """Blocks of rows like text, weighed by tf-idf to a length of 1; labels as above.

    The k-th of d words is as frequent as 1/k. A row has so many different ones: a word drawn
    twice stands for the next one.
    """
    rng = np.random.default_rng(SEED)
    weights = TEXT_LOGITS * rng.standard_normal(d)
    idf = 1 + np.log(np.maximum(1, np.arange(1, d + 1) * np.log(d) / stored))
    for start in range(0, n, BLOCK_ROWS):
        shape = (min(BLOCK_ROWS, n - start), stored)
        words = ((d - stored + 1) ** rng.random(shape)).astype(int) - 1
        words.sort()
        columns = np.arange(stored)
        columns = columns + np.maximum.accumulate(words - columns, axis=1)
        x = (1 + np.log(rng.geometric(0.5, shape))) * idf[columns]
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        logits = (x * weights[columns]).sum(axis=1)
        yield x, columns, rng.random(len(x)) < expit(logits - 0.5)


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


def gradient(problem, intercept, weights, penalize_intercept=False):
    """The intercept's part last."""
    total = np.zeros(len(weights) + 1)
    for x, y in problem.blocks():
        residual = expit(x @ weights + intercept) - y
        total += np.append(x.T @ residual, residual.sum())
    penalized = np.append(weights, intercept * penalize_intercept)
    return total / len(problem.y) + problem.l2 * penalized


def newton_step(problem, gradient, parameters, penalty):
    """By the Cholesky factor of the second derivatives."""
    d = len(parameters) - 1
    hessian = np.zeros((d + 1, d + 1))
    for x, _ in problem.blocks():
        p = expit(x @ parameters[:d] + parameters[d])
        curvature = p * (1 - p)
        weighted = curvature[:, None] * x
        hessian[:d, :d] += x.T @ weighted
        hessian[d, :d] += weighted.sum(0)
        hessian[d, d] += curvature.sum()
    hessian[:d, d] = hessian[d, :d]
    return cho_solve(cho_factor(hessian / len(problem.y) + np.diag(penalty)), -gradient)


def newton_cg_step(problem, gradient, parameters, penalty):
    """By conjugate gradients, for a sparse X: to a hundredth of the gradient."""
    x, n = problem.x, len(problem.y)
    p = expit(x @ parameters[:-1] + parameters[-1])
    curvature = p * (1 - p) / n

    def product(v):
        weighted = curvature * (x @ v[:-1] + v[-1])
        return np.append(x.T @ weighted, weighted.sum()) + penalty * v

    diagonal = np.append(x.multiply(x).T @ curvature, curvature.sum()) + penalty
    hessian = LinearOperator((len(penalty), len(penalty)), product)
    inverse = LinearOperator(hessian.shape, lambda v: v / diagonal)
    step, failure = cg(hessian, -gradient, rtol=0.01, maxiter=1000, M=inverse)
    if failure:
        raise ArithmeticError(f"{problem.name}: conjugate gradients have not converged")
    return step


def minimum(problem, penalize_intercept=False):
    """f*: Newton's method, until the decrement says that f is within 1e-14 of it."""
    parameters = np.zeros(problem.x.shape[1] + 1)
    penalty = np.full(len(parameters), problem.l2)
    penalty[-1] *= penalize_intercept

    def at(parameters):
        return objective(problem, parameters[-1], parameters[:-1], penalize_intercept)

    solve = newton_cg_step if problem.columns_file else newton_step
    f = at(parameters)
    for _ in range(100):
        slope = gradient(problem, parameters[-1], parameters[:-1], penalize_intercept)
        step = solve(problem, slope, parameters, penalty)
        promise = -slope @ step / 2
        # Near the minimum the full step is right, and f too rough to say so.
        while promise > 1e-8 * f and at(parameters + step) > f:
            step /= 2
        parameters = parameters + step
        f = at(parameters)
        if promise < REFERENCE_TOLERANCE * f:
            return f
    raise ArithmeticError(f"{problem.name}: Newton's method has not converged")


def kept_minimum(problem, penalize_intercept):
    """The same, from a file beside the problem if it is known."""
    suffix = ".penalized-minimum" if penalize_intercept else ".minimum"
    file = problem.x_file.with_suffix(suffix)
    if not file.exists():
        file.write_text(repr(float(minimum(problem, penalize_intercept))))
    return float(file.read_text())


def loss_and_gradient(problem, parameters):
    """What a pass must come to, the intercept last."""
    loss = objective(problem, parameters[-1], parameters[:-1])
    return float(loss), gradient(problem, parameters[-1], parameters[:-1])
