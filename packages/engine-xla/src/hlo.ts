import protobuf from 'protobufjs/light.js';

/** Type and shape of a value after optimisation; several for a tuple. */
export interface HloShape {
  /** As in HLO text: `f32`, `bf16`, `pred`, … */
  readonly type: string;
  readonly dimensions: readonly number[];
  readonly elements: readonly HloShape[];
}

export interface HloInstruction {
  readonly id: number;
  readonly name: string;
  readonly opcode: string;
  readonly shape: HloShape;
  readonly operands: readonly number[];
  /** Ids of the computations that it calls. */
  readonly calls: readonly number[];
  /** Devices of one group, for collectives; 0 where all take part. */
  readonly groupSize: number;
  /** How often the body of a loop runs, where the compiler knows. */
  readonly tripCount: number | undefined;
  readonly customCallTarget: string;
}

export interface HloComputation {
  readonly id: number;
  readonly name: string;
  readonly instructions: readonly HloInstruction[];
}

/** A program as XLA optimised it, for one device of many. */
export interface HloModule {
  readonly name: string;
  readonly computations: readonly HloComputation[];
  readonly entry: number;
}

const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) });

/** The few fields of xla/service/hlo.proto and xla_data.proto that are read here. */
const messages = protobuf.Root.fromJSON({
  nested: {
    ModuleWithConfig: { fields: { module: field('Module', 1) } },
    Module: { fields: { name: field('string', 1), computations: field('Computation', 3, 'repeated'), entryComputationId: field('int64', 6) } },
    Computation: { fields: { name: field('string', 1), instructions: field('Instruction', 2, 'repeated'), id: field('int64', 5) } },
    Instruction: {
      fields: {
        name: field('string', 1),
        opcode: field('string', 2),
        shape: field('Shape', 3),
        customCallTarget: field('string', 28),
        id: field('int64', 35),
        operandIds: field('int64', 36, 'repeated'),
        calledComputationIds: field('int64', 38, 'repeated'),
        backendConfig: field('bytes', 43),
        replicaGroups: field('ReplicaGroup', 49, 'repeated'),
        sourceTargetPairs: field('SourceTarget', 52, 'repeated'),
        collectiveDeviceList: field('CollectiveDeviceList', 87),
        iotaCollectiveDeviceList: field('IotaReplicaGroupList', 92),
        meshAxesReplicaGroupList: field('MeshAxesReplicaGroupList', 93),
      },
    },
    Shape: { fields: { elementType: field('int32', 2), dimensions: field('int64', 3, 'repeated'), tupleShapes: field('Shape', 4, 'repeated') } },
    SourceTarget: { fields: { source: field('int64', 1), target: field('int64', 2) } },
    ReplicaGroup: { fields: { replicaIds: field('int64', 1, 'repeated') } },
    CollectiveDeviceList: {
      fields: { replicaGroups: field('ReplicaGroup', 1, 'repeated'), iotaReplicaGroupList: field('IotaReplicaGroupList', 2) },
    },
    MeshAxesReplicaGroupList: { fields: { mesh: field('Mesh', 1), axes: field('AxisRef', 2, 'repeated') } },
    Mesh: { fields: { axes: field('MeshAxis', 1, 'repeated') } },
    MeshAxis: { fields: { size: field('int64', 2) } },
    AxisRef: { fields: { meshAxisIndex: field('int64', 1), subAxisInfo: field('SubAxis', 2) } },
    SubAxis: { fields: { size: field('int64', 2) } },
    IotaReplicaGroupList: { fields: { numReplicaGroups: field('int64', 1), numDevicesPerGroup: field('int64', 2) } },
  },
});

/** Names and bytes of `xla.PrimitiveType`, by number. */
const types: Readonly<Record<number, readonly [name: string, bytes: number]>> = {
  1: ['pred', 1], 2: ['s8', 1], 3: ['s16', 2], 4: ['s32', 4], 5: ['s64', 8], 6: ['u8', 1], 7: ['u16', 2], 8: ['u32', 4], 9: ['u64', 8],
  10: ['f16', 2], 11: ['f32', 4], 12: ['f64', 8], 13: ['tuple', 0], 14: ['opaque', 0], 15: ['c64', 8], 16: ['bf16', 2], 17: ['token', 0],
  18: ['c128', 16], 19: ['f8e5m2', 1], 20: ['f8e4m3fn', 1],
};
const typeBytes = new Map(Object.values(types));

/** Bytes of a value without padding. */
export const shapeBytes = ({ type, dimensions, elements }: HloShape): number =>
  type === 'tuple' ? elements.reduce((sum, shape) => sum + shapeBytes(shape), 0) : dimensions.reduce((a, b) => a * b, typeBytes.get(type) ?? 0);

