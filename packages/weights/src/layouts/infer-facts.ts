import type { Facts } from './facts';
import { familiesOf, family, type Layout, type Shape, storedNames, type StoredShapes } from './layout';

/**
 * What the names and shapes of a backbone tell of its architecture. Where tensors contradict each other
 * the majority counts, so that the one that is wrong can be named later. A tensor without elements tells
 * nothing: no bytes of the file stand behind its sizes.
 */
export function inferFacts(layout: Layout, stored: StoredShapes): Facts {
  const families = familiesOf(stored);
  const shape = (local: string, block?: number): Shape | undefined => {
    const found = stored.get(storedNames(layout, local, stored, block)[0]);
    return found?.includes(0) ? undefined : found;
  };
  const blocks = blockNumbers(layout, stored);
  const depth = blocks.reduce((last, i) => Math.max(last, i), -1) + 1;
  const present = (local: string): boolean =>
    depth > 0 && storedNames(layout, local, stored, 0).some((name) => families.has(family(name)));

  const patch = shape('patch_embed.proj.weight');
  const embedDim = majority([
    shape('cls_token')?.at(-1),
    patch?.[0],
    shape('norm.weight')?.[0],
    ...blocks.flatMap((i) => [shape('norm1.weight', i)?.[0], shape('norm2.weight', i)?.[0]]),
  ]);
  const gated = layout.gated?.(stored) ?? allStored(layout, 'mlp.w12.weight', stored);
  const rotary = layout.rotary(stored);
  const rows = shape('pos_embed')?.[1];
  const classRow = lacksClassRow(layout) ? 0 : 1;
  const tableSide = rows === undefined ? undefined : Math.sqrt(rows - classRow);
  const pieces = gated ? storedNames(layout, 'mlp.w12.weight', stored, 0).length : 1;
  const heads = (embedDim ?? NaN) / (4 * (stored.get('rope_embed.periods')?.[0] ?? NaN));
  return {
    embedDim,
    depth,
    heads: rotary && Number.isInteger(heads) ? heads : undefined,
    patchSize: majority([patch?.[2], patch?.[3]]),
    tableSide: !rotary && Number.isInteger(tableSide) && tableSide !== 0 ? tableSide : undefined,
    registers: shape('register_tokens')?.[1] ?? 0,
    ffn: gated ? 'swiglu' : 'mlp',
    ffnHiddenDim: majority(
      blocks.flatMap((i) =>
        gated
          ? [shape('mlp.w3.weight', i)?.[1], half(shape('mlp.w12.weight', i)?.[0], pieces), half(shape('mlp.w12.bias', i)?.[0], pieces)]
          : [shape('mlp.fc2.weight', i)?.[1], shape('mlp.fc1.weight', i)?.[0], shape('mlp.fc1.bias', i)?.[0]],
      ),
    ),
    hasLayerScale: present('ls1.gamma') || present('ls2.gamma'),
    qkvBias: present('attn.qkv.bias'),
    positions: rotary ? 'rope' : 'table',
  };
}

/** Numbers of the blocks that have a tensor, each once. */
function blockNumbers(layout: Layout, stored: StoredShapes): number[] {
  const pattern = new RegExp(`^${layout.block.replaceAll('.', '\\.').replace('{i}', '(\\d+)')}`);
  const numbers = [...stored.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? []);
  return [...new Set(numbers)].map(Number);
}

/** Whether the position table is stored without the row of the class token. */
function lacksClassRow(layout: Layout): boolean {
  return Array.isArray(layout.places.pos_embed);
}

/** Rows of the gate alone: half of a packed tensor, all of a tensor of its own. */
function half(rows: number | undefined, pieces: number): number | undefined {
  return rows === undefined ? undefined : pieces === 1 ? rows / 2 : rows;
}

/** Whether some block has every module that a parameter is stored in. */
function allStored(layout: Layout, local: string, stored: StoredShapes): boolean {
  const families = [...familiesOf(stored)];
  const modules = storedNames(layout, local, stored, 0).map((name) => family(name).replace(/\.[^.]+$/, '.'));
  return modules.every((module) => families.some((name) => name.startsWith(module)));
}

/** The value that occurs most often; of equals the first. */
function majority(values: readonly (number | undefined)[]): number | undefined {
  const counts = new Map<number, number>();
  for (const value of values) {
    if (value !== undefined && Number.isInteger(value) && value > 0) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
