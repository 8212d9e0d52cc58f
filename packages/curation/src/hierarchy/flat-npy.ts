import { readFile } from 'node:fs/promises';
import { atomicWrite } from '@dinov2/weights';
import { CurationError } from '../error';
import { bytesOf } from '../vectors/bytes-of';

const descriptions = { uint32: '<u4', float32: '<f4' } as const;

/** Write one row of numbers as a one-dimensional .npy file, whole or not at all. */
export async function writeFlatNpy(path: string, numbers: Uint32Array | Float32Array): Promise<void> {
  const description = numbers instanceof Uint32Array ? descriptions.uint32 : descriptions.float32;
  const text = `{'descr': '${description}', 'fortran_order': False, 'shape': (${numbers.length},), }`;
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(117)}\n`, 'latin1');
  header.writeUInt16LE(header.length - 10, 8);
  await atomicWrite(path, async (file) => file.writeFile(Buffer.concat([header, bytesOf(numbers)])));
}

/** Read what {@link writeFlatNpy} wrote. */
export async function readFlatNpy<Type extends keyof typeof descriptions>(path: string, type: Type): Promise<Type extends 'uint32' ? Uint32Array : Float32Array> {
  const bytes = await readFile(path);
  const header = bytes.toString('latin1', 0, 128);
  const length = Number(/'shape': \((\d+),\)/.exec(header)?.[1] ?? NaN);
  if (!header.includes(`'descr': '${descriptions[type]}'`) || bytes.length !== 128 + 4 * length) {
    throw new CurationError(`${path} is not the file of ${type} that was written there; delete its folder to make it again`);
  }
  const body = new Uint8Array(bytes.subarray(128)).buffer;
  return (type === 'uint32' ? new Uint32Array(body) : new Float32Array(body)) as Type extends 'uint32' ? Uint32Array : Float32Array;
}
