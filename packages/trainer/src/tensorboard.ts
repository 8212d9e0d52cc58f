import { appendFileSync, mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs/light.js';
import { maskedCrc32c } from './crc32c';

// The fields of tensorboard/compat/proto/{event,summary}.proto that scalars need.
const { Event } = protobuf.Root.fromJSON({
  nested: {
    Event: {
      oneofs: { what: { oneof: ['fileVersion', 'summary', 'sessionLog'] } },
      fields: {
        wallTime: { type: 'double', id: 1 },
        step: { type: 'int64', id: 2 },
        fileVersion: { type: 'string', id: 3 },
        summary: { type: 'Summary', id: 5 },
        sessionLog: { type: 'SessionLog', id: 7 },
      },
    },
    Summary: { fields: { value: { rule: 'repeated', type: 'Value', id: 1 } } },
    Value: { fields: { tag: { type: 'string', id: 1 }, simpleValue: { type: 'float', id: 2 } } },
    SessionLog: { fields: { status: { type: 'int32', id: 1 } } },
  },
}).nested as { Event: protobuf.Type };

const sessionStart = 1;

/** Appends scalars to a TensorBoard event file. */
export interface EventWriter {
  /** Write one scalar per tag for a step. */
  scalars(step: number, values: Readonly<Record<string, number>>): void;
}

/**
 * Start an event file in a folder. Its first events tell TensorBoard to forget what older files of
 * the folder hold at and after `firstStep`, which a resumed run computes again.
 */
export function createEventWriter(
  folder: string,
  firstStep: number,
  now: () => number = () => Date.now() / 1000,
): EventWriter {
  mkdirSync(folder, { recursive: true });
  // Seconds and process make the name unique and sort by time, as TensorBoard expects.
  const path = join(folder, `events.out.tfevents.${Math.floor(now()).toString().padStart(10, '0')}.${hostname()}.${process.pid}.0`);
  const append = (event: object): void => appendFileSync(path, record(Event.encode({ wallTime: now(), ...event }).finish()));
  append({ step: 0, fileVersion: 'brain.Event:2' });
  if (firstStep > 0) append({ step: firstStep, sessionLog: { status: sessionStart } });
  return {
    scalars(step, values) {
      const value = Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue }));
      append({ step, summary: { value } });
    },
  };
}

/** TFRecord framing: length, its CRC, the bytes, their CRC. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return bytes;
}
