"""Golden of packages/evaluation's logistic regression: scikit-learn on the same rows. Run: python tests/golden/logistic.py

Features are hashed, so only labels and results are stored. L-BFGS stops at its tolerance or where rounding hides the decrease;
`newton-cholesky` goes on from there to tell the optimum, and the lower objective of both is the golden.
"""

import json
import warnings
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from hashing import symmetric

warnings.filterwarnings("ignore")
CS = 10 ** np.linspace(-6, 5, 45)


def features(seed, rows, columns):
    """float32 features off the origin whose columns differ in scale by up to 8."""
    x = (symmetric(seed, rows, columns).numpy() + 0.75).astype(np.float32)
    return x * np.float32(2) ** (np.arange(columns) % 4 - 1).astype(np.float32)


def labels(seed, x, classes, noise):
    truth = symmetric(seed, classes, x.shape[1]).numpy()
    scores = (x - x.mean(axis=0)) @ truth.T + noise * symmetric(seed + 1, len(x), classes).numpy()
    return scores.argmax(axis=1)


def objective(c, weights, bias, x, y):
    """C Σ cross-entropy + ½‖W‖² in float64; with two classes the penalty is of the one vector scikit-learn fits."""
    if len(weights) == 1:
        z = x.astype(np.float64) @ weights[0] + bias[0]
        return c * np.logaddexp(0, np.where(y == 1, -z, z)).sum() + 0.5 * (weights**2).sum()
    z = x.astype(np.float64) @ weights.T + bias
    z -= z.max(axis=1, keepdims=True)
    loss = np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]
    return c * loss.sum() + 0.5 * (weights**2).sum()


def digits(values):
    return "".join(map(str, values))


def case(seed, rows, columns, classes, noise):
    x = features(seed, rows + 80, columns)
    y = labels(seed + 10, x, classes, noise)
    train, held, test = slice(0, rows), slice(rows, rows + 40), slice(rows + 40, rows + 80)
    path = []
    for c in CS:
        fits = []
        for solver in ["lbfgs", "newton-cholesky"]:
            model = LogisticRegression(C=c, solver=solver, tol=1e-12, max_iter=20_000).fit(x[train].astype(np.float64), y[train])
            fits.append((objective(c, model.coef_, model.intercept_, x[train], y[train]), solver, model))
        best, _, model = min(fits, key=lambda fit: fit[0])
        lbfgs = fits[0][2]
        path.append(
            {
                "c": c,
                "objective": best,
                "lbfgsObjective": fits[0][0],
                "accuracy": lbfgs.score(x[held].astype(np.float64), y[held]),
                "predictions": digits(lbfgs.predict(x[test].astype(np.float64))),
                "probabilities": model.predict_proba(x[test][:3].astype(np.float64)).ravel().round(9).tolist(),
                "coefficients": [float(f"{value:.9g}") for value in model.coef_[0]],
            }
        )
        print(f"{c:.2e}", [f"{f[0]:.12e}" for f in fits], path[-1]["accuracy"])
    best = int(np.argmax([fit["accuracy"] for fit in path]))
    whole = slice(0, rows + 40)
    model = LogisticRegression(C=CS[best], solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit(x[whole].astype(np.float64), y[whole])
    refit = objective(CS[best], model.coef_, model.intercept_, x[whole], y[whole])
    chosen = {"c": CS[best], "objective": refit, "predictions": digits(model.predict(x[test].astype(np.float64)))}
    return {"seed": seed, "rows": rows, "columns": columns, "classes": classes, "labels": digits(y), "path": path, "chosen": chosen}


if __name__ == "__main__":
    record = {"overlapping": case(1, 160, 10, 5, 2.5), "separable": case(2, 60, 24, 4, 0.3), "two": case(3, 90, 6, 2, 2.0)}
    path = Path(__file__).parent / "data" / "logistic.json"
    path.write_text(json.dumps(record) + "\n")
    print(path, path.stat().st_size)
