import protobuf from 'protobufjs/light.js';

/** Options of XLA by flag name without dashes, as `xla_gpu_enable_latency_hiding_scheduler`. */
export type XlaFlags = Readonly<Record<string, string | number | boolean>>;

export interface CompileSettings {
  /** Numbers of the devices in the order of the mesh, of all processes. */
  readonly devices: readonly number[];
  readonly flags?: XlaFlags;
  readonly optimizationLevel?: OptimizationLevel | undefined;
}

/** How hard XLA tries, as a compiler's -O0 to -O3. */
export type OptimizationLevel = 0 | 1 | 2 | 3;
/** Numbers of `xla.ExecutionOptions.EffortLevel`. */
const effort: Readonly<Record<OptimizationLevel, number>> = { 0: 9, 1: 19, 2: 29, 3: 39 };

const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) });

/** The few fields of xla/pjrt/proto/compile_options.proto and xla_data.proto (numbers are part of the format) that we set. */
const messages = protobuf.Root.fromJSON({
  nested: {
    CompileOptions: {
      fields: {
        executableBuildOptions: field('ExecutableBuildOptions', 3),
        envOptionOverrides: { keyType: 'string', type: 'OptionOverride', id: 7 } as never,
      },
    },
    ExecutableBuildOptions: {
      fields: {
        deviceOrdinal: field('int64', 1),
        numReplicas: field('int64', 4),
        numPartitions: field('int64', 5),
        useSpmdPartitioning: field('bool', 6),
        deviceAssignment: field('DeviceAssignment', 9),
        optimizationLevel: field('int32', 24),
      },
    },
    DeviceAssignment: {
      fields: {
        replicaCount: field('int32', 1),
        computationCount: field('int32', 2),
        computationDevices: field('ComputationDevice', 3, 'repeated'),
      },
    },
    ComputationDevice: { fields: { replicaDeviceIds: field('int64', 1, 'repeated') } },
    OptionOverride: {
      oneofs: { value: { oneof: ['stringField', 'boolField', 'intField', 'doubleField'] } },
      fields: {
        stringField: field('string', 1),
        boolField: field('bool', 2),
        intField: field('int64', 3),
        doubleField: field('double', 4),
      },
    },
  },
});

function override(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringField: value };
  if (typeof value === 'boolean') return { boolField: value };
  return Number.isInteger(value) ? { intField: value } : { doubleField: value };
}

/** A `CompileOptionsProto`: one replica, split over the devices by the annotations of the module. */
export function encodeCompileOptions({ devices, flags = {}, optimizationLevel }: CompileSettings): Uint8Array<ArrayBuffer> {
  const type = messages.lookupType('CompileOptions');
  const message = type.create({
    executableBuildOptions: {
      deviceOrdinal: -1,
      numReplicas: 1,
      numPartitions: devices.length,
      useSpmdPartitioning: devices.length > 1,
      ...(optimizationLevel !== undefined && { optimizationLevel: effort[optimizationLevel] }),
      deviceAssignment: {
        replicaCount: 1,
        computationCount: devices.length,
        computationDevices: devices.map((id) => ({ replicaDeviceIds: [id] })),
      },
    },
    envOptionOverrides: Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, override(value)])),
  });
  return Uint8Array.from(type.encode(message).finish());
}
