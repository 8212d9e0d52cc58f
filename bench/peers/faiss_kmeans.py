"""k-means of faiss on the CPU: a peer of bench/kmeans-vs-faiss.mjs.

Reads unit-length float32 rows from a .npy file, then answers every line of JSON {"clusters", "iterations", "pointsPerCentroid",
"seed", "path"} on standard input: trains, writes the float32 centroids to the path, prints the seconds of the clock and of
the processors, and what faiss says of every iteration: seconds since the start, and the sum of cosines before it.
"""

import json
import resource
import sys
import time

import faiss
import numpy as np

rows = np.load(sys.argv[1])
print(json.dumps({"version": faiss.__version__, "threads": faiss.omp_get_max_threads()}), flush=True)

for line in sys.stdin:
    job = json.loads(line)
    options = {} if job["pointsPerCentroid"] is None else {"max_points_per_centroid": job["pointsPerCentroid"]}
    kmeans = faiss.Kmeans(
        rows.shape[1], job["clusters"], niter=job["iterations"], spherical=True, seed=job["seed"], min_points_per_centroid=1, **options
    )
    start, start_cpu = time.perf_counter(), time.process_time()
    kmeans.train(rows)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - start_cpu
    kmeans.centroids.tofile(job["path"])
    steps = [{"seconds": step["time"], "objective": step["obj"]} for step in kmeans.iteration_stats]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"seconds": seconds, "cpuSeconds": cpu_seconds, "steps": steps, "peakBytes": peak}), flush=True)
