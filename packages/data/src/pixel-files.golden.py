"""Masks and depth maps as PIL and NumPy write them, with the numbers that they read from them.

    python packages/data/src/pixel-files.golden.py    writes pixel-files.golden.json
"""

import base64
import io
import json
import pathlib

import numpy as np
from PIL import Image

rng = np.random.default_rng(0)
masks, depths = [], []


def png(image, **options):
    stream = io.BytesIO()
    image.save(stream, 'PNG', **options)
    return stream.getvalue()


def add(files, name, content, values):
    files.append({
        'name': name,
        'file': base64.b64encode(content).decode(),
        'height': values.shape[0],
        'width': values.shape[1],
        'values': values.ravel().tolist(),
    })


def indexed(values, colours):
    image = Image.fromarray(values).convert('L')
    image = Image.frombytes('P', image.size, values.tobytes())
    image.putpalette(colours)
    return image


# Two entries of the same colour: the colours do not tell the indices.
colours = rng.integers(0, 256, 768).tolist()
colours[3:6] = colours[0:3]
classes = rng.integers(0, 21, (7, 9)).astype(np.uint8)
classes[0, :3] = 255
add(masks, 'palette of 256', png(indexed(classes, colours)), classes)
add(masks, 'palette with a transparent colour', png(indexed(classes, colours), transparency=3), classes)
for bits in (1, 2, 4):
    few = rng.integers(0, 2**bits, (5, 13)).astype(np.uint8)
    add(masks, f'palette of {bits} bits', png(indexed(few, colours[: 3 * 2**bits]), bits=bits), few)
bilevel = rng.integers(0, 2, (5, 11)).astype(np.uint8)
add(masks, '1 bit', png(Image.fromarray(bilevel * 255).convert('1')), bilevel)
every = np.arange(256, dtype=np.uint8).reshape(16, 16)
add(masks, 'gray', png(Image.fromarray(every)), every)
alpha = Image.merge('LA', [Image.fromarray(every), Image.fromarray(255 - every)])
add(masks, 'gray with transparency', png(alpha), every)
wide = rng.integers(0, 65536, (9, 10)).astype(np.uint16)
wide[0, :4] = 0, 255, 256, 65535
add(masks, '16 bits', png(Image.fromarray(wide)), wide)
stream = io.BytesIO()
Image.fromarray(every).save(stream, 'TIFF', compression='tiff_lzw')
add(masks, 'TIFF', stream.getvalue(), every)


def npy(values, version=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, values, version=version)
    return stream.getvalue()


metres = rng.uniform(0.1, 80, (6, 5))
unknown = metres.astype(np.float32)
unknown[0] = 0, -1, np.nan, np.inf, 7
known = np.where(np.isfinite(unknown) & (unknown > 0), unknown, 0)
add(depths, 'float32.npy', npy(unknown), known)
add(depths, 'float64.npy', npy(metres), metres.astype(np.float32))
add(depths, 'version 2.npy', npy(metres, (2, 0)), metres.astype(np.float32))
add(depths, 'channel.npy', npy(metres[..., None]), metres.astype(np.float32))
millimetres = (metres * 1000).astype(np.uint16)
add(depths, 'uint16.npy', npy(millimetres), (millimetres * 0.001).astype(np.float32))
add(depths, '16 bits.png', png(Image.fromarray(millimetres)), (millimetres * 0.001).astype(np.float32))

refused = {
    'colours.png': png(Image.fromarray(rng.integers(0, 256, (4, 4, 3)).astype(np.uint8))),
    'big-endian.npy': npy(metres.astype('>f4')),
    'fortran.npy': npy(np.asfortranarray(metres)),
    'vector.npy': npy(metres.ravel()),
    'int64.npy': npy(millimetres.astype(np.int64)),
}
files = {name: base64.b64encode(content).decode() for name, content in refused.items()}
pathlib.Path(__file__).with_suffix('.json').write_text(
    json.dumps({'masks': masks, 'depths': depths, 'refused': files}) + '\n'
)
