import type { PositionInterpolation, VitConfig } from '@dinov2/vit';
import { WeightsError } from '../errors';
import { type Accounted, accountFor } from './account';
import { buildConfig } from './build-config';
import type { ConfigDescription } from './describe-config';
import { inferFacts } from './infer-facts';
import { type Layout, type Piece, piecesOf, type Shape } from './layout';
import { recogniseLayout } from './recognise';
import { type Branch, type SelectedBackbone, selectBackbone, unwrap } from './select-backbone';

/** What the names and shapes of a file were found to be. */
export interface Match {
  readonly layout: Layout;
  readonly backbone: SelectedBackbone;
  readonly config: VitConfig;
  /** Where every parameter lies, in order of its values. */
  readonly pieces: ReadonlyMap<string, readonly Piece[]>;
  readonly accounted: Accounted;
  /** Choices that neither the weights nor a configuration made. */
  readonly assumed: readonly string[];
}

/** What may be said of a file besides its tensors. */
export interface MatchContext {
  /** A configuration in or beside it. */
  readonly description?: ConfigDescription;
  readonly branch?: Branch;
  readonly interpolation?: PositionInterpolation;
  readonly attentionHeads?: number;
}

/**
 * Tell the layout and the architecture of a file by its names and shapes.
 *
 * @throws WeightsError if it is no backbone of a known layout, contradicts its description, or a tensor is
 * missing, unexpected or of another shape.
 */
export function matchLayout(
  path: string,
  entries: ReadonlyMap<string, { readonly shape: Shape }>,
  { description, branch, interpolation, attentionHeads }: MatchContext = {},
): Match {
  const backbone = selectBackbone(path, entries, branch);
  const layout = recogniseLayout(path, backbone?.stored, [...entries.keys()].map(unwrap));
  if (backbone === undefined) throw new WeightsError(`${path} holds no backbone.`);
  const { config, assumed } = buildConfig(path, layout, inferFacts(layout, backbone.stored), description, {
    interpolation,
    attentionHeads,
    training: backbone.training,
  });
  const pieces = piecesOf(layout, config, backbone.stored);
  return { layout, backbone, config, assumed, pieces, accounted: accountFor(path, layout, backbone, entries, pieces) };
}
