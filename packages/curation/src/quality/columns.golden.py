"""Writes columns.golden.json: quality columns by NumPy, SciPy and scikit-image of pictures that the test makes again.

    pip install pillow==12.3.0 scipy==1.17.1 scikit-image==0.26.0; python columns.golden.py
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from skimage.color import rgb2hsv
from skimage.measure import block_reduce, shannon_entropy


def picture(width, height):
    y, x = np.mgrid[:height, :width].astype(np.int64)
    red = x * 7 + y * y // 5
    green = x * x // 11 + y * 3
    blue = (x // 9) * (y // 7) * 31
    return np.stack([red, green, blue], -1) % 256


def smooth(width, height):
    y, x = np.mgrid[:height, :width].astype(np.int64)
    return np.stack([90 + 60 * x // width, 100 + 50 * y // height, 80 + 0 * x], -1)


def columns(pixels):
    height, width = pixels.shape[:2]
    factor = max(1, min(width, height) // 256)
    if factor > 1:
        whole = pixels[: height // factor * factor, : width // factor * factor]
        pixels = np.floor(block_reduce(whole, (factor, factor, 1), np.mean) + 0.5)
    rgb = pixels.astype(np.uint8)
    gray = np.asarray(Image.fromarray(rgb).convert("L"))
    level = gray.astype(float)
    r, g, b = np.moveaxis(rgb.astype(float), -1, 0)
    rg, yb = r - g, (r + g) / 2 - b
    counts = np.bincount(gray.ravel(), minlength=256)
    sharpness = ndimage.laplace(level)[1:-1, 1:-1].var()
    return {
        "sharpness": sharpness,
        "noise": sharpness / (20 * level.var()),
        "brightness": level.mean() / 255,
        "brightness05": np.percentile(level, 5, method="inverted_cdf") / 255,
        "brightness99": np.percentile(level, 99, method="inverted_cdf") / 255,
        "contrast": level.std() / 255,
        "uniformity": np.convolve(counts, np.ones(16)).max() / gray.size,
        "entropy": shannon_entropy(gray, base=2),
        "saturation": rgb2hsv(rgb)[..., 1].mean(),
        "colourfulness": np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()),
    }


def main():
    golden = [
        {"picture": make.__name__, "width": w, "height": h, "columns": columns(make(w, h))}
        for make in (picture, smooth)
        for w, h in [(120, 80), (31, 45), (700, 530), (1030, 800)]
    ]
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=1) + "\n")


main()
