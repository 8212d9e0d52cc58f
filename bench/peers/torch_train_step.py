"""One DINOv2 training step of ViT-S/14 in PyTorch on the CPU: the peer of bench/train-step.mjs.

Prints one JSON line per timed step, read by the bench; `--autocast` computes in bfloat16.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "golden"))
from dinov2_torch import Student, Trainer  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--prototypes", type=int, default=65536)
    parser.add_argument("--drop-path", type=float, default=0.3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--autocast", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    b, depth = args.batch, 12
    make = lambda: Student({"dim": 384, "depth": depth, "heads": 6}, {"prototypes": args.prototypes})  # noqa: E731
    trainer = Trainer(make(), make())
    images = {"globals": torch.randn(2 * b, 3, 224, 224), "locals": torch.randn(8 * b, 3, 98, 98)}

    def rows(count):
        keep = max(int(count * (1 - args.drop_path)), 1)
        return [(torch.randperm(count)[:keep], torch.randperm(count)[:keep]) for _ in range(depth)]

    def masks():
        # As the collation draws them: half of the rows, ratios stratified over 0.1 .. 0.5.
        out = torch.zeros(2 * b, 256, dtype=torch.bool)
        edges = torch.linspace(0.1, 0.5, b + 1)
        for i, row in enumerate(torch.randperm(2 * b)[:b]):
            count = int(256 * (edges[i] + (edges[i + 1] - edges[i]) * torch.rand(())))
            out[row, torch.randperm(256)[:count]] = True
        return out

    # Commands on standard input, so that the bench can alternate between programs.
    print(json.dumps({"ready": True, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        if line.strip() == "matmul":
            x, y = torch.randn(2048, 2048), torch.randn(2048, 2048)
            x @ y
            start = time.perf_counter()
            for _ in range(5):
                x @ y
            seconds = (time.perf_counter() - start) / 5
            print(json.dumps({"gflops": 2 * 2048**3 / seconds / 1e9}), flush=True)
            continue
        batch = {**images, "masks": masks(), "rows_global": rows(2 * b), "rows_local": rows(8 * b)}
        start = time.perf_counter()
        terms, _ = trainer.step(batch, 1e-4, 1e-4, 0.04, 0.994, 0.05, autocast=args.autocast)
        loss = float(terms["total"].detach())
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "loss": loss, "peakBytes": peak}), flush=True)


if __name__ == "__main__":
    main()
