import { shapeBytes, type HloComputation, type HloInstruction, type HloModule } from './hlo';

export type CollectiveKind = 'all-gather' | 'reduce-scatter' | 'all-reduce' | 'all-to-all' | 'collective-permute';

/** Communication of one kind and group size in a run, summed over its instructions. */
export interface Collective {
  readonly kind: CollectiveKind;
  /** Devices that take part in one of them. */
  readonly devices: number;
  /** How often it is done. */
  readonly count: number;
  /** Bytes of the arrays: what is gathered, or what is reduced. */
  readonly bytes: number;
  /** Bytes that each device sends, if the devices pass them around a ring. */
  readonly sent: number;
}

const kinds: Readonly<Record<string, CollectiveKind>> = {
  'all-gather': 'all-gather',
  'all-gather-start': 'all-gather',
  'reduce-scatter': 'reduce-scatter',
  'all-reduce': 'all-reduce',
  'all-reduce-start': 'all-reduce',
  'all-to-all': 'all-to-all',
  'ragged-all-to-all': 'all-to-all',
  'collective-permute': 'collective-permute',
  'collective-permute-start': 'collective-permute',
};

/** Part of the array's bytes that each of n devices sends. */
const share: Readonly<Record<CollectiveKind, (n: number) => number>> = {
  'all-gather': (n) => (n - 1) / n,
  'reduce-scatter': (n) => (n - 1) / n,
  'all-reduce': (n) => (2 * (n - 1)) / n,
  'all-to-all': (n) => (n - 1) / n,
  'collective-permute': () => 1,
};

/**
 * What the devices send each other in one run, largest first.
 *
 * @param partitions - Devices that the program was compiled for.
 */
export function collectives(module: HloModule, partitions: number): Collective[] {
  const computations = new Map(module.computations.map((computation) => [computation.id, computation]));
  const found = new Map<string, { kind: CollectiveKind; devices: number; count: number; bytes: number }>();
  const add = (kind: CollectiveKind, devices: number, times: number, bytes: number): void => {
    const key = `${kind} ${devices}`;
    const entry = found.get(key) ?? { kind, devices, count: 0, bytes: 0 };
    entry.count += times;
    entry.bytes += times * bytes;
    found.set(key, entry);
  };
  const visit = (computation: HloComputation, times: number): void => {
    const byId = new Map(computation.instructions.map((instruction) => [instruction.id, instruction]));
    for (const instruction of computation.instructions) {
      const kind = kinds[instruction.opcode];
      if (kind) {
        const operands = instruction.operands.reduce((sum, id) => sum + shapeBytes(byId.get(id)!.shape), 0);
        const devices = instruction.groupSize || partitions;
        const scattered = kind === 'all-reduce' && isScattered(computation, instruction) ? 'reduce-scatter' : kind;
        add(scattered, devices, times, operands * (kind === 'all-gather' ? devices : 1));
        continue;
      }
      if (isContinued(instruction)) continue;
      const ring = instruction.opcode === 'while' && ringOf(instruction.calls.map((id) => computations.get(id)!));
      if (ring) {
        const devices = ring.devices || partitions;
        add(ring.kind, devices, times, ring.bytes * devices);
        continue;
      }
      const inner = times * (instruction.opcode === 'while' ? (instruction.tripCount ?? 1) : 1);
      for (const id of instruction.calls) if (!computations.get(id)!.name.startsWith('async_collective_fusion')) visit(computations.get(id)!, inner);
    }
  };
  visit(computations.get(module.entry)!, 1);
  return [...found.values()]
    .filter(({ devices }) => devices > 1)
    .map((entry) => ({ ...entry, sent: Math.round(entry.bytes * share[entry.kind](entry.devices)) }))
    .sort((a, b) => b.sent - a.sent);
}

/**
 * A product that is computed part by part, while parts of its result (`rs`) or of an operand (`ag`) go round a ring: one
 * reduce-scatter or all-gather, which XLA writes as a loop.
 */
function ringOf(computations: readonly HloComputation[]): { kind: CollectiveKind; devices: number; bytes: number } | undefined {
  for (const { name, instructions } of computations) {
    const direction = /windowed_dot_general_body_(rs|ag)/.exec(name)?.[1];
    const step = instructions.find(({ opcode }) => opcode.startsWith('collective-permute') && opcode !== 'collective-permute-done');
    if (direction === undefined || step === undefined) continue;
    const part = instructions.find(({ id }) => id === step.operands[0])!;
    return { kind: direction === 'rs' ? 'reduce-scatter' : 'all-gather', devices: step.groupSize, bytes: shapeBytes(part.shape) };
  }
  return undefined;
}

/**
 * What is counted where it started. On TPUs a collective that runs beside computation is repeated in fusions called
 * `async-collective-start`, in parts in computations called `async_collective_fusion`, and in `async-collective-done`.
 */
const isContinued = ({ name, opcode }: HloInstruction): boolean =>
  opcode === 'async-update' || opcode === 'async-done' || name.startsWith('async-collective-done');

/** TPUs have no reduce-scatter of that name, but a fused all-reduce, of several arrays even, of which each device keeps a slice. */
function isScattered({ name, instructions }: HloComputation, { id }: HloInstruction): boolean {
  if (!name.startsWith('all-reduce-scatter')) return false;
  const results = new Set([id, ...instructions.filter(({ opcode, operands }) => opcode === 'get-tuple-element' && operands[0] === id).map((part) => part.id)]);
  return instructions.some(({ opcode, operands }) => opcode === 'dynamic-slice' && results.has(operands[0]!));
}