interface Shape {
  elementType: number;
  dimensions: unknown[];
  tupleShapes: Shape[];
}
interface Iota {
  numDevicesPerGroup: unknown;
}
interface MeshAxes {
  mesh: { axes: { size: unknown }[] };
  axes: { meshAxisIndex: unknown; subAxisInfo?: { size: unknown } | null }[];
}
interface Instruction {
  id: unknown;
  name: string;
  opcode: string;
  shape: Shape;
  customCallTarget: string;
  operandIds: unknown[];
  calledComputationIds: unknown[];
  backendConfig: Uint8Array;
  replicaGroups: { replicaIds: unknown[] }[];
  sourceTargetPairs: { source: unknown; target: unknown }[];
  collectiveDeviceList?: { replicaGroups: { replicaIds: unknown[] }[]; iotaReplicaGroupList?: Iota | null } | null;
  iotaCollectiveDeviceList?: Iota | null;
  meshAxesReplicaGroupList?: MeshAxes | null;
}
interface Module {
  name: string;
  entryComputationId: unknown;
  computations: { id: unknown; name: string; instructions: Instruction[] }[];
}

const toShape = ({ elementType, dimensions, tupleShapes }: Shape): HloShape => ({
  type: types[elementType]?.[0] ?? `type${elementType}`,
  dimensions: dimensions.map(Number),
  elements: tupleShapes.map(toShape),
});

/** Devices of a collective's groups, which XLA has written in four ways over the years. */
function groupSize({ replicaGroups, sourceTargetPairs: pairs, collectiveDeviceList: list, iotaCollectiveDeviceList, meshAxesReplicaGroupList: axes }: Instruction): number {
  const iota = iotaCollectiveDeviceList ?? list?.iotaReplicaGroupList;
  if (iota) return Number(iota.numDevicesPerGroup);
  if (axes) {
    return axes.axes.reduce((product, axis) => product * Number((axis.subAxisInfo ?? axes.mesh.axes[Number(axis.meshAxisIndex)])!.size), 1);
  }
  if (pairs.length > 0) return chainLength(pairs);
  return (list?.replicaGroups ?? replicaGroups)[0]?.replicaIds.length ?? 0;
}

/** Devices that pass something on to each other: a ring, or a row of them. */
function chainLength(pairs: Instruction['sourceTargetPairs']): number {
  const next = new Map(pairs.map(({ source, target }) => [Number(source), Number(target)]));
  const targets = new Set(next.values());
  const passed = new Set<number>();
  // A row begins where nothing comes from, a ring anywhere.
  let device: number | undefined = [...next.keys()].find((source) => !targets.has(source)) ?? [...next.keys()][0];
  while (device !== undefined && !passed.has(device)) {
    passed.add(device);
    device = next.get(device);
  }
  return passed.size;
}

function toInstruction(instruction: Instruction): HloInstruction {
  const config = instruction.opcode === 'while' ? new TextDecoder().decode(Uint8Array.from(instruction.backendConfig)) : '';
  const trips = /"known_trip_count":\s*\{"n":"(\d+)"/.exec(config);
  return {
    id: Number(instruction.id),
    name: instruction.name,
    opcode: instruction.opcode,
    shape: toShape(instruction.shape),
    operands: instruction.operandIds.map(Number),
    calls: instruction.calledComputationIds.map(Number),
    groupSize: groupSize(instruction),
    tripCount: trips ? Number(trips[1]) : undefined,
    customCallTarget: instruction.customCallTarget,
  };
}

/** @param format - `hlo` or `hlo_with_config`, as the plugin names it. */
export function readHlo(code: Uint8Array, format: string): HloModule {
  const message =
    format === 'hlo'
      ? messages.lookupType('Module').decode(code)
      : (messages.lookupType('ModuleWithConfig').decode(code) as unknown as { module: protobuf.Message }).module;
  const { name, entryComputationId, computations } = message as unknown as Module;
  return {
    name,
    entry: Number(entryComputationId),
    computations: computations.map((computation) => ({
      id: Number(computation.id),
      name: computation.name,
      instructions: computation.instructions.map(toInstruction),
    })),
  };
}

const shapeText = ({ type, dimensions, elements }: HloShape): string =>
  type === 'tuple' ? `(${elements.map(shapeText).join(', ')})` : `${type}[${dimensions.join(',')}]`;

/** The module as text, close to XLA's own: opcodes, shapes, operands and calls, without layouts and attributes. */
export function formatHlo({ name, computations, entry }: HloModule): string {
  const names = new Map(computations.map((computation) => [computation.id, computation.name]));
  const lines = [`HloModule ${name}`];
  for (const { id, name, instructions } of computations) {
    const local = new Map(instructions.map((instruction) => [instruction.id, instruction.name]));
    lines.push('', `${id === entry ? 'ENTRY ' : ''}%${name} {`);
    for (const { name, opcode, shape, operands, calls, groupSize, tripCount, customCallTarget } of instructions) {
      const attributes = [
        ...calls.map((call) => `calls=%${names.get(call)}`),
        ...(groupSize > 0 ? [`group_size=${groupSize}`] : []),
        ...(tripCount === undefined ? [] : [`trip_count=${tripCount}`]),
        ...(customCallTarget === '' ? [] : [`custom_call_target="${customCallTarget}"`]),
      ];
      const call = `${opcode}(${operands.map((operand) => `%${local.get(operand)}`).join(', ')})`;
      lines.push(`  %${name} = ${shapeText(shape)} ${[call, ...attributes].join(', ')}`);
    }
    lines.push('}');
  }
  return `${lines.join('\n')}\n`;
}
