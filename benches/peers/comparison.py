"""Runs every peer on every case, checks what it computed, and prints the tables."""

import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import tomllib
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

import problems

HERE = Path(__file__).resolve().parent
REPEATS = 20
# Seconds for all repeats of a run; a first run of more than half of it stays the only one.
BUDGET = 10.0
# The relative difference between results of a job that everyone does alike.
SAME = 1e-9


@dataclass(frozen=True)
class Peer:
    name: str
    program: str  # "rust" or "python"
    key: str  # what that program calls it
    setting: str = ""  # what it calls its tolerance
    # From loose to tight.
    ladder: tuple = (0.0,)
    # Its tolerance is for sums over the rows, so the ladder is multiplied by their number.
    sums: bool = False
    penalizes_intercept: bool = False


def powers(first, last):
    return tuple(10.0**-k for k in range(first, last + 1))


def scikit_learn(solver, ladder, **more):
    name, key = f"scikit-learn {solver}", f"scikit-learn-{solver}"
    return Peer(name, "python", key, "tol", ladder, **more)


def logit(backend, ladder):
    return Peer(f"logit ({backend})", "rust", f"logit-{backend}", "tolerance", ladder)


LOGITS = [logit("ndarray", powers(7, 14)), logit("nalgebra", powers(7, 14))]
FITS = LOGITS + [
    scikit_learn("lbfgs", powers(3, 10)),
    scikit_learn("newton-cg", powers(3, 10)),
    scikit_learn("newton-cholesky", powers(3, 10)),
    scikit_learn("liblinear", powers(2, 10), penalizes_intercept=True),
    scikit_learn("sag", powers(3, 10)),
    scikit_learn("saga", powers(3, 10)),
    Peer("liblinear -s 0 -R", "python", "liblinear", "-e", powers(1, 10)),
    Peer("glum irls-ls", "python", "glum-irls-ls", "gradient_tol", powers(3, 10)),
    Peer("glum lbfgs", "python", "glum-lbfgs", "gradient_tol", powers(3, 10)),
    Peer(
        "linfa-logistic",
        "rust",
        "linfa",
        "gradient_tolerance",
        powers(3, 10),
        sums=True,
    ),
    Peer("smartcore", "rust", "smartcore"),
]
PASSES = LOGITS + [
    Peer("NumPy", "python", "numpy"),
    # One thread for the elementwise work is what LogisticRegression asks for.
    Peer("scikit-learn LinearModelLoss, n_threads=1", "python", "scikit-learn"),
    Peer("scikit-learn LinearModelLoss, all", "python", "scikit-learn-threads"),
]
RECIPES = LOGITS + [Peer("NumPy", "python", "numpy")]

SPARSE_LOGITS = [logit("sprs", powers(4, 14))]
SPARSE_FITS = SPARSE_LOGITS + [
    scikit_learn("lbfgs", powers(2, 10)),
    scikit_learn("newton-cg", powers(2, 10)),
    scikit_learn("saga", powers(2, 10)),
    scikit_learn("sag", powers(2, 10)),
    Peer("liblinear -s 0 -R", "python", "liblinear", "-e", powers(1, 10)),
    Peer("glum lbfgs", "python", "glum-lbfgs", "gradient_tol", powers(3, 10)),
]
SPARSE_PASSES = SPARSE_LOGITS + PASSES[len(LOGITS) :]


@dataclass
class Row:
    case: str
    peer: str
    settings: str
    error: float | None  # suboptimality or difference
    seconds: float | None
    notes: list
    reached: bool
    peak_mb: float | None = None


class Runner:
    """Runs peers in processes of their own, which end at the limit."""

    def __init__(self, limit):
        self.limit = limit
        self.programs = {
            "rust": [rust_binary()],
            "python": [sys.executable, HERE / "python_peers.py"],
        }

    def run(self, peer, job, problem, tolerance=0.0, repeats=REPEATS):
        """The peer's line of JSON; one with an `error` if it has failed or was ended."""
        n, d = problem.x.shape
        options = {
            "peer": peer.key,
            "job": job,
            "x": problem.x_file,
            "y": problem.y_file,
            "rows": n,
            "cols": d,
            "l2": problem.l2,
            "tolerance": tolerance,
            "repeats": repeats,
            "budget": min(BUDGET, self.limit),
        }
        if problem.columns_file:
            options["columns"] = problem.columns_file
        command = self.programs[peer.program] + [
            f"--{name}={value}" for name, value in options.items()
        ]
        with tempfile.TemporaryFile() as errors:
            # Unbuffered, so that reading the first line takes nothing from the second.
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, bufsize=0
            ) as child:
                first = child.stdout.readline()
                try:
                    rest, _ = child.communicate(timeout=self.limit)
                except subprocess.TimeoutExpired:
                    child.kill()
                    return {"error": f"timed out after {self.limit:g} s"}
            if child.returncode == 0:
                return json.loads(rest or first)
            errors.seek(0)
            reason = errors.read().decode().strip().rpartition("\n")[2]
            return {"error": f"exit status {child.returncode}: {reason}"}


