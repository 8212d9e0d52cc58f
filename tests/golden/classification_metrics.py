"""Golden of packages/evaluation's classification metrics: scikit-learn. Run: python tests/golden/classification_metrics.py"""

import json
from pathlib import Path

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix, precision_recall_fscore_support, top_k_accuracy_score

from hashing import hashed, symmetric

ROWS, CLASSES = 90, 7
labels = (hashed(1, ROWS) % (CLASSES - 1)).astype(int)  # the last class has no rows
scores = symmetric(2, ROWS, CLASSES).numpy() + 0.3 * np.eye(CLASSES)[labels]
predicted = scores.argmax(axis=1)
precision, recall, _, support = precision_recall_fscore_support(labels, predicted, labels=range(CLASSES), zero_division=0)
# ImageNet-ReaL by its definition: one of up to two labels, none for every fifth row.
sets = [[] if i % 5 == 0 else sorted({int(labels[i]), int(hashed(3, ROWS)[i] % CLASSES)}) for i in range(ROWS)]
order = np.argsort(-scores, axis=1)
real = {k: float(np.mean([bool(set(order[i, :k]) & set(s)) for i, s in enumerate(sets) if s])) for k in [1, 5]}
record = {
    "accuracy": accuracy_score(labels, predicted),
    "topK": {str(k): top_k_accuracy_score(labels, scores, k=k, labels=range(CLASSES)) for k in [1, 2, 5]},
    "balanced": balanced_accuracy_score(labels, predicted),
    "real": real,
    "precision": precision.tolist(),
    "recall": recall.tolist(),
    "support": support.tolist(),
    "confusion": confusion_matrix(labels, predicted, labels=range(CLASSES)).tolist(),
}
path = Path(__file__).parent / "data" / "classification-metrics.json"
path.write_text(json.dumps(record) + "\n")
