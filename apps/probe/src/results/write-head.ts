import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HostArrays } from '@dinov2/evaluation';
import { writeSafetensors } from '@dinov2/weights';

/** Write a trained head, by the names of the released ones, with what it takes as metadata. */
export async function writeHead(path: string, weights: HostArrays, description: Readonly<Record<string, unknown>>): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await writeSafetensors(
    path,
    Object.fromEntries(Object.entries(weights).map(([name, { data, shape }]) => [name, { data: data as Float32Array, shape }])),
    { head: JSON.stringify(description) },
  );
}
