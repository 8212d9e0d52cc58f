"""Writes hashes.golden.json: perceptual hashes by Pillow and SciPy of pictures that the test makes again.

    pip install pillow==12.3.0 scipy==1.17.1; python hashes.golden.py

The five lines of `phash` are the definition that Python's imagehash follows (L, 32 x 32 Lanczos, DCT-II along both
axes, median of the 8 x 8 lowest frequencies, bits in rows). Pixels come from formulas in integers, so that both sides
start from the same bytes.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.fftpack import dct

SIZES = [(32, 32), (64, 48), (37, 91), (200, 150), (13, 17), (8, 300), (640, 427)]


def noise(width, height):
    """Bits of a multiplicative congruential generator, one per channel."""
    state, values = 12345, np.empty(width * height * 3, np.uint8)
    for i in range(values.size):
        state = state * 1103515245 % 2**31
        values[i] = state >> 23
    return values.reshape(height, width, 3)


def waves(width, height):
    y, x = np.mgrid[:height, :width]
    red = x * 7 + y * y // 5
    green = x * x // 11 + y * 3
    blue = (x // 9) * (y // 7) * 31
    return np.stack([red, green, blue], -1).astype(np.int64).__mod__(256).astype(np.uint8)


def phash(pixels):
    gray = np.asarray(Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.LANCZOS))
    low = dct(dct(gray, axis=0), axis=1)[:8, :8]
    bits = low > np.median(low)
    assert np.abs(low - np.median(low)).min() > 1e-4, "a coefficient too near the median"
    return f"{int(''.join('01'[b] for b in bits.flatten().astype(int)), 2):016x}"


def main():
    golden = [
        {"picture": make.__name__, "width": w, "height": h, "hash": phash(make(w, h))}
        for make in (noise, waves)
        for w, h in SIZES
    ]
    Path(__file__).with_suffix(".json").write_text(json.dumps(golden, indent=1) + "\n")


main()
