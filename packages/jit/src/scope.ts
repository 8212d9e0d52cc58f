import * as tf from '@tensorflow/tfjs-core';
import { session } from './trace/session';

/** Names of the enclosing scopes, joined with `/`; empty outside any. */
export const currentScope = (): string => session.scopes.join('/');

function within<T>(name: string, fn: () => T): T {
  session.scopes.push(name);
  try {
    return fn();
  } finally {
    session.scopes.pop();
  }
}

interface TapeNode {
  gradient?: (dys: unknown) => Record<string, () => unknown>;
}

const annotated = new WeakSet<TapeNode>();

/**
 * Name the nodes recorded while `fn` runs, for graph dumps and profiles.
 *
 * Scopes nest: `scope('blocks.0', () => scope('attn', …))` gives `blocks.0/attn`. Gradients of what
 * ran inside carry the same name followed by `'`. Outside a trace it only calls `fn`.
 *
 * @example
 * ```ts
 * const y = scope('head', () => tf.matMul(x, weight));
 * ```
 */
export function scope<T>(name: string, fn: () => T): T {
  if (session.recorder === undefined) return fn();
  const { state } = tf.engine() as unknown as { state: { activeTape: TapeNode[] | null } };
  const before = state.activeTape?.length ?? 0;
  return within(name, () => {
    const result = fn();
    const full = `${currentScope()}'`;
    for (const node of state.activeTape?.slice(before) ?? []) {
      if (annotated.has(node) || node.gradient === undefined) continue;
      annotated.add(node);
      const { gradient } = node;
      // tfjs asks for the gradient functions first and runs them one by one afterwards.
      node.gradient = (dys) => {
        const functions = within(full, () => gradient(dys));
        return Object.fromEntries(Object.entries(functions).map(([key, f]) => [key, () => within(full, f)]));
      };
    }
    return result;
  });
}
