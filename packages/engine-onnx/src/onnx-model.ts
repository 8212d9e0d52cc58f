import protobuf from 'protobufjs/light.js';
import { onnxType, type ElementType } from './element-type';

/** A float32 tensor that is part of a model. */
export interface Initializer {
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An attribute value. A plain number is an integer, as most ONNX attributes are. */
export type OnnxAttribute = number | readonly number[] | string | { readonly float: number };

export interface Operator {
  readonly type: string;
  /** `''` is the ONNX standard domain, `com.microsoft` ONNX Runtime's own. */
  readonly domain: string;
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
}

/** ONNX operator set of the standard domain. 20 is the first with `Gelu` and 2D/3D `GridSample`. */
const operatorSet = 20;
/** IR version that goes with operator set 20. */
const irVersion = 9;

const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) });

/** The few messages of onnx.proto (field numbers are part of the format) that one node without shapes needs. */
const messages = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: field('int64', 1),
        graph: field('GraphProto', 7),
        opsetImport: field('OperatorSetIdProto', 8, 'repeated'),
      },
    },
    OperatorSetIdProto: { fields: { domain: field('string', 1), version: field('int64', 2) } },
    GraphProto: {
      fields: {
        node: field('NodeProto', 1, 'repeated'),
        name: field('string', 2),
        initializer: field('TensorProto', 5, 'repeated'),
        input: field('ValueInfoProto', 11, 'repeated'),
        output: field('ValueInfoProto', 12, 'repeated'),
      },
    },
    NodeProto: {
      fields: {
        input: field('string', 1, 'repeated'),
        output: field('string', 2, 'repeated'),
        opType: field('string', 4),
        attribute: field('AttributeProto', 5, 'repeated'),
        domain: field('string', 7),
      },
    },
    AttributeProto: {
      fields: {
        name: field('string', 1),
        f: field('float', 2),
        i: field('int64', 3),
        s: field('bytes', 4),
        ints: field('int64', 8, 'repeated'),
        type: field('int32', 20),
      },
    },
    TensorProto: {
      fields: {
        dims: field('int64', 1, 'repeated'),
        dataType: field('int32', 2),
        name: field('string', 8),
        rawData: field('bytes', 9),
      },
    },
    ValueInfoProto: { fields: { name: field('string', 1), type: field('TypeProto', 2) } },
    TypeProto: { fields: { tensorType: field('TensorTypeProto', 1) } },
    TensorTypeProto: { fields: { elemType: field('int32', 1) } },
  },
});
const model = messages.lookupType('ModelProto');

/** `AttributeProto.AttributeType`. */
const attributeType = { float: 1, int: 2, string: 3, ints: 7 };

function encodeAttribute([name, value]: [string, OnnxAttribute]): object {
  if (typeof value === 'number') return { name, type: attributeType.int, i: value };
  if (typeof value === 'string') return { name, type: attributeType.string, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: attributeType.float, f: value.float };
  return { name, type: attributeType.ints, ints: value };
}

export const isInitializer = (input: ElementType | Initializer | null): input is Initializer =>
  input !== null && typeof input === 'object';

export const inputName = (index: number): string => `i${index}`;
export const outputName = (index: number): string => `o${index}`;

/**
 * A model of one node. Types are fixed and shapes are left open, so that one session serves every
 * shape. `null` stands for an optional input that is absent, an initializer for one whose values are
 * part of the model.
 */
export function encodeModel(
  operator: Operator,
  inputs: readonly (ElementType | Initializer | null)[],
  outputs: readonly ElementType[],
): Uint8Array {
  const value = (name: string, type: ElementType) => ({ name, type: { tensorType: { elemType: onnxType[type] } } });
  return model
    .encode({
      irVersion,
      opsetImport: [
        { domain: '', version: operatorSet },
        { domain: 'com.microsoft', version: 1 },
      ],
      graph: {
        name: operator.type,
        node: [
          {
            opType: operator.type,
            domain: operator.domain,
            input: inputs.map((type, i) => (type === null ? '' : inputName(i))),
            output: outputs.map((_, i) => outputName(i)),
            attribute: Object.entries(operator.attributes).map(encodeAttribute),
          },
        ],
        initializer: inputs.flatMap((input, i) =>
          isInitializer(input) ? [{ name: inputName(i), dims: input.shape, dataType: onnxType.float32, rawData: input.bytes }] : [],
        ),
        input: inputs.flatMap((input, i) => (input === null || isInitializer(input) ? [] : [value(inputName(i), input)])),
        output: outputs.map((type, i) => value(outputName(i), type)),
      },
    })
    .finish();
}
