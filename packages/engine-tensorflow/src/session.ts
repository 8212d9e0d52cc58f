import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensor as TfTensor } from '@tensorflow/tfjs-core';
import type { Tensor } from './builder';
import { dataType } from './element-type';
import { EngineError } from './errors';
import { encodeSavedModel, shapeMessage, type NodeMessage, type SignatureMessage, type TensorInfoMessage } from './messages';
import { onTensorflow, type Runtime } from './runtime';
import type { SavedModel } from './tfjs-node';

const tag = 'serve';

/** The protobuf reader of tfjs-node orders what it reads by key. */
const key = (index: number): string => String(index).padStart(6, '0');

const infos = (tensors: readonly Tensor[]): Record<string, TensorInfoMessage> =>
  Object.fromEntries(
    tensors.map(({ name, shape, type }, i) => [
      key(i),
      { name: name.includes(':') ? name : `${name}:0`, dtype: dataType[type], tensorShape: shapeMessage(shape) },
    ]),
  );

/**
 * A graph in a TensorFlow session of its own, loaded through tfjs-node's SavedModels.
 *
 * What a call feeds and fetches is a signature in the file. tfjs-node reads the signature again for each
 * one that is asked for but keeps the session of the folder, so signatures are written when they are
 * first used, into a file that holds nothing else.
 */
export class Session {
  readonly #runtime: Runtime;
  readonly #folder: string;
  #nodes: readonly NodeMessage[];
  readonly #models = new Map<string, SavedModel>();

  private constructor(runtime: Runtime, folder: string, nodes: readonly NodeMessage[]) {
    this.#runtime = runtime;
    this.#folder = folder;
    this.#nodes = nodes;
  }

  static async create(runtime: Runtime, nodes: readonly NodeMessage[]): Promise<Session> {
    return new Session(runtime, await mkdtemp(join(runtime.folder, 'graph-')), nodes);
  }

  /** Run what `fetches` need. `name` stands for one choice of feeds and fetches. */
  async run(name: string, feeds: readonly Tensor[], tensors: readonly TfTensor[], fetches: readonly Tensor[]): Promise<TfTensor[]> {
    const model = this.#models.get(name) ?? (await this.#load(name, { inputs: infos(feeds), outputs: infos(fetches) }));
    return onTensorflow(this.#runtime, () => model.predict([...tensors]) as TfTensor[]);
  }

  async #load(name: string, signature: SignatureMessage): Promise<SavedModel> {
    const file = join(this.#folder, 'saved_model.pb');
    await writeFile(`${file}.new`, encodeSavedModel(tag, this.#nodes, { [name]: signature }));
    await rename(`${file}.new`, file);
    let model: SavedModel;
    try {
      model = await onTensorflow(this.#runtime, () => this.#runtime.tf.node.loadSavedModel(this.#folder, [tag], name));
    } catch (error) {
      throw new EngineError(`TensorFlow does not load the graph: ${(error as Error).message}`);
    }
    this.#nodes = [];
    this.#models.set(name, model);
    return model;
  }

  async unload(): Promise<void> {
    for (const model of this.#models.values()) model.dispose();
    this.#models.clear();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
