"""Writes knn.golden.json: labels that scikit-learn's KNeighborsClassifier predicts with DINOv2's weights.

    pip install scikit-learn==1.9.1; python knn.golden.py

Neighbours are found by brute force over Euclidean distances of unit-length rows, d^2 = 2 - 2 cos. The weight function
turns distances back into cosines and takes softmax(cosine / 0.07) over the neighbours. Features are numbers with four
decimals that the test parses, so both sides start from the same float32 values. Rows whose two best classes are closer
than rounding could decide are drawn again.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

TEMPERATURE = 0.07
KS = [1, 3, 10, 20, 60]


def softmax_weights(distances):
    cosines = 1 - np.asarray(distances) ** 2 / 2
    weights = np.exp(cosines / TEMPERATURE)
    return weights / weights.sum(1, keepdims=True)


def main():
    rng = np.random.default_rng(0)
    classes, columns = 7, 10
    centres = rng.standard_normal((classes, columns))

    def draw(rows):
        labels = rng.integers(0, classes, rows)
        return (centres[labels] + 1.6 * rng.standard_normal((rows, columns))).round(4), labels

    train, train_labels = draw(90)
    test, _ = draw(120)
    unit = lambda x: x.astype(np.float32).astype(np.float64) / np.linalg.norm(x, axis=1, keepdims=True)  # noqa: E731
    models = {}
    for k in KS:
        model = KNeighborsClassifier(k, algorithm="brute", weights=softmax_weights)
        models[k] = model.fit(unit(train), train_labels)
    votes = {k: np.sort(model.predict_proba(unit(test)), axis=1) for k, model in models.items()}
    clear = np.all([v[:, -1] - v[:, -2] > 1e-4 for v in votes.values()], axis=0)
    test = test[clear][:80]
    golden = {
        "train": train.tolist(),
        "trainLabels": train_labels.tolist(),
        "test": test.tolist(),
        "predictions": {str(k): model.predict(unit(test)).tolist() for k, model in models.items()},
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
