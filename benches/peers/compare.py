"""Measures logit beside its peers on equal terms; README.md says what that means.

    python3 compare.py --quick > table.md

Makes a .venv beside itself with the packages of requirements.txt and goes on in it.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
CASES = ["569x30", "1000000x100", "4000000x28", "200000x500", "700000x47000x75"]
QUICK_CASES = ["569x30", "50000x100", "100000x28", "20000x200", "20000x5000x75"]
THREAD_VARIABLES = [
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
]


def arguments():
    parser = argparse.ArgumentParser(
        description="Measures logit beside its peers. Tables to stdout, progress to stderr."
    )
    parser.add_argument(
        "cases",
        nargs="*",
        type=case,
        metavar="ROWSxCOLUMNS[xSTORED]",
        help=f"default: {' '.join(CASES)}",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"small cases by default: {' '.join(QUICK_CASES)}",
    )
    parser.add_argument(
        "--peers",
        nargs="+",
        metavar="WORD",
        help="beside logit only peers whose name has one of these words",
    )
    parser.add_argument("--threads", type=int, default=cores(), help="default: all")
    parser.add_argument(
        "--target",
        nargs="+",
        type=float,
        default=[1e-9],
        help="relative suboptimalities that a fit must reach, a row for each; default 1e-9",
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="FOLDER",
        help="where the problems are kept for the next time",
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=120.0,
        help="seconds after which a run is ended, default 120",
    )
    args = parser.parse_args()
    if args.data:
        args.data.mkdir(parents=True, exist_ok=True)
    args.cases = args.cases or (QUICK_CASES if args.quick else CASES)
    return args


def case(name):
    if not re.fullmatch("[1-9][0-9]*(x[1-9][0-9]*){1,2}", name):
        raise argparse.ArgumentTypeError(f"{name!r} is not like 1000x20 or 1000x200x7")
    return name


def cores():
    return len(os.sched_getaffinity(0))


def enter_environment(threads):
    """Starts this program anew in the .venv, which is brought up to date first."""
    python = VENV / "bin" / "python"
    requirements = (HERE / "requirements.txt").read_text()
    installed = VENV / "installed.txt"
    if not installed.exists() or installed.read_text() != requirements:
        print("installing the packages of requirements.txt", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        pip = [python, "-m", "pip", "install", "--quiet", "-r", "requirements.txt"]
        subprocess.run(pip, check=True, cwd=HERE, stdout=sys.stderr)
        installed.write_text(requirements)
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    # OpenBLAS is to choose its kernels by the processor, whatever it was told for other programs.
    environment.pop("OPENBLAS_CORETYPE", None)
    environment.pop("OPENBLAS_L2_SIZE", None)
    # And the compiler is to make what users get.
    environment.pop("RUSTFLAGS", None)
    os.execve(python, [python, __file__, *sys.argv[1:]], environment)


if __name__ == "__main__":
    args = arguments()
    if Path(sys.prefix) != VENV:
        enter_environment(args.threads)
    import comparison  # needs the .venv, and NumPy reads the number of threads when loaded

    comparison.run(args)
