"""Fits by others, written to references.json beside this script.

    python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python references.py

- recipe: the classic gradient descent in plain NumPy, its losses and weights.
- statsmodels: unpenalised maximum likelihood by Logit, on data where it exists.
- scikit_learn: L2-penalised fits; its C weighs the sum over rows, so C = 1 / (l2 n), with n the
  sum of the weights where rows are weighted.
- weighted, balanced, class_weighted: scikit-learn with sample and class weights.
- elastic_net: scikit-learn's saga, where l1 + l2 is 1 / (C n) and l1_ratio is l1's share of it;
  liblinear without an intercept, which it would penalise; wide has fewer rows than columns.
- offset: statsmodels' binomial GLM with frequency weights and offsets.
"""

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, precision_recall_fscore_support, roc_auc_score

HERE = Path(__file__).parent
BREAST_CANCER = HERE / "../../data/breast_cancer.csv"


def breast_cancer():
    rows = list(csv.reader(BREAST_CANCER.read_text().splitlines()))[1:]
    x = np.array([row[:-1] for row in rows], dtype=float)
    return x, np.array([row[-1] == "benign" for row in rows], dtype=float)


def synthetic():
    """Correlated columns: of different scales, one far from 0; and again, all alike."""
    rng = np.random.default_rng(7)
    n, d = 300, 5
    base = rng.normal(size=(n, d)) @ (np.eye(d) + 0.3 * rng.normal(size=(d, d)))
    x = base * [1.0, 20.0, 0.05, 3.0, 1.0] + [0.0, 100.0, 0.0, -2.0, 50.0]
    logits = (base - base.mean(0)) @ [1.0, -0.8, 0.6, 0.3, 0.0] - 0.7
    y = (rng.random(n) < 1 / (1 + np.exp(-logits))).astype(float)
    return x, base + [0.0, 0.5, 0.0, -0.5, 0.2], y


def recipe(x, y, learning_rate, iterations, l2=0.0):
    n, d = x.shape
    w, b, losses = np.zeros(d), 0.0, []
    for _ in range(iterations):
        z = x @ w + b
        losses.append(np.mean(np.logaddexp(0, z) - y * z) + l2 / 2 * w @ w)
        residual = 1 / (1 + np.exp(-z)) - y
        w, b = w - learning_rate * (x.T @ residual / n + l2 * w), b - learning_rate * residual.mean()
    return {"losses": losses, "weights": w.tolist(), "intercept": float(b)}


def on_own_scale(weights, intercept, mean, scale):
    """Coefficients of standardised columns, as coefficients of the columns themselves."""
    weights = np.asarray(weights) / scale
    return {"weights": weights.tolist(), "intercept": float(intercept - weights @ mean)}


def standardized_recipe(x, y, learning_rate, iterations, l2):
    mean, scale = x.mean(0), x.std(0)
    run = recipe((x - mean) / scale, y, learning_rate, iterations, l2)
    return run | on_own_scale(run["weights"], run["intercept"], mean, scale)


def scikit_learn(x, y, l2, fit_intercept, standardize):
    mean, scale = (x.mean(0), x.std(0)) if standardize else (0.0, np.ones(x.shape[1]))
    model = LogisticRegression(
        C=1 / (l2 * len(y)), fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-14, max_iter=1000
    )
    model.fit((x - mean) / scale, y)
    mean = mean if standardize else np.zeros(x.shape[1])
    return on_own_scale(model.coef_[0], model.intercept_[0] if fit_intercept else 0.0, mean, scale)


def weighted(x, y, l2, weights, class_weight=None):
    by_class = np.ones(len(y))
    if class_weight == "balanced":
        by_class = np.where(y == 1, len(y) / 2 / y.sum(), len(y) / 2 / (len(y) - y.sum()))
    elif class_weight:
        by_class = np.where(y == 1, class_weight[1], class_weight[0])
    model = LogisticRegression(
        C=1 / (l2 * (weights * by_class).sum()), class_weight=class_weight, solver="newton-cholesky", tol=1e-14, max_iter=1000
    )
    model.fit(x, y, sample_weight=weights)
    return {"weights": model.coef_[0].tolist(), "intercept": float(model.intercept_[0])}


def elastic_net(x, y, l1, l2, fit_intercept=True, standardize=False, solver="saga"):
    mean, scale = (x.mean(0), x.std(0)) if standardize else (np.zeros(x.shape[1]), np.ones(x.shape[1]))
    model = LogisticRegression(
        C=1 / ((l1 + l2) * len(y)),
        l1_ratio=l1 / (l1 + l2),
        fit_intercept=fit_intercept,
        solver=solver,
        tol=1e-13,
        max_iter=200_000,
        random_state=0,
    )
    model.fit((x - mean) / scale, y)
    return on_own_scale(model.coef_[0], model.intercept_[0] if fit_intercept else 0.0, mean, scale)


