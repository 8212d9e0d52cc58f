import protobuf from 'protobufjs/light.js';

/** An attribute value. A plain number is an integer, as most ONNX attributes are. */
export type Attribute = number | readonly number[] | string | { readonly float: number };

export interface Node {
  readonly name: string;
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** `TensorProto.DataType`. */
export const dataTypes = { float32: 1, int64: 7, float16: 10 } as const;

export type DataType = keyof typeof dataTypes;

/** An input or output; a dimension is a size, or a name for one that is left open. */
export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly shape: readonly (number | string)[];
}

/** Where a tensor's bytes lie when they are not in the model file. */
export interface ExternalData {
  /** File name, beside the model. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) });

/** The messages of onnx.proto that a model without subgraphs needs; field numbers are part of the format. */
const root = protobuf.Root.fromJSON({
  nested: {
    ModelProto: {
      fields: {
        irVersion: field('int64', 1),
        producerName: field('string', 2),
        producerVersion: field('string', 3),
        opsetImport: field('OperatorSetIdProto', 8, 'repeated'),
        metadataProps: field('StringStringEntryProto', 14, 'repeated'),
      },
    },
    OperatorSetIdProto: { fields: { domain: field('string', 1), version: field('int64', 2) } },
    StringStringEntryProto: { fields: { key: field('string', 1), value: field('string', 2) } },
    GraphProto: {
      fields: {
        node: field('NodeProto', 1, 'repeated'),
        name: field('string', 2),
        input: field('ValueInfoProto', 11, 'repeated'),
        output: field('ValueInfoProto', 12, 'repeated'),
      },
    },
    NodeProto: {
      fields: {
        input: field('string', 1, 'repeated'),
        output: field('string', 2, 'repeated'),
        name: field('string', 3),
        opType: field('string', 4),
        attribute: field('AttributeProto', 5, 'repeated'),
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
    ValueInfoProto: { fields: { name: field('string', 1), type: field('TypeProto', 2) } },
    TypeProto: { fields: { tensorType: field('TensorTypeProto', 1) } },
    TensorTypeProto: { fields: { elemType: field('int32', 1), shape: field('TensorShapeProto', 2) } },
    TensorShapeProto: { fields: { dim: field('DimensionProto', 1, 'repeated') } },
    DimensionProto: { fields: { dimValue: field('int64', 1), dimParam: field('string', 2) } },
    TensorProto: {
      fields: {
        dims: field('int64', 1, 'repeated'),
        dataType: field('int32', 2),
        name: field('string', 8),
        externalData: field('StringStringEntryProto', 13, 'repeated'),
        dataLocation: field('int32', 14),
      },
    },
  },
});

const encode = (message: string, value: object): Uint8Array => root.lookupType(message).encode(value).finish();

/** `AttributeProto.AttributeType`. */
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 };

function attribute([name, value]: [string, Attribute]): object {
  if (typeof value === 'number') return { name, type: attributeTypes.int, i: value };
  if (typeof value === 'string') return { name, type: attributeTypes.string, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: attributeTypes.float, f: value.float };
  return { name, type: attributeTypes.ints, ints: value };
}

const valueInfo = ({ name, type, shape }: Value): object => ({
  name,
  type: {
    tensorType: {
      elemType: dataTypes[type],
      shape: { dim: shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size })) },
    },
  },
});

const entries = (record: Readonly<Record<string, string | number>>): object[] =>
  Object.entries(record).map(([key, value]) => ({ key, value: String(value) }));

/** The fields of `ModelProto` other than its graph. */
export function encodeModel(model: {
  readonly irVersion: number;
  readonly producer: string;
  readonly operatorSet: number;
  readonly metadata: Readonly<Record<string, string>>;
}): Uint8Array {
  return encode('ModelProto', {
    irVersion: model.irVersion,
    producerName: model.producer,
    opsetImport: [{ domain: '', version: model.operatorSet }],
    metadataProps: entries(model.metadata),
  });
}

/** The fields of `GraphProto` other than its initializers. */
export function encodeGraph(graph: {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}): Uint8Array {
  return encode('GraphProto', {
    name: graph.name,
    node: graph.nodes.map((node) => ({
      name: node.name,
      opType: node.type,
      input: node.inputs,
      output: node.outputs,
      attribute: Object.entries(node.attributes).map(attribute),
    })),
    input: graph.inputs.map(valueInfo),
    output: graph.outputs.map(valueInfo),
  });
}

/** The fields of `TensorProto` other than its bytes. */
export function encodeTensor(
  tensor: { readonly name: string; readonly type: DataType; readonly shape: readonly number[] },
  external?: ExternalData,
): Uint8Array {
  return encode('TensorProto', {
    dims: tensor.shape,
    dataType: dataTypes[tensor.type],
    name: tensor.name,
    ...(external && { externalData: entries({ ...external }), dataLocation: 1 }),
  });
}

/** Fields whose value is streamed: their number in the message that holds them. */
export const streamedFields = { graph: 7, initializer: 5, rawData: 9 } as const;

/** Tag and length that stand before a field's bytes. */
export function fieldPrefix(number: number, length: number): Uint8Array {
  const lengthDelimited = 2;
  return protobuf.Writer.create().uint32((number << 3) | lengthDelimited).uint32(length).finish();
}
