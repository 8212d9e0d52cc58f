"""Golden numbers for packages/evaluation: weighted k-NN with numpy, PCA by singular value decomposition.

Writes tests/golden/evaluation.json. Run: python tests/golden/evaluation.py
"""

import json
from pathlib import Path

import numpy as np

rng = np.random.default_rng(7)


def features(rows, columns, classes, spread):
    labels = rng.integers(0, classes, rows)
    centres = centre_table[:classes, :columns]
    return (centres[labels] + spread * rng.standard_normal((rows, columns))).astype(np.float32), labels


def unit(x):
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)


def knn(train, labels, test, ks, temperature):
    """The DINOv2 protocol: softmax over the largest k, smaller k use a prefix of the weights."""
    similarities = unit(test.astype(np.float64)) @ unit(train.astype(np.float64)).T
    order = np.argsort(-similarities, axis=1, kind="stable")[:, : max(ks)]
    top = np.take_along_axis(similarities, order, axis=1)
    weights = np.exp((top - top[:, :1]) / temperature)
    weights /= weights.sum(axis=1, keepdims=True)
    one_hot = np.eye(labels.max() + 1)[labels[order]]
    votes = weights[:, :, None] * one_hot
    return {str(k): votes[:, :k].sum(axis=1).argmax(axis=1).tolist() for k in ks}, order, top


centre_table = rng.standard_normal((6, 24))
train, train_labels = features(90, 24, 6, 1.6)
test, test_labels = features(40, 24, 6, 1.6)
ks = [1, 5, 20, 60]
predictions, order, top = knn(train, train_labels, test, ks, 0.07)

# Spectrum with clear gaps between the wanted components, so that the directions are well defined.
scales = np.array([9, 6, 4, 2.5] + [1.0] * 8 + [0.5] * 8)
samples = (rng.standard_normal((50, 20)) * scales @ np.linalg.qr(rng.standard_normal((20, 20)))[0] + 3).astype(np.float32)
centred = samples.astype(np.float64) - samples.astype(np.float64).mean(axis=0)
_, singular, directions = np.linalg.svd(centred, full_matrices=False)
signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
directions = directions * signs[:, None]

rounded = lambda x, digits=7: np.round(np.asarray(x, dtype=np.float64), digits).tolist()
Path(__file__).with_suffix(".json").write_text(
    json.dumps(
        {
            "knn": {
                "train": {"data": rounded(train), "labels": train_labels.tolist()},
                "test": {"data": rounded(test), "labels": test_labels.tolist()},
                "ks": ks,
                "predictions": predictions,
                "neighbours": order[:, :5].tolist(),
                "similarities": rounded(top[:, :5]),
            },
            "pca": {
                "samples": rounded(samples),
                "mean": rounded(samples.astype(np.float64).mean(axis=0)),
                "components": rounded(directions[:4]),
                "explainedVariance": rounded(singular[:4] ** 2 / 49),
                "explainedVarianceRatio": rounded(singular[:4] ** 2 / (singular**2).sum()),
            },
        },
        separators=(",", ":"),
    )
    + "\n"
)
