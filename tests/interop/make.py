"""Weights of every supported layout, made at random by the real programs, with what those make of random inputs.

    python make.py OUT [--dinov2 CHECKOUT] [--dinov3 CHECKOUT] [--only PATTERN] [--quick]

OUT/LAYOUT/MODEL/ gets the weights and `reference.safetensors` (`HxW/input`, `HxW/cls`, …), OUT/pth/ files of
`torch.save`, OUT/pictures/ pictures and their pixels after every preset's transform; OUT/cases.json lists all.
"""

import argparse
import json
import re
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import torch

from peers import fair, huggingface, pictures, pth, timm_models
from peers.case import make


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--dinov2", type=Path)
    parser.add_argument("--dinov3", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()

    torch.backends.mkldnn.enabled = False  # plain float32, not a faster approximation of it
    cases = (
        fair.cases(options.dinov2, options.dinov3, options.quick)
        + huggingface.cases(options.quick)
        + timm_models.cases(options.quick)
    )
    pth.write(options.out)
    shown = pictures.write(options.out, Path(__file__).parents[2] / "apps/pretrain/sample/pictures")
    index = options.out / "cases.json"
    # With --only, what is there stays.
    entries = {e["weights"]: e for e in json.loads(index.read_text())} if options.only and index.exists() else {}
    for case in cases:
        if not re.search(options.only, f"{case.layout}/{case.name}"):
            continue
        start = time.time()
        entry = make(case, options.out, shown)
        entries[entry["weights"]] = entry
        index.write_text(json.dumps(list(entries.values()), indent=1))
        print(f"{case.layout}/{case.name} {time.time() - start:.1f} s", flush=True)


main()
