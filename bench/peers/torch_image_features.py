"""Class and patch tokens of JPEG files with torchvision, a DataLoader and transformers on the CPU, written to disk: a peer of
bench/features.mjs. A line on standard input names the folder of a run, its answer has the seconds."""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

# Builds of torchvision without C++ operators ask for their names; models and transforms do not need them.
library = torch.library.Library("torchvision", "FRAGMENT")
for op in ["nms", "qnms", "roi_align", "roi_pool", "ps_roi_align", "ps_roi_pool", "deform_conv2d"]:
    for name in (op, f"_{op}_backward"):
        library.define(f"{name}(Tensor a) -> Tensor")

from PIL import Image  # noqa: E402
from torchvision import transforms  # noqa: E402
from transformers import AutoModel  # noqa: E402


class Pictures(torch.utils.data.Dataset):
    def __init__(self, folder):
        self.paths = sorted(Path(folder).iterdir())
        self.transform = transforms.Compose(
            [
                transforms.Resize(256, interpolation=transforms.InterpolationMode.BICUBIC),
                transforms.CenterCrop(224),
                transforms.ToTensor(),
                transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        with Image.open(self.paths[i]) as picture:
            return self.transform(picture.convert("RGB"))


def processor_seconds():
    """Of this process and of the workers that have ended."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model")
    parser.add_argument("--pictures")
    parser.add_argument("--workers", type=int)
    args = parser.parse_args()
    model = AutoModel.from_pretrained(args.model, attn_implementation="sdpa").eval()
    pictures = Pictures(args.pictures)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        out = Path(line.strip())
        out.mkdir()
        start, before = time.perf_counter(), processor_seconds()
        loader = torch.utils.data.DataLoader(pictures, batch_size=16, num_workers=args.workers)
        cls = []
        with torch.inference_mode(), open(out / "patches.f16", "wb") as patches:
            for batch in loader:
                tokens = model(pixel_values=batch).last_hidden_state
                cls.append(tokens[:, 0].numpy())
                patches.write(tokens[:, 1:].half().numpy().tobytes())
        cls = np.concatenate(cls)
        np.save(out / "cls.npy", cls)
        answer = {"seconds": time.perf_counter() - start, "processorSeconds": processor_seconds() - before}
        print(json.dumps({**answer, "sample": cls.reshape(-1)[::97].tolist()}), flush=True)


if __name__ == "__main__":
    main()