def rust_binary():
    progress("building the Rust peers")
    command = ["cargo", "build", "--release", "--locked", "--quiet"]
    subprocess.run(command, check=True, cwd=HERE)
    command = ["cargo", "metadata", "--format-version=1", "--no-deps", "--locked"]
    metadata = subprocess.run(command, check=True, cwd=HERE, stdout=subprocess.PIPE)
    return Path(json.loads(metadata.stdout)["target_directory"]) / "release" / "peers"


def fit(runner, peer, problem, optimum, targets):
    """A row per target, of the first tolerance that reaches it, or else of the best attained."""
    best, notes, targets = None, [], sorted(targets, reverse=True)
    for tolerance in peer.ladder:
        tolerance *= len(problem.y) if peer.sums else 1
        line = runner.run(peer, "fit", problem, tolerance, repeats=1)
        if "error" in line:
            notes.append(at(peer, tolerance, line["error"]))
            break
        f = problems.objective(
            problem, line["intercept"], line["weights"], peer.penalizes_intercept
        )
        line |= {
            "tolerance": tolerance,
            "suboptimality": float((f - optimum) / optimum),
        }
        if best is None or line["suboptimality"] < best["suboptimality"]:
            best = line
        while targets and best["suboptimality"] <= targets[0]:
            yield fit_row(runner, peer, problem, best, targets.pop(0))
        if not targets:
            return
    for target in targets:
        if best is None:
            case = fit_case(problem, target)
            yield Row(case, peer.name, "", None, None, notes, False)
        else:
            yield fit_row(runner, peer, problem, best, target, notes)


def fit_case(problem, target):
    return f"{problem.name} to {target:g}"


def fit_row(runner, peer, problem, line, target, notes=()):
    """The best time, of some runs if it is short."""
    line, notes = line.copy(), list(notes)
    if line["seconds"] < BUDGET / 2:
        again = runner.run(peer, "fit", problem, line["tolerance"])
        line["runs"] += again.get("runs", 0)
        line["seconds"] = min(line["seconds"], again.get("seconds", np.inf))
    reached = line["suboptimality"] <= target
    if not reached:
        notes.insert(0, f"target {target:g} not reached")
    if peer.penalizes_intercept:
        notes.append("penalises the intercept: held against the optimum of that")
    if line["iterations"] is not None:
        notes.append(f"{line['iterations']} iterations")
    return Row(
        fit_case(problem, target),
        peer.name,
        f"{peer.setting} {line['tolerance']:g}" if peer.setting else "none to set",
        line["suboptimality"],
        line["seconds"],
        notes + line.get("warnings", []) + times(line["runs"]),
        reached,
        line["peak_mb"],
    )


def at(peer, tolerance, what):
    return f"{peer.setting} {tolerance:g}: {what}" if peer.setting else what


def times(runs):
    return ["single run"] if runs == 1 else [f"best of {runs}"]


def fits(runner, problem, peers, targets):
    for peer in peers:
        progress(f"{problem.name}: fit by {peer.name}")
        optimum = problems.kept_minimum(problem, peer.penalizes_intercept)
        yield from fit(runner, peer, problem, optimum, targets)


def passes(runner, problem, peers):
    parameters = np.full(problem.x.shape[1] + 1, 0.01)
    loss, gradient = problems.loss_and_gradient(problem, parameters)

    def difference(line):
        distance = np.abs(line["gradient"] - gradient).max() / np.abs(gradient).max()
        return max(abs(line["loss"] - loss) / loss, distance)

    yield from checked(runner, "pass", problem, peers, difference)


def recipes(runner, problem, peers):
    numpy = runner.run(RECIPES[-1], "recipe", problem, repeats=1)

    def difference(line):
        distances = np.abs(np.subtract(line["weights"], numpy["weights"]))
        return distances.max() / np.abs(numpy["weights"]).max()

    yield from checked(runner, "recipe", problem, peers, difference)


def checked(runner, job, problem, peers, difference):
    """Rows of a job that everyone does alike, with how much the results differ."""
    for peer in peers:
        progress(f"{problem.name}: {job} by {peer.name}")
        line = runner.run(peer, job, problem)
        if "error" in line:
            yield Row(problem.name, peer.name, "", None, None, [line["error"]], False)
            continue
        error = difference(line)
        same = error < SAME
        notes = times(line["runs"]) if same else ["computes something else"]
        yield Row(
            problem.name,
            peer.name,
            "",
            error,
            line["seconds"],
            notes,
            same,
            line["peak_mb"],
        )


