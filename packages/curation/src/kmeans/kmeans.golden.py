"""Writes kmeans.golden.json: scikit-learn's KMeans, and spherical k-means in NumPy, on small inputs.

    python packages/curation/src/kmeans/kmeans.golden.py     # scikit-learn 1.5 or later

`best` is the least inertia of ten starts by scikit-learn's greedy k-means++; `lloyd` is what Lloyd's algorithm gives from the
first k rows.
"""

import json
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans, kmeans_plusplus
from sklearn.datasets import make_blobs

random = np.random.default_rng(0)


def spherical(x, centroids):
    """Lloyd's algorithm with centroids of length 1, in float64, to the fixed point."""
    labels = None
    while True:
        nearest = (x @ centroids.T).argmax(1)
        if labels is not None and (nearest == labels).all():
            return centroids, labels
        labels = nearest
        centroids = np.stack([x[labels == c].sum(0) for c in range(len(centroids))])
        centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)


def case(name, x, clusters, metric):
    x = np.round(x, 3)
    first = x[:clusters]
    if metric == "cosine":
        unit = x / np.linalg.norm(x, axis=1, keepdims=True)
        centroids, labels = spherical(unit, unit[:clusters])
        inertia = np.square(unit - centroids[labels]).sum()
        starts = [spherical(unit, kmeans_plusplus(unit, clusters, random_state=seed)[0]) for seed in range(10)]
        best = min(np.square(unit - c[l]).sum() for c, l in starts)
    else:
        model = KMeans(clusters, init=first, n_init=1, tol=0, max_iter=1000).fit(x)
        centroids, labels, inertia = model.cluster_centers_, model.labels_, model.inertia_
        best = KMeans(clusters, n_init=10, random_state=0).fit(x).inertia_
    return {
        "name": name,
        "metric": metric,
        "columns": x.shape[1],
        "clusters": clusters,
        "rows": x.ravel().tolist(),
        "best": best,
        "lloyd": {"inertia": inertia, "centroids": np.round(centroids, 7).ravel().tolist(), "sizes": np.bincount(labels).tolist()},
    }


blobs = make_blobs(400, 6, centers=12, cluster_std=1.5, center_box=(-5, 5), random_state=1)[0]
far = make_blobs(300, 4, centers=6, cluster_std=1.0, center_box=(-4, 4), random_state=2)[0] + 1000
uniform = random.uniform(size=(500, 3))
golden = [
    case("blobs", blobs, 12, "euclidean"),
    case("blobs far from the origin", far, 6, "euclidean"),
    case("uniform", uniform, 5, "euclidean"),
    case("directions", make_blobs(400, 8, centers=10, cluster_std=0.6, center_box=(-1, 1), random_state=3)[0], 10, "cosine"),
]
Path(__file__).with_suffix(".json").write_text(json.dumps(golden) + "\n")
