import { bytesOf } from './element-type';
import type { Initializer } from './onnx-model';
import type { OrtStep, Step, Storage, Tensor } from './program';
import type { Session, SessionCache } from './sessions';

/** The sessions of an executable's steps: shared ones, and its own where constants are part of them. */
export class StepSessions {
  readonly #cache: SessionCache;
  readonly #sessions: readonly (Session | undefined)[];
  /** By constant and then by the rest of the key: steps with the same constants share a session. */
  readonly #own = new Map<Storage, Map<string, Session>>();
  /** Bytes of the constants in own sessions. */
  readonly bytes: number;

  constructor(steps: readonly Step[], initializer: (tensor: Tensor) => Initializer, cache: SessionCache) {
    this.#cache = cache;
    let bytes = 0;
    this.#sessions = steps.map((step) => {
      if (step.kind !== 'ort') return undefined;
      const outputs = step.outputs.map(({ type }) => type);
      const [first] = step.initializers.values();
      if (!first) return cache.get(step.operator, step.inputs.map((tensor) => tensor?.type ?? null), outputs);
      const own = this.#own.get(first.storage) ?? new Map<string, Session>();
      this.#own.set(first.storage, own);
      const key = keyOf(step);
      let session = own.get(key);
      if (!session) {
        const inputs = step.inputs.map((tensor, i) => {
          const constant = step.initializers.get(i);
          return constant ? initializer(constant) : (tensor?.type ?? null);
        });
        for (const { shape } of step.initializers.values()) bytes += bytesOf(shape, 'float32');
        own.set(key, (session = cache.create(step.operator, inputs, outputs)));
      }
      return session;
    });
    this.bytes = bytes;
  }

  get(step: number): Session {
    return this.#sessions[step] as Session;
  }

  dispose(): void {
    for (const own of this.#own.values()) for (const session of own.values()) this.#cache.release(session);
    this.#own.clear();
  }
}

const keyOf = ({ operator, inputs, initializers }: OrtStep): string =>
  JSON.stringify([operator, inputs.map((tensor) => tensor !== null), [...initializers].map(([i, { offset, shape }]) => [i, offset, shape])]);
