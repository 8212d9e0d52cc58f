import type { ElementType } from './element-type';
import { EngineError } from './errors';
import { encodeModel, inputName, outputName, type Operator } from './onnx-model';
import { nameList, type Handle, type OnnxRuntime } from './onnx-runtime';

/** A one-node session and the names that a call passes with it. */
export interface Session {
  readonly handle: Handle;
  readonly inputNames: BigUint64Array;
  readonly outputNames: BigUint64Array;
}

/** One session per operator, attributes and types, made on first use and shared by all executables of an engine. */
export class SessionCache {
  readonly #runtime: OnnxRuntime;
  readonly #sessions = new Map<string, Session>();

  constructor(runtime: OnnxRuntime) {
    this.#runtime = runtime;
  }

  get(operator: Operator, inputs: readonly (ElementType | null)[], outputs: readonly ElementType[]): Session {
    const key = JSON.stringify([operator.type, operator.domain, operator.attributes, inputs, outputs]);
    let session = this.#sessions.get(key);
    if (!session) this.#sessions.set(key, (session = this.#create(operator, inputs, outputs)));
    return session;
  }

  dispose(): void {
    for (const { handle } of this.#sessions.values()) this.#runtime.releaseSession(handle);
    this.#sessions.clear();
  }

  #create(operator: Operator, inputs: readonly (ElementType | null)[], outputs: readonly ElementType[]): Session {
    try {
      return {
        handle: this.#runtime.createSession(encodeModel(operator, inputs, outputs)),
        inputNames: nameList(inputs.flatMap((type, i) => (type === null ? [] : [inputName(i)]))),
        outputNames: nameList(outputs.map((_, i) => outputName(i))),
      };
    } catch (cause) {
      throw new EngineError(
        `ONNX Runtime has no ${operator.type} for (${inputs.join(', ')}) -> (${outputs.join(', ')}): ${(cause as Error).message}`,
      );
    }
  }
}
