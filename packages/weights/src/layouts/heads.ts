import { type HeadConfig, headParameterShapes, VitError } from '@dinov2/vit';
import { WeightsError } from '../errors';
import type { Shape } from './layout';
import { unwrap } from './select-backbone';

/** Where the tensors of one projection head lie in a file, and under which names they are used. */
export interface SelectedHead {
  readonly config: HeadConfig;
  /** Name in the file and shape by canonical name. */
  readonly tensors: ReadonlyMap<string, { readonly name: string; readonly shape: Shape }>;
  /** DINOv3's last layer is a plain matrix: its rows are the directions, their lengths the norms. */
  readonly plainLastLayer: boolean;
}

/** Canonical names of the last layer's two tensors, as older and newer PyTorch and DINOv3 call them. */
const lastLayer: Readonly<Record<string, string>> = {
  'last_layer.parametrizations.weight.original0': 'last_layer.weight_g',
  'last_layer.parametrizations.weight.original1': 'last_layer.weight_v',
  'last_layer.weight': 'last_layer.weight_v',
};

/**
 * Find a projection head of a training checkpoint.
 *
 * @param owner - what the names of the same model begin with: `teacher.`.
 * @returns nothing where the file has no such head.
 * @throws WeightsError if its tensors do not make a head.
 */
export function selectHead(
  path: string,
  entries: ReadonlyMap<string, { readonly shape: Shape }>,
  owner: string,
  head: 'dino' | 'ibot',
): SelectedHead | undefined {
  const prefixes = [`${owner}${head}_head.`, `${owner}${head}Head.`];
  const tensors = new Map<string, { name: string; shape: Shape }>();
  let plainLastLayer = false;
  for (const [file, { shape }] of entries) {
    const whole = unwrap(file);
    const prefix = prefixes.find((each) => whole.startsWith(each));
    if (prefix === undefined) continue;
    const local = whole.slice(prefix.length);
    plainLastLayer ||= local === 'last_layer.weight';
    tensors.set(lastLayer[local] ?? local, { name: file, shape });
  }
  if (tensors.size === 0) return undefined;

  const invalid = (fault: string): WeightsError =>
    new WeightsError(`The ${head} head of ${path} is no projection head of DINOv2 or DINOv3: ${fault}. Load the backbone without heads.`);
  const layers = [...tensors.keys()].filter((name) => /^mlp(\.\d+)?\.weight$/.test(name)).length;
  const [prototypes, bottleneckDim] = tensors.get('last_layer.weight_v')?.shape ?? [];
  const first = tensors.get(layers === 1 ? 'mlp.weight' : 'mlp.0.weight')?.shape;
  if (first === undefined || prototypes === undefined || bottleneckDim === undefined) {
    throw invalid(`it holds ${[...tensors.keys()].slice(0, 10).map((name) => `"${name}"`).join(', ')}`);
  }
  const config = { inputDim: first[1], hiddenDim: layers === 1 ? bottleneckDim : first[0], bottleneckDim, prototypes, layers };
  let expected: Readonly<Record<string, Shape>>;
  try {
    expected = headParameterShapes(config);
  } catch (error) {
    if (error instanceof VitError) throw invalid(error.message);
    throw error;
  }
  const faults = [
    ...Object.entries(expected)
      .filter(([name]) => !tensors.has(name) && !(plainLastLayer && name === 'last_layer.weight_g'))
      .map(([name, shape]) => `"${name}" (${shape}) is missing`),
    ...[...tensors]
      .filter(([name, { shape }]) => String(expected[name]) !== String(shape))
      .map(([name, { shape }]) => `"${name}" (${shape}) is ${expected[name] ? `not (${expected[name]})` : 'unexpected'}`),
  ];
  if (faults.length > 0) throw invalid(faults.slice(0, 10).join('; '));
  return { config, tensors, plainLastLayer };
}
