"""Writes components.golden.json: connected components by SciPy and NetworkX of random graphs.

    pip install scipy==1.17.1 networkx==3.6.1; python components.golden.py

Labels are turned into the lowest row of each component. Similarities have two decimals, so that edges exactly at a
threshold occur; these do not join.
"""

import json
from pathlib import Path

import networkx as nx
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def components(rows, edges, threshold):
    kept = edges[edges[:, 2] > threshold]
    graph = coo_matrix((np.ones(len(kept)), (kept[:, 0].astype(int), kept[:, 1].astype(int))), (rows, rows))
    _, labels = connected_components(graph, directed=False)
    lowest = np.full(labels.max() + 1, rows)
    np.minimum.at(lowest, labels, np.arange(rows))
    nodes = nx.Graph()
    nodes.add_nodes_from(range(rows))
    nodes.add_edges_from((int(a), int(b)) for a, b, _ in kept)
    for component in nx.connected_components(nodes):
        assert {lowest[labels[row]] for row in component} == {min(component)}
    return lowest[labels].tolist()


def main():
    rng = np.random.default_rng(0)
    golden = []
    for rows, count in [(1, 0), (30, 20), (200, 150), (400, 900)]:
        edges = np.column_stack([rng.integers(0, rows, (count, 2)), rng.integers(30, 100, count) / 100])
        golden.append(
            {
                "rows": rows,
                "from": edges[:, 0].astype(int).tolist(),
                "to": edges[:, 1].astype(int).tolist(),
                "similarity": edges[:, 2].tolist(),
                "components": {str(t): components(rows, edges, t) for t in (0.0, 0.45, 0.6, 0.8)},
            }
        )
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


main()
