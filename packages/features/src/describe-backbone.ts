import { createHash } from 'node:crypto';
import type { HostArray, VitConfig } from '@dinov2/vit';
import type { Backbone, Outputs } from './types';

const letters = [
  ['T', 192, 12],
  ['S', 384, 12],
  ['B', 768, 12],
  ['L', 1024, 24],
  ['H+', 1280, 32],
  ['g', 1536, 40],
  ['7B', 4096, 40],
] as const;

/** `ViT-S/14, 4 registers`; other sizes by width and depth, `ViT 64 × 2/8`. */
export function backboneName({ embedDim, depth, patchSize, registers, positions }: VitConfig): string {
  const letter = letters.find(([, width, blocks]) => width === embedDim && blocks === depth)?.[0];
  const size = letter === undefined ? ` ${embedDim} × ${depth}` : `-${letter}`;
  const extras = [
    ...(registers > 0 ? [`${registers} register${registers === 1 ? '' : 's'}`] : []),
    ...(positions === 'rope' ? ['rotary positions'] : []),
  ];
  return [`ViT${size}/${patchSize}`, ...extras].join(', ');
}

/** SHA-256 of weights and architecture, in hexadecimal. */
export function weightsKey({ config, parameters }: Pick<Backbone, 'config' | 'parameters'>): string {
  const hash = createHash('sha256').update(stableJson(config));
  for (const name of Object.keys(parameters).sort()) {
    const { data, shape }: HostArray = parameters[name];
    hash.update(`${name} ${shape.join(',')} `);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** A hash that tells weights and outputs. */
export function extractorKey(weights: string, outputs: Outputs): string {
  return sha256(`${weights} ${stableJson(outputs)}`);
}

/** SHA-256 in hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** JSON with sorted keys, equal for equal values. */
export function stableJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
