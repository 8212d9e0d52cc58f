import { WeightsError } from '../errors';
import type { Shape, StoredShapes } from './layout';

/** Which of the two models of a training checkpoint. */
export type Branch = 'teacher' | 'student';

/** One backbone of a file, its names freed from what they begin with there. */
export interface SelectedBackbone {
  /** What the backbone's names begin with in the file, wrappers left out: `teacher.backbone.`. */
  readonly prefix: string;
  /** The same without `backbone.`; the heads of the same model begin with it. */
  readonly owner: string;
  /** Shapes by name within the backbone. */
  readonly stored: StoredShapes;
  /** Name in the file by name within the backbone. */
  readonly source: ReadonlyMap<string, string>;
  /** Beginnings of other models in the file, which are left out: `student.`. */
  readonly others: readonly string[];
  /** Whether it is one model of a training checkpoint. */
  readonly training: boolean;
}

// Layers that PyTorch's wrappers put into names.
const wrapper = /(^|\.)(?:_fsdp_wrapped_module|_checkpoint_wrapped_module|_orig_mod|module)(?=\.)/g;

const anchor =
  /^((?:[^.]+\.)*?)(?:embeddings\.)?(?:cls_token|patch_embed\.proj\.weight|patch_embeddings\.(?:projection\.)?weight)$/;

/** A name without wrappers. */
export function unwrap(name: string): string {
  return name.replace(wrapper, '').replace(/^\./, '');
}

/**
 * Find the backbone of a file: below any prefix, of several models the teacher (in a distillation
 * checkpoint the student's average, `model_ema`). Blocks in chunks, `blocks.{chunk}.{i}.`, lose the chunk.
 *
 * @param entries - shapes by name in the file.
 * @throws WeightsError when there are several backbones and none is known as the wanted one.
 */
export function selectBackbone(
  path: string,
  entries: ReadonlyMap<string, { readonly shape: Shape }>,
  wanted?: Branch,
): SelectedBackbone | undefined {
  const prefixes = new Set<string>();
  for (const name of entries.keys()) {
    const prefix = anchor.exec(unwrap(name))?.[1];
    if (prefix !== undefined) prefixes.add(prefix);
  }
  if (prefixes.size === 0) return undefined;
  const prefix = choose(path, [...prefixes], wanted);
  const owner = ownerOf(prefix);

  const stored = new Map<string, Shape>();
  const source = new Map<string, string>();
  for (const [name, { shape }] of entries) {
    const whole = unwrap(name);
    if (!whole.startsWith(prefix)) continue;
    const local = whole
      .slice(prefix.length)
      .replace(/^blocks\.\d+\.(?=\d+\.)/, 'blocks.')
      .replace(/^model\.(?=layer\.\d)/, '');
    const twin = source.get(local);
    if (twin !== undefined) {
      throw new WeightsError(`${path} holds "${local}" twice, as "${twin}" and as "${name}"; remove one of the two.`);
    }
    stored.set(local, shape);
    source.set(local, name);
  }
  const others = [...prefixes].map(ownerOf).filter((other) => other !== '' && !prefix.startsWith(other));
  return { prefix, owner, stored, source, others, training: rankOf(prefix) !== unknownRank };
}

const ownerOf = (prefix: string): string => prefix.replace(/backbone\.$/, '');

const unknownRank = 2;

/** Lower is preferred. Moments of an optimizer and Gram teachers are no models to load. */
function rankOf(prefix: string): number {
  const parts = prefix.split('.');
  if (parts[0] === 'm' || parts[0] === 'v' || parts.includes('gram_teacher')) return 4;
  if (parts.includes('model_ema')) return 0;
  if (parts.includes('teacher')) return 1;
  return parts.includes('student') ? 3 : unknownRank;
}

function choose(path: string, prefixes: readonly string[], wanted?: Branch): string {
  const fits = (prefix: string): boolean => {
    const rank = rankOf(prefix);
    return wanted === undefined ? true : wanted === 'student' ? rank === 3 : rank <= 1;
  };
  const sorted = prefixes.filter(fits).sort((a, b) => rankOf(a) - rankOf(b));
  const listed = prefixes.map((prefix) => (prefix === '' ? 'names without prefix' : `"${prefix}"`)).join(', ');
  if (sorted.length === 0) {
    throw new WeightsError(`${path} has no ${wanted} backbone; its backbones are: ${listed}. Leave the branch out.`);
  }
  if (sorted.length > 1 && rankOf(sorted[0]) === rankOf(sorted[1])) {
    throw new WeightsError(`${path} holds several backbones: ${listed}. Save the one to load in a file of its own.`);
  }
  return sorted[0];
}
