"""Golden pictures for packages/augment and packages/data from PIL and torchvision.

Writes tests/golden/data/augment.json and tests/golden/data/images.json. Pictures are base64 of
interleaved 8-bit RGB. Run: python tests/golden/augment.py
"""

import base64
import io
import json
import math
from pathlib import Path

import numpy as np
import torch

# torchvision registers shapes for its C++ operators, which need not be built for what is used here.
operators = torch.library.Library("torchvision", "DEF")
for signature in [
    "nms(Tensor a, Tensor b, float c) -> Tensor",
    "qnms(Tensor a, Tensor b, float c) -> Tensor",
    *(f"{name}(Tensor a) -> Tensor" for name in [
        "roi_align", "_roi_align_backward", "ps_roi_align", "_ps_roi_align_backward", "roi_pool",
        "_roi_pool_backward", "ps_roi_pool", "_ps_roi_pool_backward", "qroi_align", "deform_conv2d",
        "_deform_conv2d_backward",
    ]),
]:
    operators.define(signature)

from PIL import Image  # noqa: E402
from torchvision.transforms import functional as F  # noqa: E402
from torchvision.transforms import InterpolationMode  # noqa: E402

rng = np.random.default_rng(11)
data = Path(__file__).parent / "data"


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def smooth(height, width, seed):
    """Waves and noise: flat parts, edges, grays, and every corner of the colour cube."""
    local = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    channels = []
    for _ in range(3):
        a, b, c = local.uniform(1, 9, 3)
        wave = 140 + 130 * np.sin(a * x + b * y + c) + local.normal(0, 12, (height, width))
        channels.append(wave)
    image = np.clip(np.stack(channels, -1), 0, 255).astype(np.uint8)
    image[: height // 4, : width // 4] = image[: height // 4, : width // 4, :1]
    return image


apply = {
    "brightness": F.adjust_brightness,
    "contrast": F.adjust_contrast,
    "saturation": F.adjust_saturation,
    "hue": F.adjust_hue,
}


def pipeline(image, parameters):
    """DINOv2's order after crop and flip; returns the 8-bit picture before normalisation."""
    picture = Image.fromarray(image)
    if parameters["jitter"]:
        for name in parameters["jitter"]["order"]:
            picture = apply[name](picture, parameters["jitter"][name])
    if parameters["grayscale"]:
        picture = F.rgb_to_grayscale(picture, 3)
    if parameters["blurSigma"]:
        picture = F.gaussian_blur(picture, 9, parameters["blurSigma"])
    if parameters["solarize"]:
        picture = F.solarize(picture, 128)
    return picture


def factors():
    return {
        "order": [list(apply)[i] for i in rng.permutation(4)],
        "brightness": rng.uniform(0.6, 1.4),
        "contrast": rng.uniform(0.6, 1.4),
        "saturation": rng.uniform(0.8, 1.2),
        "hue": rng.uniform(-0.1, 0.1),
    }


nothing = {"jitter": None, "grayscale": False, "blurSigma": None, "solarize": False}
neutral = {"brightness": 1.0, "contrast": 1.0, "saturation": 1.0, "hue": 0.0}
size = 28
cases = []


def case(name, parameters, seed):
    image = smooth(size, size, seed)
    cases.append({"name": name, "parameters": parameters, "input": text(image),
                  "output": text(np.asarray(pipeline(image, parameters)))})


for name, factor in [("brightness", 0.63), ("brightness", 1.37), ("contrast", 0.61), ("contrast", 1.4),
                     ("saturation", 0.8), ("saturation", 1.2), ("hue", 0.1), ("hue", -0.1), ("hue", 0.5)]:
    order = [name] + [n for n in apply if n != name]
    case(f"{name} {factor}", {**nothing, "jitter": {**neutral, "order": order, name: factor}}, len(cases))
case("grayscale", {**nothing, "grayscale": True}, 20)
for sigma in (0.1, 0.7, 2.0):
    case(f"blur {sigma}", {**nothing, "blurSigma": sigma}, 21)
case("solarize", {**nothing, "solarize": True}, 22)
case("nothing", nothing, 23)
for i in range(4):
    case(f"all {i}", {"jitter": factors(), "grayscale": i == 3, "blurSigma": rng.uniform(0.1, 2), "solarize": i % 2 == 0}, 30 + i)

tensor = F.normalize(F.to_tensor(pipeline(smooth(size, size, 30), cases[-4]["parameters"])),
                     (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
golden = {"size": size, "cases": cases, "normalized": text(tensor.permute(1, 2, 0).numpy())}

# Random colours through the 8-bit hue: dense in all six sectors.
colors = rng.integers(0, 256, (48, 48, 3)).astype(np.uint8)
colors[:8] = rng.integers(0, 18, (8, 48, 3)) + 100  # nearly gray: short fractions, exact ties
golden["hue"] = {"size": 48, "input": text(colors), "outputs": [
    {"factor": f, "output": text(np.asarray(F.adjust_hue(Image.fromarray(colors), f)))} for f in (0.0, 0.07, -0.033)
]}
(data / "augment.json").write_text(json.dumps(golden, indent=1))

source = smooth(72, 96, 50)
picture = Image.fromarray(source)
crops = []
for left, top, width, height, side in [(0, 0, 96, 72, 28), (13, 5, 41, 60, 28), (50, 20, 17, 12, 28), (7, 9, 28, 28, 28), (90, 3, 6, 66, 14)]:
    out = F.resized_crop(picture, top, left, height, width, [side, side], InterpolationMode.BICUBIC)
    crops.append({"crop": {"left": left, "top": top, "width": width, "height": height}, "size": side, "output": text(np.asarray(out))})

# Decoding through the same libjpeg arithmetic: chroma subsampled, as most photographs are.
file = io.BytesIO()
Image.fromarray(smooth(37, 51, 60)).save(file, "jpeg", quality=85, subsampling="4:2:0")
jpeg = {"file": base64.b64encode(file.getvalue()).decode(), "width": 51, "height": 37,
        "output": text(np.asarray(Image.open(io.BytesIO(file.getvalue())).convert("RGB")))}

(data / "images.json").write_text(json.dumps(
    {"width": 96, "height": 72, "input": text(source), "crops": crops, "jpeg": jpeg}, indent=1))
