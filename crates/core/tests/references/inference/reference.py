"""Adds to reference.json what R has not: margins by statsmodels, Firth's tests and intervals by firthmodels;
and writes metrics.json, by scikit-learn. Run after reference.R; data.py says how.

statsmodels' Logit has HC0 whatever of HC1 to HC3 is asked (statsmodels issue 7798), so those come from R.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import statsmodels.api as sm
from firthmodels import FirthLogisticRegression
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve

HERE = Path(__file__).parent


def design(data):
    """The intercept comes last."""
    x = np.array(data["x"])
    return np.column_stack([x, np.ones(len(x))]), np.array(data["y"], dtype=float)


def margins(data):
    x, y = design(data)
    out = {}
    for covariance in ("nonrobust", "HC0"):
        fit = sm.Logit(y, x).fit(method="newton", tol=1e-12, maxiter=100, disp=False, cov_type=covariance)
        for at in ("overall", "mean"):
            for dummy in (False, True):
                effects = fit.get_margeff(at=at, dummy=dummy)
                out[f"{covariance}_{at}_{'dummy' if dummy else 'slope'}"] = {
                    "effects": effects.margeff.tolist(),
                    "errors": effects.margeff_se.tolist(),
                }
    return out


def firth(data):
    """On columns divided by their deviations: its gradient does not come below 1e-7 otherwise."""
    x, y = np.array(data["x"]), np.array(data["y"])
    scale = x.std(0)
    model = FirthLogisticRegression(gtol=1e-7, xtol=1e-7, max_iter=1000).fit(x / scale, y)
    model.lrt()
    intervals = model.conf_int(method="pl", tol=1e-10, max_iter=1000)
    return {
        "log_likelihood": float(model.loglik_ + np.log(scale).sum()),
        "p": model.lrt_pvalues_.tolist(),
        "intervals": (intervals / np.append(scale, 1.0)[:, None]).tolist(),
    }


def quantile_bins(p, w, count):
    """Groups of about equal weight, ties together: by the middle of their weight."""
    bins = np.zeros(len(p), dtype=int)
    for value in np.unique(p):
        middle = w[p < value].sum() + w[p == value].sum() / 2
        bins[p == value] = int(count * middle / w.sum())
    return bins


def hosmer_lemeshow(y, p, w, count):
    y, p, w = y[w > 0], p[w > 0], w[w > 0]
    bins, statistic = quantile_bins(p, w, count), 0.0
    for k in np.unique(bins):
        of = bins == k
        n, observed, expected = w[of].sum(), (w * y)[of].sum(), (w * p)[of].sum()
        statistic += (observed - expected) ** 2 / (expected * (1 - expected / n))
    df = len(np.unique(bins)) - 2
    return {"statistic": statistic, "df": df, "p": float(stats.chi2.sf(statistic, df))}


def scores(y, p, w):
    precision, recall, thresholds = metrics.precision_recall_curve(y, p, sample_weight=w)
    false_rate, true_rate, _ = metrics.roc_curve(y, p, sample_weight=w, drop_intermediate=False)
    edges = np.clip(np.ceil(p * 10).astype(int) - 1, 0, 9)
    ece = sum(abs((w * (p - y))[edges == k].sum()) for k in range(10)) / w.sum()
    quantile = np.where(w > 0, quantile_bins(p, w, 7), -1)
    mean = lambda values: [float(np.average(values[quantile == k], weights=w[quantile == k])) for k in np.unique(quantile[w > 0])]
    logits = np.log(p / (1 - p))
    family = sm.families.Binomial()
    slope = sm.GLM(y, sm.add_constant(logits), family=family, freq_weights=w).fit(tol=1e-14)
    shift = sm.GLM(y, np.ones(len(y)), family=family, offset=logits, freq_weights=w).fit(tol=1e-14)
    return {
        "confusion": metrics.confusion_matrix(y, p >= 0.5, sample_weight=w).ravel().tolist(),
        "log_loss": float(metrics.log_loss(y, p, sample_weight=w)),
        "brier": float(metrics.brier_score_loss(y, p, sample_weight=w)),
        "roc_auc": float(metrics.roc_auc_score(y, p, sample_weight=w)),
        "average_precision": float(metrics.average_precision_score(y, p, sample_weight=w)),
        "roc": {"fpr": false_rate.tolist(), "tpr": true_rate.tolist()},
        "precision_recall": {"precision": precision[-2::-1].tolist(), "recall": recall[-2::-1].tolist(),
                             "thresholds": thresholds[::-1].tolist()},
        "ece": float(ece),
        "quantile_bins": {"predicted": mean(p), "observed": mean(y)},
        "hosmer_lemeshow": hosmer_lemeshow(y, p, w, 10),
        "calibration": {"slope": float(slope.params[1]), "intercept": float(slope.params[0]), "in_the_large": float(shift.params[0])},
    }


def write_metrics():
    rng = np.random.default_rng(3)
    y = (rng.random(150) < 0.4).astype(int)
    p = np.round(np.clip(rng.normal(0.4 + 0.2 * y, 0.2), 0.01, 0.99), 2)  # rounded, so that many tie
    w = rng.integers(0, 4, len(y)).astype(float)
    observed, predicted = calibration_curve(y, p, n_bins=8)
    fixture = {
        "y": y.tolist(), "p": p.tolist(), "weights": w.tolist(),
        "plain": scores(y, p, np.ones(len(y))),
        "weighted": scores(y, p, w),
        "uniform_bins": {"predicted": predicted.tolist(), "observed": observed.tolist()},
    }
    (HERE / "metrics.json").write_text(json.dumps(fixture) + "\n")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    data = json.loads((HERE / "data.json").read_text())
    data |= json.loads((HERE / "from_r.json").read_text())
    reference = json.loads((HERE / "reference.json").read_text())
    for name in ("spector", "fair", "anes96"):
        reference[name]["margins"] = margins(data[name])
    for name in ("spector", "endometrial", "breast_cancer"):
        reference[name]["firth"] |= firth(data[name])
    (HERE / "reference.json").write_text(json.dumps(reference) + "\n")
    write_metrics()
