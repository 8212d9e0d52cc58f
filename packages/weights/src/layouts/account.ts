import { WeightsError } from '../errors';
import { familiesOf, family, type Layout, type Piece, type Shape } from './layout';
import { type SelectedBackbone, unwrap } from './select-backbone';

/** How a file's tensors fill a backbone: all of them are either needed or known as not needed. */
export interface Accounted {
  /** Names within the backbone of what is to be read. */
  readonly used: ReadonlySet<string>;
  /** Masks among them, by the name of the tensor they multiply. */
  readonly masks: ReadonlyMap<string, string>;
  /** Names, or groups of them, in the file that the backbone does not need. */
  readonly ignored: readonly string[];
  /** Optional tensors that no block has, as families. */
  readonly absent: readonly string[];
}

/** Parts of training checkpoints and task models that are not the backbone, by what the summary calls them. */
const besides: readonly (readonly [RegExp, string])[] = [
  [/(^|\.)(dino_head|dinoHead)\./, 'dino_head'],
  [/(^|\.)(ibot_head|ibotHead)\./, 'ibot_head'],
  [/(^|\.)(classifier|linear_head|head)\.(weight|bias)$/, 'classifier'],
  [/^(.*\.)?(dino_loss|ibot_patch_loss|koleo_loss|gram_loss|centres)\./, 'loss centres'],
  [/^(optimizer|scheduler|lr_scheduler|grad_scaler|fp16_scaler)\./, 'optimizer'],
];

const listed = 10;

/**
 * Check that a file has exactly the tensors of a backbone, besides those known as not needed.
 *
 * @param entries - every shape by its name in the file.
 * @throws WeightsError listing all missing, unexpected and mis-shaped tensors, at most ten of each.
 */
export function accountFor(
  path: string,
  layout: Layout,
  backbone: SelectedBackbone,
  entries: ReadonlyMap<string, { readonly shape: Shape }>,
  pieces: ReadonlyMap<string, readonly Piece[]>,
): Accounted {
  const { stored, source, prefix } = backbone;
  const families = familiesOf(stored);
  const used = new Set<string>();
  const masks = new Map<string, string>();
  const absent = new Set<string>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  const expect = (name: string, shape: Shape, optional: boolean): boolean => {
    const found = stored.get(name);
    if (found === undefined) {
      if (optional && !families.has(family(name))) absent.add(family(name));
      else missing.push(`"${prefix}${name}" (${shape})`);
      return false;
    }
    used.add(name);
    if (String(found) !== String(shape)) misshapen.push(`"${source.get(name)}" has (${found}), needs (${shape})`);
    return true;
  };
  for (const piece of [...pieces.values()].flat()) {
    if ('values' in piece) continue;
    expect(piece.name, piece.shape, piece.optional);
    if (piece.mask !== undefined && families.has(family(piece.mask)) && expect(piece.mask, piece.shape, false)) {
      masks.set(piece.name, piece.mask);
    }
  }

  const unexpected: string[] = [];
  const ignored = new Map<string, number>();
  const local = new Map([...source].map(([name, file]) => [file, name]));
  for (const [file, { shape }] of entries) {
    const name = local.get(file);
    if (name !== undefined && used.has(name)) continue;
    const whole = unwrap(file);
    const group =
      backbone.others.find((other) => whole.startsWith(other)) ??
      besides.find(([pattern]) => pattern.test(whole))?.[1] ??
      (name !== undefined && (layout.ignored?.test(name) === true || shape.includes(0)) ? name : undefined);
    if (group === undefined) unexpected.push(`"${file}" (${shape})`);
    else ignored.set(group, (ignored.get(group) ?? 0) + 1);
  }

  const faults = [
    fault(missing, 'missing'),
    fault(unexpected, 'unexpected'),
    fault(misshapen, 'of another shape'),
  ].filter((text) => text !== undefined);
  if (faults.length > 0) {
    throw new WeightsError(
      `${path} does not hold the backbone that its names and shapes tell of (${layout.title}): ${faults.join('; ')}. ` +
        'Save the backbone alone and whole, or load it with the program it was made for.',
    );
  }
  return {
    used,
    masks,
    ignored: [...ignored].map(([name, count]) => (count === 1 ? name : `${name.replace(/\.$/, '')} (${count} tensors)`)),
    absent: [...absent],
  };
}

function fault(names: readonly string[], what: string): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > listed ? ` and ${names.length - listed} more` : '';
  return `${names.length} ${names.length === 1 ? 'tensor is' : 'tensors are'} ${what}: ${names.slice(0, listed).join(', ')}${more}`;
}
