"""Writes the data sets of this folder as data.json: columns, labels, and where there are any weights, offsets and groups.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt
    .venv/bin/python data.py && Rscript reference.R && .venv/bin/python reference.py

- spector, fair, anes96: those of statsmodels. Of fair every tenth row; anes96 by its column vote.
- breast_cancer: four of its columns, which do not separate.
- weighted: anes96 with frequency weights, some of them 0, and offsets.
- dependent: spector with a column that two others add up to.
- sparse: indicators of levels and of their products, mostly zeros.
- endometrial, of brglm2 (Heinze and Schemper 2002), and two_way: written by reference.R, as from_r.json.
"""

import csv
import json
from pathlib import Path

import numpy as np
import statsmodels.api as sm

HERE = Path(__file__).parent


def data(frame, label, columns):
    return {
        "names": columns,
        "x": [[float(value) for value in row] for row in frame[columns].to_numpy()],
        "y": [int(value) for value in label],
    }


def breast_cancer():
    rows = list(csv.DictReader((HERE / "../../../../../data/breast_cancer.csv").read_text().splitlines()))
    names = [name for name in rows[0]][:-1]
    columns = [names[k] for k in (1, 4, 8, 9)]
    label = list(rows[0])[-1]
    return {
        "names": columns,
        "x": [[float(row[name]) for name in columns] for row in rows],
        "y": [int(row[label] == "benign") for row in rows],
    }


def sparse():
    rng = np.random.default_rng(19)
    a, b = rng.integers(0, 6, 400), rng.integers(0, 5, 400)
    x = [[float(i == k) for k in range(1, 6)] + [float(j == k) for k in range(1, 5)] for i, j in zip(a, b)]
    for row, i, j in zip(x, a, b):
        row += [float(i == 1 and j == 1), float(i > 3) * round(float(rng.normal()), 3)]
    logits = 0.3 * (a - 2) - 0.4 * (b == 2) + 0.2
    y = rng.random(400) < 1 / (1 + np.exp(-logits))
    names = [f"a{k}" for k in range(1, 6)] + [f"b{k}" for k in range(1, 5)] + ["a1b1", "slope"]
    return {"names": names, "x": x, "y": [int(v) for v in y], "groups": a.tolist()}


if __name__ == "__main__":
    spector = sm.datasets.spector.load_pandas().data
    fair = sm.datasets.fair.load_pandas().data.iloc[::10]
    anes = sm.datasets.anes96.load_pandas().data
    rng = np.random.default_rng(5)
    sets = {
        "spector": data(spector, spector["GRADE"], ["GPA", "TUCE", "PSI"]),
        "fair": data(fair, fair["affairs"] > 0, [c for c in fair.columns if c != "affairs"]),
        "anes96": data(anes, anes["vote"], ["logpopul", "selfLR", "age", "educ", "income"]),
        "breast_cancer": breast_cancer(),
        "sparse": sparse(),
    }
    sets["fair"]["groups"] = [int(v) for v in fair["occupation"]]
    sets["fair"]["others"] = [int(v) for v in fair["religious"] * 7 + np.arange(len(fair)) % 7]
    sets["anes96"]["groups"] = [int(v) for v in anes["educ"] * 10 + anes["selfLR"]]
    sets["anes96"]["others"] = [int(v) for v in anes["income"]]
    sets["weighted"] = dict(sets["anes96"])
    sets["weighted"]["weights"] = rng.integers(0, 4, len(anes)).astype(float).tolist()
    sets["weighted"]["offsets"] = np.round(rng.normal(size=len(anes)), 3).tolist()
    sets["dependent"] = dict(sets["spector"])
    sets["dependent"]["names"] = ["GPA", "TUCE", "BOTH", "PSI"]
    sets["dependent"]["x"] = [[a, b, a + b, c] for a, b, c in sets["spector"]["x"]]
    (HERE / "data.json").write_text(json.dumps(sets) + "\n")
