import type { ElementType } from './element-type';
import { EngineError } from './errors';
import { encodeModel, type Initializer, inputName, isInitializer, outputName, type Operator } from './onnx-model';
import { nameList, type Handle, type OnnxRuntime } from './onnx-runtime';

/** A one-node session and the names that a call passes with it. */
export interface Session {
  readonly handle: Handle;
  readonly inputNames: BigUint64Array;
  readonly outputNames: BigUint64Array;
}

/** Values of an operator's input: part of the session, or of a type and passed at each run. `null` where it is absent. */
type SessionInput = ElementType | Initializer | null;

/** Sessions made on first use and shared by all executables of an engine: one per operator, attributes and types. */
export class SessionCache {
  readonly #runtime: OnnxRuntime;
  readonly #sessions = new Map<string, Session>();

  constructor(runtime: OnnxRuntime) {
    this.#runtime = runtime;
  }

  get(operator: Operator, inputs: readonly (ElementType | null)[], outputs: readonly ElementType[]): Session {
    const key = JSON.stringify([operator.type, operator.domain, operator.attributes, inputs, outputs]);
    let session = this.#sessions.get(key);
    if (!session) this.#sessions.set(key, (session = this.create(operator, inputs, outputs)));
    return session;
  }

  release({ handle }: Session): void {
    this.#runtime.releaseSession(handle);
  }

  dispose(): void {
    for (const { handle } of this.#sessions.values()) this.#runtime.releaseSession(handle);
    this.#sessions.clear();
  }

  /** A session of its own for the caller, who releases it: one with initializers, which no other executable has. */
  create(operator: Operator, inputs: readonly SessionInput[], outputs: readonly ElementType[]): Session {
    try {
      return {
        handle: this.#runtime.createSession(encodeModel(operator, inputs, outputs)),
        inputNames: nameList(inputs.flatMap((input, i) => (input === null || isInitializer(input) ? [] : [inputName(i)]))),
        outputNames: nameList(outputs.map((_, i) => outputName(i))),
      };
    } catch (cause) {
      if (!(cause as Error).message.startsWith('ONNX Runtime: ')) throw cause;
      throw new EngineError(
        `ONNX Runtime has no ${operator.type} for (${inputs.map((input) => (isInitializer(input) ? 'float32' : input)).join(', ')}) -> (${outputs.join(', ')}): ${(cause as Error).message}`,
      );
    }
  }
}
