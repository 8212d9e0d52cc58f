import { WeightsError } from '../errors';
import { type Dtype, dtypes } from './dtypes';
import { isRecord, type JsonBounds, parseJson } from './parse-json';
import { elementsOf, type TensorEntry } from './weights-file';

/** Where one tensor lies: bytes `[begin, end)` after the header. */
interface SafetensorsEntry extends TensorEntry {
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own bound on the header, which keeps a broken file from asking for all memory. */
export const maximumHeaderBytes = 100_000_000;

// An entry takes some ten names and values: this is room for 200,000 tensors.
const bounds: JsonBounds = { depth: 3, values: 2_000_000 };

/** Check a header's JSON against the format's rules: known types, sizes that fit, no hole, no overlap. */
export function parseHeader(path: string, json: Uint8Array, dataBytes: number): Header {
  let parsed: Record<string, unknown>;
  try {
    parsed = parseJson(json, bounds);
  } catch (error) {
    throw invalid(path, `its header ${(error as Error).message}`);
  }

  let metadata: Readonly<Record<string, string>> = {};
  const entries = new Map<string, SafetensorsEntry>();
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '__metadata__') {
      if (!isRecord(value)) throw invalid(path, '"__metadata__" is not an object');
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== 'string') throw invalid(path, `metadata "${key}" is not a string`);
      }
      metadata = value as Record<string, string>;
    } else {
      entries.set(name, parseEntry(path, name, value));
    }
  }

  let position = 0;
  for (const [name, { begin, end }] of [...entries].sort((a, b) => a[1].begin - b[1].begin || a[1].end - b[1].end)) {
    if (begin !== position) {
      const fault = begin < position ? 'overlaps the tensor before it' : 'leaves a hole before it';
      throw invalid(path, `tensor "${name}" starts at byte ${begin} and ${fault}, which ends at ${position}`);
    }
    position = end;
  }
  if (position > dataBytes) {
    throw invalid(path, `it is truncated: its tensors need ${position} bytes, it holds ${dataBytes}`);
  }
  if (position < dataBytes) {
    throw invalid(path, `${dataBytes - position} bytes follow the last tensor`);
  }
  return { entries, metadata };
}

function parseEntry(path: string, name: string, value: unknown): SafetensorsEntry {
  if (!isRecord(value)) throw invalid(path, `the entry of tensor "${name}" is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypes, dtype)) {
    throw new WeightsError(
      `Tensor "${name}" in ${path} has dtype ${JSON.stringify(dtype)}, which is not one of ` +
        `${Object.keys(dtypes).join(', ')}; convert the file to float32 first.`,
    );
  }
  if (!isSizeList(shape) || shape.length > 64) throw invalid(path, `tensor "${name}" has shape ${excerpt(shape)}`);
  if (!isSizeList(offsets) || offsets.length !== 2 || offsets[1] < offsets[0]) {
    throw invalid(path, `tensor "${name}" has data_offsets ${excerpt(offsets)}`);
  }
  const [begin, end] = offsets;
  const bytes = elementsOf(shape) * dtypes[dtype as Dtype].bytes;
  if (bytes !== end - begin) {
    throw invalid(path, `tensor "${name}" of type ${dtype} and shape [${shape}] needs ${bytes} bytes, its offsets hold ${end - begin}`);
  }
  return { dtype: dtype as Dtype, shape, begin, end };
}

export function invalid(path: string, fault: string): WeightsError {
  return new WeightsError(`${path} is not a valid safetensors file: ${fault}. Copy or download it again, or write it anew.`);
}

function isSizeList(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

const excerpt = (value: unknown): string => (JSON.stringify(value) ?? 'none').slice(0, 200);
