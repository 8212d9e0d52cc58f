"""Multinomial logistic regression over a list of C with scikit-learn: a peer of bench/logistic-vs-sklearn.mjs.

Each C starts from the solution for the one before, as there. Prints one line of JSON for each C.
"""

import argparse
import json
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--dim", type=int)
    parser.add_argument("--cs")
    parser.add_argument("--max-iter", type=int)
    args = parser.parse_args()
    warnings.filterwarnings("ignore")
    x = np.fromfile(f"{args.folder}/features.f32", np.float32).reshape(args.rows, args.dim).astype(np.float64)
    y = np.fromfile(f"{args.folder}/labels.i32", np.int32)
    model = LogisticRegression(solver="lbfgs", tol=1e-12, max_iter=args.max_iter, warm_start=True)
    for c in map(float, args.cs.split(",")):
        model.C = c
        start, cpu = time.perf_counter(), time.process_time()
        model.fit(x, y)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        z = x @ model.coef_.T + model.intercept_
        z -= z.max(axis=1, keepdims=True)
        loss = (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(y)), y]).sum()
        objective = float(c * loss + 0.5 * (model.coef_**2).sum())
        iterations = int(model.n_iter_[0])
        fit = {"c": c, "seconds": seconds, "cpuSeconds": cpu, "objective": objective, "iterations": iterations}
        print(json.dumps({**fit, "version": sklearn.__version__}), flush=True)


if __name__ == "__main__":
    main()
