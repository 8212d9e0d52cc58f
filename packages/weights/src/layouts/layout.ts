import { parameterShapes, type PositionInterpolation, type VitConfig } from '@dinov2/vit';

/** Whose names and shapes a file of weights has. */
export type LayoutName =
  | 'dinov2'
  | 'dinov3'
  | 'huggingface-dinov2'
  | 'huggingface-dinov2-with-registers'
  | 'huggingface-dinov3'
  | 'timm-dinov2'
  | 'timm-dinov3';

export type Shape = readonly number[];

/** Shapes by name, of one backbone and without what its names begin with in the file. */
export type StoredShapes = ReadonlyMap<string, Shape>;

/**
 * Where a part of a parameter lies in a file. A bare name is a tensor with an equal share of the
 * parameter's rows, which the file must have.
 */
type Place =
  | string
  | {
      readonly name: string;
      /** The stored shape, from the parameter's. */
      readonly shape?: (parameter: Shape) => Shape;
      /** Zeros where no block of the file has it. */
      readonly optional?: true;
      /** A tensor of factors, of the same shape, that multiplies it where the file has one. */
      readonly mask?: string;
    }
  | {
      /** Values that are not stored. */
      readonly values: (parameter: Shape, config: VitConfig) => Float32Array;
    };

/** One parameter's places in order of its rows; of several spellings, files use one. */
interface Spellings {
  readonly spellings: readonly (readonly Place[])[];
}

/**
 * One program's names for the parameters of a backbone.
 *
 * `places` maps the canonical name of a module or of a parameter, without its block, to where it is
 * stored; what is not listed has its own name.
 */
export interface Layout {
  readonly name: LayoutName;
  /** In words, for messages. */
  readonly title: string;
  /** What every stored name of block `i` begins with; `{i}` stands for the number. */
  readonly block: string;
  readonly places: Readonly<Record<string, string | readonly Place[] | Spellings>>;
  /** Names that may be there and are not needed. */
  readonly ignored?: RegExp;
  /** Whether the positions are rotary. */
  rotary(stored: StoredShapes): boolean;
  /** Whether the feed-forward layers are gated; by default, whether a block has all that `mlp.w12` needs. */
  gated?(stored: StoredShapes): boolean;
  /** What the weights themselves do not tell. */
  readonly defaults: {
    readonly normEpsilon: number;
    readonly interpolation: (registers: number) => PositionInterpolation;
    /** Side in pixels of the images a model with rotary positions is made for. */
    readonly imageSize?: number;
  };
}

/** A stretch of a parameter's values: a tensor of the file, or values that are not stored. */
export type Piece =
  | { readonly name: string; readonly shape: Shape; readonly optional: boolean; readonly mask?: string }
  | { readonly values: Float32Array };

const firstSpelling: StoredShapes = new Map();

/**
 * The pieces of every parameter of a configuration, in order of its values.
 *
 * @param stored - the file's names, to choose between spellings; without it the first is taken.
 */
export function piecesOf(layout: Layout, config: VitConfig, stored: StoredShapes = firstSpelling): Map<string, Piece[]> {
  const families = familiesOf(stored);
  const pieces = new Map<string, Piece[]>();
  for (const [parameter, shape] of Object.entries(parameterShapes(config))) {
    const [, index, local] = /^blocks\.(\d+)\.(.*)$/.exec(parameter) ?? [undefined, undefined, parameter];
    const prefix = index === undefined ? '' : layout.block.replace('{i}', index);
    const places = placesOf(layout, local, prefix, families);
    const share = [shape[0] / places.length, ...shape.slice(1)];
    pieces.set(
      parameter,
      places.map((place): Piece => {
        if (typeof place === 'string') return { name: prefix + place, shape: share, optional: false };
        if ('values' in place) return { values: place.values(shape, config) };
        return {
          name: prefix + place.name,
          shape: place.shape?.(shape) ?? share,
          optional: place.optional === true,
          ...(place.mask !== undefined && { mask: prefix + place.mask }),
        };
      }),
    );
  }
  return pieces;
}

/**
 * Names under which a parameter may be stored, in block `index` or outside of blocks: those of the
 * spelling that the file uses.
 */
export function storedNames(layout: Layout, local: string, stored: StoredShapes, index?: number): string[] {
  const prefix = index === undefined ? '' : layout.block.replace('{i}', String(index));
  return placesOf(layout, local, prefix, familiesOf(stored)).flatMap((place) => {
    if (typeof place === 'string') return [prefix + place];
    return 'name' in place ? [prefix + place.name] : [];
  });
}

/** A name with a star for the number of its block: what all blocks have or none has. */
export function family(name: string): string {
  return name.replace(/(^|\.)\d+\./, '$1*.');
}

const familyCache = new WeakMap<StoredShapes, ReadonlySet<string>>();

/** Families of all names of a file. */
export function familiesOf(stored: StoredShapes): ReadonlySet<string> {
  let families = familyCache.get(stored);
  if (families === undefined) {
    families = new Set([...stored.keys()].map(family));
    familyCache.set(stored, families);
  }
  return families;
}

function placesOf(layout: Layout, local: string, prefix: string, families: ReadonlySet<string>): readonly Place[] {
  const whole = layout.places[local];
  const dot = local.lastIndexOf('.');
  const entry = whole ?? layout.places[local.slice(0, dot)];
  if (entry === undefined) return [local];
  const suffix = whole === undefined ? local.slice(dot) : '';
  const named = (place: Place): Place => {
    if (typeof place === 'string') return place + suffix;
    return 'name' in place ? { ...place, name: place.name + suffix } : place;
  };
  if (typeof entry === 'string') return [named(entry)];
  if (!('spellings' in entry)) return entry.map(named);
  const spellings = entry.spellings.map((places) => places.map(named));
  const used = spellings.find((places) =>
    places.some((place) => {
      const name = typeof place === 'string' ? place : 'name' in place ? place.name : undefined;
      return name !== undefined && families.has(family(prefix + name));
    }),
  );
  return used ?? spellings[0];
}
