import type { FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import { endianness } from 'node:os';
import { basename } from 'node:path';
import { maximumFloat16, writeFloat16 } from '@dinov2/primitives';
import { atomicWrite } from '../files/atomic-write';
import { WeightsError } from '../errors';
import type { Graph, Initializer } from './graph';
import { type DataType, encodeGraph, encodeModel, encodeTensor, type ExternalData, fieldPrefix, streamedFields } from './messages';

/** What a model file says besides its graph. */
export interface ModelHeader {
  readonly irVersion: number;
  readonly producer: string;
  /** Of the ONNX standard domain. */
  readonly operatorSet: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Files of a written model. */
export interface WrittenModel {
  /** Bytes of the model file and of the data file. */
  readonly bytes: number;
  /** Whether the weights lie in `<path>_data`. */
  readonly externalData: boolean;
}

/** A protobuf message may not be larger; a model above it keeps its weights in a second file. */
const protobufLimit = 2 ** 31 - 1;

/** Tensors below this stay in the model file: shape inference reads them. */
const smallestExternal = 1024;

/** The external data convention's alignment, one page, so that a runtime may map the file. */
const pageBytes = 4096;

const elementBytes: Readonly<Record<DataType, number>> = { float32: 4, float16: 2, int64: 8 };

/**
 * Write a model aside, sync, and rename it over `path`; constants are made and written one at a time.
 *
 * @param limit - bytes above which the weights go to `<path>_data`.
 */
export async function writeModel(path: string, header: ModelHeader, graph: Graph, limit = protobufLimit): Promise<WrittenModel> {
  if (endianness() !== 'LE') throw new WeightsError('ONNX models are written on little-endian machines only.');
  const rest = {
    model: encodeModel(header),
    graph: encodeGraph({ name: 'dinov2', ...graph }),
  };
  const bytesOf = ({ type, shape }: Initializer): number => shape.reduce((a, b) => a * b, elementBytes[type]);
  const inline = graph.initializers.map((tensor) => inlineTensor(tensor, bytesOf(tensor)));
  const size = rest.model.length + rest.graph.length + inline.reduce((sum, { head, bytes }) => sum + head.length + bytes, 0);
  // The prefix of the graph, a few bytes, stays within the margin of 64.
  const externalData = size > limit - 64;
  const dataPath = `${path}_data`;
  let dataBytes = 0;

  try {
    if (externalData) {
      const placed = new Map<Initializer, ExternalData>();
      for (const tensor of graph.initializers) {
        const length = bytesOf(tensor);
        if (length < smallestExternal) continue;
        const offset = Math.ceil(dataBytes / pageBytes) * pageBytes;
        placed.set(tensor, { location: basename(dataPath), offset, length });
        dataBytes = offset + length;
      }
      await atomicWrite(dataPath, async (file) => {
        for (const [tensor, { offset }] of placed) await write(file, encodeValues(tensor), offset);
      });
      graph.initializers.forEach((tensor, i) => {
        const place = placed.get(tensor);
        if (place === undefined) return;
        const message = encodeTensor(tensor, place);
        inline[i] = { head: concat(fieldPrefix(streamedFields.initializer, message.length), message), bytes: 0 };
      });
    }

    const graphBytes = rest.graph.length + inline.reduce((sum, { head, bytes }) => sum + head.length + bytes, 0);
    const parts = [rest.model, fieldPrefix(streamedFields.graph, graphBytes), rest.graph];
    let position = 0;
    await atomicWrite(path, async (file) => {
      const append = async (bytes: Uint8Array): Promise<void> => {
        await write(file, bytes, position);
        position += bytes.length;
      };
      for (const part of parts) await append(part);
      for (const [i, { head, bytes }] of inline.entries()) {
        await append(head);
        if (bytes > 0) await append(encodeValues(graph.initializers[i]!));
      }
    });
    // Weights of an older model of this name.
    if (!externalData) await rm(dataPath, { force: true });
    return { bytes: position + dataBytes, externalData };
  } catch (error) {
    if (error instanceof WeightsError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const remedy = code === 'ENOSPC' ? 'Free disk space' : 'Check the folder and its permissions';
    throw new WeightsError(`Cannot write ${path}: ${message}. ${remedy}.`, { cause: error });
  }
}

/** An initializer up to its bytes, which follow as its last field. */
function inlineTensor(tensor: Initializer, bytes: number): { head: Uint8Array; bytes: number } {
  const fields = concat(encodeTensor(tensor), fieldPrefix(streamedFields.rawData, bytes));
  return { head: concat(fieldPrefix(streamedFields.initializer, fields.length + bytes), fields), bytes };
}

function encodeValues(tensor: Initializer): Uint8Array {
  const values = tensor.load();
  const count = tensor.shape.reduce((a, b) => a * b, 1);
  if (values.length !== count) {
    throw new WeightsError(`Tensor "${tensor.name}" of shape [${tensor.shape}] needs ${count} values, it has ${values.length}.`);
  }
  if (tensor.type !== 'float16') return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const halves = writeFloat16(values as Float32Array);
  const large = halves.findIndex((half) => (half & 0x7fff) === 0x7c00);
  if (large >= 0) {
    throw new WeightsError(
      `Tensor "${tensor.name}" holds ${values[large]}, beyond float16's ${maximumFloat16}; export with float32 precision.`,
    );
  }
  return new Uint8Array(halves.buffer);
}

// Below the 2 GiB that one write call may take.
const writeChunk = 1 << 30;

async function write(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(writeChunk, bytes.length - done), position + done);
    done += bytesWritten;
  }
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}
