"""Self-join by faiss-cpu IndexIVFFlat: a peer of bench/self-join-vs-faiss.mjs.

Reads unit rows from a .npy file. First finds the exact neighbours of some rows with IndexFlatIP and writes them. Then tries
sqrt(N), 2 sqrt(N) and 4 sqrt(N) lists: builds each index, looks for the fewest probes with which the wanted share of those edges is
found, and takes the index with which a part of the rows is searched sooner. None of this is timed. Then trains, adds and
searches all rows once against the clock. Prints a JSON line after each stage.
"""

import argparse
import json
import resource
import time

import faiss
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("rows")
parser.add_argument("--k", type=int, default=64)
parser.add_argument("--threshold", type=float, default=0.6)
parser.add_argument("--recall", type=float, default=0.97)
parser.add_argument("--sample", help="uint32 row numbers")
parser.add_argument("--truth", help="where to write the sample's exact neighbours: int32 (n, k), -1 for none")
args = parser.parse_args()

data = np.load(args.rows)
sample = np.fromfile(args.sample, dtype=np.uint32).astype(np.int64)
count, columns = data.shape
BATCH = 65536


def edges(similarities, rows, queries):
    """Neighbours above the threshold without the query itself, as sets."""
    result = []
    for similarity, row, query in zip(similarities, rows, queries):
        kept = row[(similarity > args.threshold) & (row != query) & (row >= 0)][: args.k]
        result.append(kept)
    return result


flat = faiss.IndexFlatIP(columns)
flat.add(data)
truth = edges(*flat.search(data[sample], args.k + 1), sample)
del flat
table = np.full((len(sample), args.k), -1, dtype=np.int32)
for line, row in zip(table, truth):
    line[: len(row)] = row
table.tofile(args.truth)
total = sum(map(len, truth))
print(json.dumps({"version": faiss.__version__, "threads": faiss.omp_get_max_threads(), "sampledEdges": total}), flush=True)


def build(lists):
    index = faiss.IndexIVFFlat(faiss.IndexFlatIP(columns), columns, lists, faiss.METRIC_INNER_PRODUCT)
    # As much training as ours, and its kind: for cosines, spherical centroids need a third of the probes of faiss's default.
    index.cp.spherical = True
    index.cp.niter = 8
    index.cp.max_points_per_centroid = 64
    index.train(data)
    index.add(data)
    return index


def recall(index):
    found = edges(*index.search(data[sample], args.k + 1), sample)
    return sum(len(np.intersect1d(a, b)) for a, b in zip(truth, found)) / max(total, 1)


def fewest_probes(index):
    """Bisection: recall grows with the probes."""
    low, high = 0, 1
    index.nprobe = high
    while high < index.nlist and recall(index) < args.recall:
        low, high = high, min(2 * high, index.nlist)
        index.nprobe = high
    while high - low > 1:
        middle = index.nprobe = (low + high) // 2
        low, high = (low, middle) if recall(index) >= args.recall else (middle, high)
    return high


choices = []
part = data[: min(count, 8192)]
for lists in (round(factor * count**0.5) for factor in (1, 2, 4)):
    start = time.perf_counter()
    index = build(lists)
    built = time.perf_counter() - start
    probes = index.nprobe = fewest_probes(index)
    start = time.perf_counter()
    index.search(part, args.k + 1)
    seconds = (time.perf_counter() - start) * count / len(part)
    choices.append({"lists": lists, "probes": probes, "recall": recall(index), "expectedSeconds": built + seconds})
    del index
best = min(choices, key=lambda choice: choice["expectedSeconds"])
print(json.dumps({"choices": choices}), flush=True)

start, start_cpu = time.perf_counter(), time.process_time()
index = build(best["lists"])
built = time.perf_counter() - start
index.nprobe = best["probes"]
found = 0
for first in range(0, count, BATCH):
    similarities, _ = index.search(data[first : first + BATCH], args.k + 1)
    found += int((similarities > args.threshold).sum())
seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({**best, "buildSeconds": built, "seconds": seconds, "cpuSeconds": cpu_seconds, "edges": found - count, "peakBytes": peak}), flush=True)