def table(title, error_name, rows):
    """Those that reached the target by time, then the others."""
    print(f"\n{title}\n")
    print(
        "| case | peer | settings | seconds | ratio to logit "
        f"| {error_name} | peak MB | note |"
    )
    print("|---|---|---|--:|--:|--:|--:|---|")
    for case in dict.fromkeys(row.case for row in rows):
        of_case = [row for row in rows if row.case == case]
        logit = next(row for row in of_case if row.peer.startswith("logit"))
        of_case.sort(key=lambda row: (not row.reached, row.seconds or np.inf))
        for row in of_case:
            print(markdown(row, logit), flush=True)


def markdown(row, logit):
    comparable = row.reached and logit.reached
    cells = [
        row.case,
        row.peer,
        row.settings,
        "" if row.seconds is None else f"{row.seconds:.3g}",
        f"{row.seconds / logit.seconds:.2f}" if comparable else "",
        "" if row.error is None else error_text(row.error),
        "" if row.peak_mb is None else f"{row.peak_mb:.0f}",
        "; ".join(row.notes).replace("|", "\\|"),
    ]
    return f"| {' | '.join(cells)} |"


def error_text(error):
    """Below 1e-14 it is the rounding of the objective itself."""
    return "< 1e-14" if abs(error) < 1e-14 else f"{error:.1e}"


def header(args):
    today = datetime.date.today().isoformat()
    print(f"{today}, {processor()}, {args.threads} threads")
    packages = ["numpy", "scipy", "scikit-learn", "glum", "liblinear-official"]
    versions = [f"{name} {version(name)}" for name in packages]
    locked = tomllib.loads((HERE / "Cargo.lock").read_text())["package"]
    crates = ["linfa-logistic", "smartcore"]
    versions += [f"{c['name']} {c['version']}" for c in locked if c["name"] in crates]
    print(f"logit at {output('git', 'describe', '--always', '--dirty')},")
    print(f"{output('rustc', '--version')}, Python {platform.python_version()},")
    print(", ".join(versions))
    kernels = {
        f"{p['internal_api']} {p['architecture']}"
        for p in threadpool_info()
        if "architecture" in p
    }
    print(f"BLAS kernels: {', '.join(sorted(kernels))}")


def processor():
    """Its model, its cores, and the widest vectors it has."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return f"{platform.processor()}, {os.cpu_count()} cores"
    facts = dict(map(str.strip, line.split(":", 1)) for line in lines if ":" in line)
    flags = facts.get("flags", "").split()
    widest = next((isa for isa in ["avx512f", "avx2", "sse2"] if isa in flags), "")
    model = facts.get("model name", platform.machine())
    return f"{model}, {os.cpu_count()} cores, {widest}"


def output(*command):
    return subprocess.check_output(command, cwd=HERE, text=True).strip()


def progress(text):
    print(text, file=sys.stderr, flush=True)


def told(rows):
    for row in rows:
        seconds = "failed" if row.seconds is None else f"{row.seconds:.3g} s"
        progress(f"  {seconds}, {'; '.join(row.notes)}")
        yield row


def chosen(peers, words):
    """All, or logit and those whose name has one of the words."""
    return [
        peer
        for peer in peers
        if "logit (" in peer.name or not words or any(word in peer.name for word in words)
    ]


def run(args):
    runner = Runner(args.limit)
    pass_rows, recipe_rows, fit_rows = [], [], []
    kept = nullcontext(args.data) if args.data else tempfile.TemporaryDirectory()
    with kept as directory:
        for name in args.cases:
            progress(f"{name}: making the data")
            problem = problems.make(name, Path(directory))
            if name == "569x30":
                peers = chosen(RECIPES, args.peers)
                recipe_rows += told(recipes(runner, problem, peers))
            dense = problem.columns_file is None
            peers = chosen(PASSES if dense else SPARSE_PASSES, args.peers)
            pass_rows += told(passes(runner, problem, peers))
            peers = chosen(FITS if dense else SPARSE_FITS, args.peers)
            fit_rows += told(fits(runner, problem, peers, args.target))
            if not args.data:
                problem.unlink()
    header(args)
    table("One pass: loss and gradient", "relative difference", pass_rows)
    if recipe_rows:
        title = "Gradient descent: 1000 iterations at rate 0.001, losses kept"
        table(title, "relative difference", recipe_rows)
    table("Whole fit, to a relative suboptimality", "relative suboptimality", fit_rows)
