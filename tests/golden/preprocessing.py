"""Golden inputs of frozen backbones from the programs that each model family is used with.

Runs torchvision's transforms as facebookresearch/dinov2 and the README of facebookresearch/dinov3 compose
them, the image processors of transformers and the evaluation transforms of timm on small pictures, and
writes tests/golden/data/preprocessing.json: pictures as base64 of interleaved 8-bit RGB or of a file,
results as base64 of float32 (height, width, 3) or, of noise at each program's own sizes, a hash of the 8-bit
intensities and every 997th value. Run: python tests/golden/preprocessing.py
"""

import base64
import hashlib
import io
import json
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

import timm  # noqa: E402
from hashing import hashed  # noqa: E402
from PIL import Image  # noqa: E402
from timm.data import create_transform, resolve_model_data_config  # noqa: E402
from torchvision import transforms  # noqa: E402
from torchvision.transforms import v2  # noqa: E402
from transformers import (  # noqa: E402
    BitImageProcessor,
    Dinov2Config,
    DINOv3ViTConfig,
    DINOv3ViTImageProcessor,
)
from transformers.models.auto.image_processing_auto import IMAGE_PROCESSOR_MAPPING  # noqa: E402

mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def text(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def picture(width, height, seed):
    """Waves, noise and a hard edge, full range."""
    local = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    image = np.stack([127 + 150 * np.sin(a * x + b * y) + local.normal(0, 20, (height, width))
                      for a, b in local.uniform(2, 12, (3, 2))], -1)
    image[height // 3 : height // 2, width // 4 :] = 255
    return np.clip(image, 0, 255).astype(np.uint8)


def dinov2(resize, crop):
    """make_classification_eval_transform of dinov2/data/transforms.py."""
    return transforms.Compose([
        transforms.Resize(resize, interpolation=transforms.InterpolationMode.BICUBIC),
        transforms.CenterCrop(crop),
        transforms.ToTensor(),
        transforms.Normalize(mean, std),
    ])


def dinov3(resize, crop):
    """make_transform of the README of facebookresearch/dinov3."""
    return v2.Compose([v2.ToImage(), v2.Resize((resize, resize), antialias=True),
                       v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)])


def bit(resize, crop):
    processor = BitImageProcessor(size={"shortest_edge": resize}, crop_size={"height": crop, "width": crop},
                                  image_mean=list(mean), image_std=list(std))
    return lambda image: processor(image, return_tensors="pt")["pixel_values"][0]


def dinov3_vit(resize, crop):
    processor = DINOv3ViTImageProcessor(size={"height": resize, "width": resize})
    return lambda image: processor(image, return_tensors="pt")["pixel_values"][0]


def of_timm(name):
    config = resolve_model_data_config(timm.create_model(name, depth=1))

    def at(resize, crop):
        return create_transform(**{**config, "input_size": (3, crop, crop), "crop_pct": crop / resize})

    return at, config


timm_dinov2, timm_dinov2_config = of_timm("vit_small_patch14_dinov2.lvd142m")
timm_dinov3, timm_dinov3_config = of_timm("vit_small_patch16_dinov3.lvd1689m")
_, timm_satellite_config = of_timm("vit_large_patch16_dinov3.sat493m")
processors = {
    "dinov2": dinov2,
    "dinov2-transformers": bit,
    "dinov2-timm": timm_dinov2,
    "dinov3": dinov3,
    "dinov3-transformers": dinov3_vit,
    "dinov3-timm": timm_dinov3,
}

pictures = {
    "landscape": picture(61, 40, 1),
    "portrait": picture(33, 70, 2),
    "enlarged": picture(11, 9, 3),
    "same": picture(14, 14, 4),
    "strip": picture(90, 8, 5),
}
resize, crop = 14, 11
results = [
    {"preprocessing": name, "picture": key, "output": text(make(resize, crop)(Image.fromarray(image)).permute(1, 2, 0).numpy())}
    for name, make in processors.items()
    for key, image in pictures.items()
    if not name.endswith("timm") or key == "landscape"
]


def png(image):
    file = io.BytesIO()
    image.save(file, "png")
    return file.getvalue()


source = Image.fromarray(picture(23, 19, 7))
alpha = Image.fromarray(picture(23, 19, 8)[..., 0])
gray = source.convert("L")
half = source.copy()
half.putalpha(alpha)
files = []
for key, image in {"gray": gray, "gray and alpha": Image.merge("LA", [gray, alpha]), "alpha": half,
                   "palette": source.quantize(40)}.items():
    content = png(image)
    for name in ["dinov2", "dinov3-transformers"]:
        out = processors[name](resize, crop)(Image.open(io.BytesIO(content)).convert("RGB"))
        files.append({"name": key, "preprocessing": name, "file": base64.b64encode(content).decode(),
                      "output": text(out.permute(1, 2, 0).numpy())})

noise = hashed(1, 427 * 640 * 3).astype(np.uint8).reshape(427, 640, 3)
sizes = {"dinov2": (256, 224), "dinov2-transformers": (256, 224), "dinov2-timm": (518, 518),
         "dinov3": (256, 256), "dinov3-transformers": (224, 224), "dinov3-timm": (256, 256)}
large = []
for name, (resize_to, crop_to) in sizes.items():
    out = processors[name](resize_to, crop_to)(Image.fromarray(noise)).permute(1, 2, 0).numpy()
    levels = (out * np.float32(std) + np.float32(mean)) * 255
    whole = np.abs(levels - np.rint(levels)).max() < 1e-3
    large.append({"preprocessing": name, "shape": out.shape, "values": text(out.reshape(-1)[::997]),
                  "sha256": hashlib.sha256(np.rint(levels).astype(np.uint8).tobytes()).hexdigest() if whole else None})

# What the libraries state and pick themselves.
automatic = {name: IMAGE_PROCESSOR_MAPPING[config]["torchvision"].__name__
             for name, config in {"dinov2": Dinov2Config, "dinov3": DINOv3ViTConfig}.items()}
assert automatic == {"dinov2": "BitImageProcessor", "dinov3": "DINOv3ViTImageProcessor"}, automatic
vit = DINOv3ViTImageProcessor()
stated = {
    "dinov3-transformers": {"size": [vit.size.height, vit.size.width], "mean": vit.image_mean, "std": vit.image_std,
                            "interpolation": Image.Resampling(vit.resample).name.lower()},
    **{name: {"size": config["input_size"][1:], "mean": config["mean"], "std": config["std"],
              "interpolation": config["interpolation"], "cropShare": config["crop_pct"]}
       for name, config in {"dinov2-timm": timm_dinov2_config, "dinov3-timm": timm_dinov3_config,
                            "dinov3-sat-timm": timm_satellite_config}.items()},
}

path = Path(__file__).parent / "data" / "preprocessing.json"
path.write_text(json.dumps({
    "resize": resize, "crop": crop,
    "pictures": {k: {"width": v.shape[1], "height": v.shape[0], "data": text(v)} for k, v in pictures.items()},
    "results": results, "files": files, "large": large, "stated": stated,
}, indent=1) + "\n")
print(path, path.stat().st_size)
