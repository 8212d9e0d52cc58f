import type { Preprocessing } from '@dinov2/augment';
import { ffnHiddenDim, parameterCount, parameterShapes, type VitConfig } from '@dinov2/vit';
import { printable } from '../printable';
import type { Layout } from './layout';

/** What was found out about a file of weights, in a few lines for people. */
export function summarise(
  path: string,
  layout: Layout,
  config: VitConfig,
  preprocessing: Preprocessing,
  found: {
    /** What the backbone's names begin with in the file. */
    readonly prefix: string;
    readonly source: string | undefined;
    readonly preprocessingSource: string;
    readonly heads: readonly string[];
    readonly assumed: readonly string[];
    readonly ignored: readonly string[];
    readonly notes: readonly string[];
  },
): string {
  const { embedDim, depth, heads, patchSize, registers, ffn, layerScale, qkvBias, positions, interpolation } = config;
  const count = parameterCount(parameterShapes(config));
  const size = count < 1e6 ? `${(count / 1e3).toPrecision(3)} thousand` : count < 1e9 ? `${(count / 1e6).toPrecision(3)} million` : `${(count / 1e9).toPrecision(3)} billion`;
  const side = config.imageSize / patchSize;
  const shape = [
    `${depth} ${depth === 1 ? 'block' : 'blocks'}`,
    `${embedDim} wide`,
    `${heads} heads`,
    `patch ${patchSize}`,
    `${ffn === 'mlp' ? 'MLP' : 'SwiGLU'} ${ffnHiddenDim(config)}`,
    ...(registers > 0 ? [`${registers} registers`] : []),
    ...(layerScale === 0 ? ['no LayerScale'] : []),
    ...(qkvBias ? [] : ['no bias of query, key and value']),
    `${size} parameters`,
  ];
  const lines = [
    `${path}: ${layout.title}${found.prefix === '' ? '' : ` under "${found.prefix}"`}${found.source === undefined ? '' : `, ${found.source}`}`,
    shape.join(', '),
    positions === 'rope'
      ? 'positions: rotary'
      : `positions: table of ${side} x ${side} (${config.imageSize} pixels), resampled with offset ${interpolation.offset}, ${interpolation.antialias ? 'antialiased' : 'not antialiased'}`,
    `preprocessing (${found.preprocessingSource}): ${describePreprocessing(preprocessing)}`,
    ...(found.heads.length > 0 ? [`heads: ${found.heads.join(', ')}`] : []),
    ...(found.assumed.length > 0 ? [`assumed: ${found.assumed.join(', ')}`] : []),
    ...(found.ignored.length > 0 ? [`not used: ${found.ignored.join(', ')}`] : []),
    ...found.notes,
  ];
  return printable(lines.join('\n  '));
}

function describePreprocessing({ resize, resample, resizer, crop, mean, std }: Preprocessing): string {
  const to = 'shortestEdge' in resize ? `shorter side to ${resize.shortestEdge}` : `to ${resize.height} x ${resize.width}`;
  const middle = crop === undefined ? '' : `, middle ${crop.height} x ${crop.width}`;
  return `${to}, ${resample} (${resizer})${middle}, mean ${mean.join(' ')}, std ${std.join(' ')}`;
}
