"""Files by scikit-learn's dump_svmlight_file, and what its load_svmlight_file reads of them.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python svmlight.py

- zero_based.svm: indices from 0, its default; labels 2 and 4.
- one_based.svm: the same from 1; labels -1 and 1, comments and query ids.
- rows.csv: a row each, the class and then the values, in full.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import dump_svmlight_file, load_svmlight_file

HERE = Path(__file__).parent

rng = np.random.default_rng(7)
n, d = 12, 6
x = rng.normal(size=(n, d)) * 10.0 ** rng.integers(-20, 20, size=(n, d))
x[rng.random(size=(n, d)) < 0.6] = 0.0
x[0, 0], x[3], x[4, -1] = 1.0, 0.0, -0.5
y = rng.random(n) < 0.5

dump_svmlight_file(x, np.where(y, 4, 2), str(HERE / "zero_based.svm"))
dump_svmlight_file(
    x,
    np.where(y, 1.0, -1.0),
    str(HERE / "one_based.svm"),
    zero_based=False,
    comment="from 1",
    query_id=rng.integers(0, 5, size=n),
)

loaded, labels = load_svmlight_file(str(HERE / "zero_based.svm"))
again, signs = load_svmlight_file(str(HERE / "one_based.svm"))
assert (loaded != again).nnz == 0 and ((labels == 4) == (signs == 1)).all() and labels.size == n
with open(HERE / "rows.csv", "w") as rows:
    for row, label in zip(loaded.toarray().tolist(), labels):
        print(int(label == 4), *map(repr, row), sep=",", file=rows)
