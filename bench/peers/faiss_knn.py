"""Exact inner-product search of faiss on the CPU: a peer of bench/knn-vs-faiss.mjs.

Reads unit-length float32 rows from two files, then answers every line `k file` on standard input: searches, writes
the int32 row numbers to the file, prints the seconds of the clock and of the processors.
"""

import json
import sys
import time

import faiss
import numpy as np

queries_path, database_path, columns = sys.argv[1], sys.argv[2], int(sys.argv[3])
queries = np.fromfile(queries_path, dtype=np.float32).reshape(-1, columns)
database = np.fromfile(database_path, dtype=np.float32).reshape(-1, columns)
index = faiss.IndexFlatIP(columns)
index.add(database)
print(json.dumps({"version": faiss.__version__, "threads": faiss.omp_get_max_threads()}), flush=True)

for line in sys.stdin:
    k, path = line.split()
    start, start_cpu = time.perf_counter(), time.process_time()
    _, rows = index.search(queries, int(k))
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    rows.astype(np.int32).tofile(path)
    print(json.dumps({"seconds": seconds, "cpuSeconds": cpu_seconds}), flush=True)
