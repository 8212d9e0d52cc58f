"""Writes checks.golden.json: label-free measures of random features in numpy float64, from the papers' formulas.

    python checks.golden.py
"""

import json
from pathlib import Path

import numpy as np


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def measures(x, y):
    z = unit(x)
    eigenvalues = np.linalg.eigvalsh(np.cov(z.T, bias=True))
    singular = np.linalg.svd(x, compute_uv=False)
    p = singular / singular.sum() + 1e-7
    squares = ((z[:, None, :] - z[None, :, :]) ** 2).sum(-1)[np.triu_indices(len(z), 1)]
    distances = np.linalg.norm(z - unit(y), axis=1)
    return {
        "featureStd": float(z.std(0).mean() * np.sqrt(z.shape[1])),
        "effectiveRank": float(eigenvalues.sum() ** 2 / (eigenvalues**2).sum()),
        "rankMe": float(np.exp(-(p * np.log(p)).sum())),
        "alignment": float((distances**2).mean()),
        "alignment1": float(distances.mean()),
        "uniformity": float(np.log(np.exp(-2 * squares).mean())),
        "uniformity3": float(np.log(np.exp(-3 * squares).mean())),
    }


def main():
    rng = np.random.default_rng(0)
    cases = []
    # More rows than columns, fewer, a few directions only, and one offset that all rows share.
    for rows, columns, rank, offset in [(30, 8, 8, 0), (9, 20, 20, 0), (25, 12, 3, 0), (20, 10, 10, 5)]:
        x = rng.standard_normal((rows, rank)) @ rng.standard_normal((rank, columns)) + offset
        x = np.float32(x.round(3))
        y = np.float32((x + 0.3 * rng.standard_normal(x.shape)).round(3))
        cases.append(
            {
                "shape": [rows, columns],
                "x": [float(f"{v:.3f}") for v in x.ravel()],
                "y": [float(f"{v:.3f}") for v in y.ravel()],
                "expected": measures(x.astype(np.float64), y.astype(np.float64)),
            }
        )
    matrix = rng.standard_normal((24, 24)).round(3)
    matrix = matrix + matrix.T
    golden = {"cases": cases, "matrix": matrix.ravel().tolist(), "eigenvalues": np.linalg.eigvalsh(matrix).tolist()}
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
