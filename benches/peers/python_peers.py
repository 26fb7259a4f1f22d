"""Runs one peer in Python on one problem and prints `ready`, then a line of JSON.

Takes the arguments of the Rust binary beside it. Everyone gets the matrix in the layout that
suits it; changing the layout is not part of the work that is timed.
"""

import argparse
import json
import os
import re
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from glum import GeneralizedLinearRegressor
from liblinear import liblinearutil
from scipy.sparse import csc_matrix, csr_matrix, issparse
from scipy.special import expit
from sklearn._loss.loss import HalfBinomialLoss
from sklearn.linear_model import LogisticRegression
from sklearn.linear_model._linear_loss import LinearModelLoss

from problems import read

MAX_ITERATIONS = 100_000
WARM_UP_ROWS = 1000
THREADS = int(os.environ["OMP_NUM_THREADS"])


@dataclass(frozen=True)
class Task:
    x: np.ndarray | csr_matrix
    y: np.ndarray
    l2: float
    tolerance: float

    @property
    def c(self):
        """scikit-learn's and liblinear's C, which weighs the sum over the rows."""
        return 1 / (self.l2 * len(self.y))


def model(intercept, weights, iterations=None):
    return {"intercept": intercept, "weights": weights, "iterations": iterations}


def scikit_learn(solver):
    def prepare(task):
        def fit():
            estimator = LogisticRegression(
                C=task.c,
                tol=task.tolerance,
                solver=solver,
                max_iter=MAX_ITERATIONS,
                random_state=0,
            ).fit(task.x, task.y)
            return model(
                estimator.intercept_[0], estimator.coef_[0], estimator.n_iter_[0]
            )

        return fit

    return prepare


def glum(solver):
    def prepare(task):
        # As its documentation advises.
        x = csc_matrix(task.x) if issparse(task.x) else np.asfortranarray(task.x)
        y = task.y.astype(float)

        def fit():
            estimator = GeneralizedLinearRegressor(
                family="binomial",
                alpha=task.l2,
                l1_ratio=0,
                solver=solver,
                gradient_tol=task.tolerance,
                max_iter=MAX_ITERATIONS,
            ).fit(x, y)
            return model(estimator.intercept_, estimator.coef_, estimator.n_iter_)

        return fit

    return prepare


def liblinear(task):
    """Its primal Newton method with a bias that is not penalised."""
    # As csr_matrix, since the binding converts rows of a dense array one by one in Python.
    problem = liblinearutil.problem(task.y.astype(float), csr_matrix(task.x), bias=1)
    options = f"-s 0 -B 1 -R -c {task.c!r} -e {task.tolerance!r} -q"

    def fit():
        fitted = liblinearutil.train(problem, options)
        weights, intercept = fitted.get_decfun(fitted.get_labels().index(1))
        return model(intercept, weights)

    return fit


def numpy_pass(task):
    x, y, n = task.x, task.y.astype(float), len(task.y)
    w, b = np.full(x.shape[1], 0.01), 0.01

    def evaluate():
        z = x @ w + b
        loss = np.mean(np.logaddexp(0, z) - y * z) + task.l2 / 2 * w @ w
        residual = expit(z) - y
        gradient = np.append(x.T @ residual / n + task.l2 * w, residual.mean())
        return {"loss": loss, "gradient": gradient}

    return evaluate


def scikit_learn_pass(threads):
    """Its elementwise work on so many threads; products use BLAS, with threads of its own."""

    def prepare(task):
        objective = LinearModelLoss(base_loss=HalfBinomialLoss(), fit_intercept=True)
        parameters = np.full(task.x.shape[1] + 1, 0.01)
        y = task.y.astype(float)

        def evaluate():
            loss, gradient = objective.loss_gradient(
                parameters, task.x, y, l2_reg_strength=task.l2, n_threads=threads
            )
            return {"loss": loss, "gradient": gradient}

        return evaluate

    return prepare


def numpy_recipe(task):
    x, y, n, rate = task.x, task.y.astype(float), len(task.y), 0.001

    def descend():
        w, b, losses = np.zeros(x.shape[1]), 0.0, []
        for _ in range(1000):
            z = x @ w + b
            losses.append(np.mean(np.logaddexp(0, z) - y * z))
            residual = expit(z) - y
            w -= rate * (x.T @ residual / n)
            b -= rate * residual.mean()
        z = x @ w + b
        losses.append(np.mean(np.logaddexp(0, z) - y * z))
        return model(b, w, len(losses) - 1)

    return descend


PEERS = {
    ("numpy", "pass"): numpy_pass,
    ("numpy", "recipe"): numpy_recipe,
    ("scikit-learn", "pass"): scikit_learn_pass(1),
    ("scikit-learn-threads", "pass"): scikit_learn_pass(THREADS),
    ("liblinear", "fit"): liblinear,
    ("glum-irls-ls", "fit"): glum("irls-ls"),
    ("glum-lbfgs", "fit"): glum("lbfgs"),
} | {
    (f"scikit-learn-{solver}", "fit"): scikit_learn(solver)
    for solver in ["lbfgs", "newton-cg", "newton-cholesky", "liblinear", "sag", "saga"]
}


def best_of(work, repeats, budget):
    """The best time of several runs, as many as end within the budget, and the last outcome."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak of memory starts from here
    start = time.perf_counter()
    outcome = work()
    seconds, runs = time.perf_counter() - start, 1
    peak = re.search(r"VmHWM:\s*([0-9]+) kB", Path("/proc/self/status").read_text())
    while runs < repeats and time.perf_counter() - start + seconds < budget:
        again = time.perf_counter()
        outcome = work()
        seconds, runs = min(seconds, time.perf_counter() - again), runs + 1
    return {"seconds": seconds, "runs": runs, "peak_mb": int(peak[1]) / 1000} | outcome


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ["peer", "job", "x", "y"]:
        parser.add_argument(f"--{name}", required=True)
    for name in ["rows", "cols"]:
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--columns")
    parser.add_argument("--l2", type=float, default=0.0)
    parser.add_argument("--tolerance", type=float, default=0.0)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--budget", type=float, default=10.0)
    return parser.parse_args()


def main():
    args = arguments()
    x = read(args.x, args.columns, args.rows, args.cols)
    task = Task(x, np.fromfile(args.y, np.uint8), args.l2, args.tolerance)
    head = replace(task, x=x[:WARM_UP_ROWS], y=task.y[:WARM_UP_ROWS], l2=1.0)
    prepare = PEERS[args.peer, args.job]
    with warnings.catch_warnings(action="ignore"), suppress(Exception):
        prepare(head)()  # few rows may be too much where all are not
    try:
        work = prepare(task)
        print("ready", flush=True)
        with warnings.catch_warnings(record=True) as caught:
            line = best_of(work, args.repeats, args.budget)
        # Their first lines say it.
        line["warnings"] = sorted({str(w.message).split("\n")[0][:80] for w in caught})
    except Exception as error:  # noqa: BLE001, a row of the table whatever it is
        line = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(line, default=lambda numbers: numbers.tolist()))


if __name__ == "__main__":
    main()
