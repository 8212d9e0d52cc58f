import protobuf from 'protobufjs/light.js';

const field = (type: string, id: number, rule?: 'repeated') => ({ type, id, ...(rule && { rule }) });
const map = (type: string, id: number) => ({ keyType: 'string', type, id });

/** What is written of TensorFlow's messages: their field numbers are part of the SavedModel format. */
const root = protobuf.Root.fromJSON({
  nested: {
    SavedModel: { fields: { savedModelSchemaVersion: field('int64', 1), metaGraphs: field('MetaGraphDef', 2, 'repeated') } },
    MetaGraphDef: {
      fields: {
        metaInfoDef: field('MetaInfoDef', 1),
        graphDef: field('GraphDef', 2),
        signatureDef: map('SignatureDef', 5),
      },
    },
    MetaInfoDef: { fields: { tags: field('string', 4, 'repeated') } },
    SignatureDef: {
      fields: { inputs: map('TensorInfo', 1), outputs: map('TensorInfo', 2), methodName: field('string', 3) },
    },
    TensorInfo: { fields: { name: field('string', 1), dtype: field('int32', 2), tensorShape: field('TensorShapeProto', 3) } },
    GraphDef: { fields: { node: field('NodeDef', 1, 'repeated'), versions: field('VersionDef', 4) } },
    VersionDef: { fields: { producer: field('int32', 1) } },
    NodeDef: {
      fields: {
        name: field('string', 1),
        op: field('string', 2),
        input: field('string', 3, 'repeated'),
        attr: map('AttrValue', 5),
      },
    },
    AttrValue: {
      oneofs: { value: { oneof: ['list', 's', 'i', 'f', 'b', 'type', 'shape', 'tensor'] } },
      fields: {
        list: field('ListValue', 1),
        s: field('string', 2),
        i: field('int64', 3),
        f: field('float', 4),
        b: field('bool', 5),
        type: field('int32', 6),
        shape: field('TensorShapeProto', 7),
        tensor: field('TensorProto', 8),
      },
    },
    ListValue: { fields: { i: field('int64', 3, 'repeated') } },
    TensorShapeProto: { fields: { dim: field('Dim', 2, 'repeated') } },
    Dim: { fields: { size: field('int64', 1) } },
    TensorProto: {
      fields: { dtype: field('int32', 1), tensorShape: field('TensorShapeProto', 2), tensorContent: field('bytes', 4) },
    },
  },
});

const savedModel = root.lookupType('SavedModel');

/** A shape as TensorFlow writes it. */
export interface ShapeMessage {
  readonly dim: readonly { readonly size: number }[];
}

/** One of the fields of `AttrValue`. */
export type Attribute =
  | { readonly type: number }
  | { readonly i: number }
  | { readonly f: number }
  | { readonly b: boolean }
  | { readonly s: string }
  | { readonly shape: ShapeMessage }
  | { readonly list: { readonly i: readonly number[] } }
  | { readonly tensor: { readonly dtype: number; readonly tensorShape: ShapeMessage; readonly tensorContent: Uint8Array } };

export interface NodeMessage {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, Attribute>>;
}

export interface TensorInfoMessage {
  readonly name: string;
  readonly dtype: number;
  readonly tensorShape: ShapeMessage;
}

/** What one call feeds and fetches. */
export interface SignatureMessage {
  readonly inputs: Readonly<Record<string, TensorInfoMessage>>;
  readonly outputs: Readonly<Record<string, TensorInfoMessage>>;
}

export const shapeMessage = (shape: readonly number[]): ShapeMessage => ({ dim: shape.map((size) => ({ size })) });

/** Version of the graph's ops: TensorFlow 2.9's, which later ones read. */
const producer = 1087;

/** The bytes of `saved_model.pb`. */
export function encodeSavedModel(tag: string, nodes: readonly NodeMessage[], signatures: Readonly<Record<string, SignatureMessage>>): Uint8Array {
  const metaGraph = {
    metaInfoDef: { tags: [tag] },
    graphDef: { node: nodes, versions: { producer } },
    signatureDef: Object.fromEntries(
      Object.entries(signatures).map(([name, signature]) => [name, { ...signature, methodName: 'tensorflow/serving/predict' }]),
    ),
  };
  return savedModel.encode({ savedModelSchemaVersion: 1, metaGraphs: [metaGraph] }).finish();
}
