"""DINOv2's input pipeline in torchvision: decode a JPEG, make 2 crops of 224 and 8 of 98, ready to train on.

The peer of `bench/input-pipeline.mjs`: one process, one thread, the usual transforms on PIL images.
Usage: python torchvision_pipeline.py FOLDER COUNT → JSON with seconds of processor and wall time.
"""

import json
import sys
import time
from pathlib import Path

import torch

# torchvision registers shapes for its C++ operators, which need not be built for what is used here.
operators = torch.library.Library("torchvision", "DEF")
for name in ["roi_align", "_roi_align_backward", "ps_roi_align", "_ps_roi_align_backward", "roi_pool",
             "_roi_pool_backward", "ps_roi_pool", "_ps_roi_pool_backward", "qroi_align", "deform_conv2d",
             "_deform_conv2d_backward", "nms", "qnms"]:
    try:
        operators.define(f"{name}(Tensor a, Tensor b, float c) -> Tensor")
    except RuntimeError:
        pass  # the operators are there

from PIL import Image  # noqa: E402
from torchvision import transforms as T  # noqa: E402

torch.set_num_threads(1)


def crop(size, scale, blur, solarize):
    steps = [
        T.RandomResizedCrop(size, scale=scale, interpolation=T.InterpolationMode.BICUBIC),
        T.RandomHorizontalFlip(0.5),
        T.RandomApply([T.ColorJitter(brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1)], p=0.8),
        T.RandomGrayscale(0.2),
        T.RandomApply([T.GaussianBlur(9, sigma=(0.1, 2.0))], p=blur),
    ]
    if solarize:
        steps.append(T.RandomSolarize(threshold=128, p=solarize))
    steps += [T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))]
    return T.Compose(steps)


# The blur probabilities that the released models were trained with.
first, second = crop(224, (0.32, 1), 0.0, 0), crop(224, (0.32, 1), 0.9, 0.2)
local = crop(98, (0.05, 0.32), 0.5, 0)

folder, count = Path(sys.argv[1]), int(sys.argv[2])
paths = sorted(folder.glob("*.jpg"))


def load(path):
    with open(path, "rb") as file:
        image = Image.open(file).convert("RGB")
    return [first(image), second(image)] + [local(image) for _ in range(8)]


for path in paths[:4]:
    load(path)
processor, wall = time.process_time(), time.perf_counter()
for i in range(count):
    load(paths[i % len(paths)])
print(json.dumps({"images": count, "cpuSeconds": time.process_time() - processor, "wallSeconds": time.perf_counter() - wall}))