def wide():
    """Sixty rows of two hundred columns, of which five matter."""
    rng = np.random.default_rng(11)
    x = np.round(rng.normal(size=(60, 200)), 3)
    y = (x[:, :5] @ [2.0, -1.5, 1.0, -1.0, 0.5] + 0.3 + rng.logistic(size=60) > 0).astype(float)
    return x, y


def offset(x, y, weights, offsets):
    family = sm.families.Binomial()
    model = sm.GLM(y, sm.add_constant(x), family=family, freq_weights=weights, offset=offsets)
    params = model.fit(tol=1e-14, maxiter=100).params
    return {"weights": params[1:].tolist(), "intercept": float(params[0])}


def metrics():
    rng = np.random.default_rng(3)
    y = (rng.random(200) < 0.4).astype(int)
    p = np.round(np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0.01, 0.99), 2)  # rounded, so that many tie
    precision, recall, f1, _ = precision_recall_fscore_support(y, p >= 0.5, average="binary")
    return {
        "y": y.tolist(),
        "p": p.tolist(),
        "accuracy": float(np.mean((p >= 0.5) == y)),
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "log_loss": float(log_loss(y, p)),
        "roc_auc": float(roc_auc_score(y, p)),
    }


if __name__ == "__main__":
    warnings.simplefilter("error")
    x, narrow, y = synthetic()
    cancer_x, cancer_y = breast_cancer()
    statsmodels = sm.Logit(y, sm.add_constant(x)).fit(method="newton", tol=1e-10, maxiter=100, disp=False).params
    without = sm.Logit(y, narrow).fit(method="newton", tol=1e-10, maxiter=100, disp=False).params
    rng = np.random.default_rng(5)
    weights, offsets = rng.integers(0, 4, len(y)).astype(float), np.round(rng.normal(size=len(y)), 3)
    wide_x, wide_y = wide()
    fixture = {
        "x": x.tolist(),
        "narrow_x": narrow.tolist(),
        "y": y.tolist(),
        "recipe": recipe(narrow, y, 0.01, 1000),
        "recipe_breast_cancer": standardized_recipe(cancer_x, cancer_y, 0.1, 1000, 0.01),
        "statsmodels": {"intercept": statsmodels[0], "weights": statsmodels[1:].tolist()},
        "statsmodels_without_intercept": {"intercept": 0.0, "weights": without.tolist()},
        "scikit_learn": scikit_learn(x, y, 0.05, True, True),
        "scikit_learn_plain": scikit_learn(narrow, y, 0.05, True, False),
        "scikit_learn_without_intercept": scikit_learn(narrow, y, 0.05, False, False),
        "scikit_learn_breast_cancer": scikit_learn(cancer_x, cancer_y, 0.02, True, True),
        "scikit_learn_breast_cancer_plain": scikit_learn(cancer_x, cancer_y, 1e-4, True, False),
        "weights": weights.tolist(),
        "offsets": offsets.tolist(),
        "weighted": weighted(narrow, y, 0.05, weights),
        "balanced": weighted(narrow, y, 0.05, np.ones(len(y)), "balanced"),
        "class_weighted": weighted(narrow, y, 0.05, weights, {0: 0.5, 1: 3.0}),
        "offset": offset(narrow, y, weights, offsets),
        "metrics": metrics(),
        "wide_x": wide_x.tolist(),
        "wide_y": wide_y.tolist(),
        "lasso": elastic_net(narrow, y, 0.05, 0.0),
        "lasso_without_intercept": elastic_net(narrow, y, 0.03, 0.0, False, solver="liblinear"),
        "elastic_net": elastic_net(narrow, y, 0.04, 0.02),
        "elastic_net_standardized": elastic_net(x, y, 0.04, 0.02, True, True),
        "lasso_breast_cancer": elastic_net(cancer_x, cancer_y, 0.01, 0.0, True, True),
        "elastic_net_breast_cancer": elastic_net(cancer_x, cancer_y, 0.005, 0.005, True, True),
        "lasso_wide": elastic_net(wide_x, wide_y, 0.05, 0.0),
        "elastic_net_wide": elastic_net(wide_x, wide_y, 0.05, 0.05),
    }
    (HERE / "references.json").write_text(json.dumps(fixture) + "\n")
