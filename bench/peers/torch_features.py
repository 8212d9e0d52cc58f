"""Tokens of images from transformers in PyTorch on the CPU: a peer of bench/feature-extraction.mjs.

`--export` writes an ONNX model with torch.onnx instead, which needs the `onnx` package.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

# torchvision, which transformers imports, asks for its C++ operators; models do not need them.
library = torch.library.Library("torchvision", "DEF")
library.define("nms(Tensor a, Tensor b, float c) -> Tensor")
for op in ["qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"]:
    library.define(f"{op}(Tensor a) -> Tensor")
    library.define(f"_{op}_backward(Tensor a) -> Tensor")

from transformers import AutoModel  # noqa: E402


class Tokens(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values).last_hidden_state


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--pixels")
    parser.add_argument("--export")
    args = parser.parse_args()
    model = AutoModel.from_pretrained(args.model, attn_implementation="sdpa").eval()
    if args.export:
        Path(args.export).parent.mkdir(parents=True, exist_ok=True)
        axes = {"pixel_values": {0: "batch"}, "last_hidden_state": {0: "batch"}}
        torch.onnx.export(
            Tokens(model), (torch.zeros(2, 3, 224, 224),), args.export, dynamo=False, opset_version=17, dynamic_axes=axes,
            input_names=["pixel_values"], output_names=["last_hidden_state"],
        )  # fmt: skip
        return
    pixels = torch.from_numpy(np.fromfile(args.pixels, np.float32).reshape(-1, 3, 224, 224))
    # Commands on standard input, so that the bench can alternate between programs.
    print(json.dumps({"ready": True, "torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        with torch.inference_mode():
            tokens = model(pixel_values=pixels).last_hidden_state.numpy()
        seconds = time.perf_counter() - start
        sample = tokens.reshape(-1)[::997].tolist()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": seconds, "sample": sample, "peakBytes": peak}), flush=True)


if __name__ == "__main__":
    main()
