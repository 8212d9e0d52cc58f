import * as tf from '@tensorflow/tfjs-core';
import { primitives, type TensorSpec } from '@dinov2/primitives';
import { JitError } from '../errors';
import type { Graph, Value } from '../graph';
import { ops } from '../ops';
import { flattenTree, formatPath, type Path, type TreeStructure } from '../tree';
import { backendName, infoOf, registerTraceBackend, valueOf } from './backend';
import { Recorder } from './recorder';
import { session } from './session';
import { callSite, userFrame, withDeepStacks } from './source';

export interface TraceInput extends TensorSpec {
  /** Present where the argument is a tf.Variable: the function sees a variable of this name. */
  readonly variable?: { readonly name: string; readonly trainable: boolean };
}

export interface Traced {
  readonly graph: Graph;
  /** Of the tree the function returned; its leaves are the graph's outputs. */
  readonly structure: TreeStructure;
  readonly paths: readonly Path[];
}

/** Parts of tfjs's engine that are not in its public types. */
interface EngineInternals {
  backendName: string | null;
  backendInstance: unknown;
  state: { registeredVariables: Record<string, tf.Variable>; gradientDepth: number };
}

const internals = () => tf.engine() as unknown as EngineInternals;

/** Make a backend current again without waiting, as it was before; `null` is tfjs's state before its first op. */
function restoreBackend(name: string | null): void {
  if (name === null || name === undefined) {
    const engine = internals();
    engine.backendName = null;
    engine.backendInstance = null;
  } else {
    void tf.setBackend(name);
  }
}

/** Run `fn` with `Variable.assign` refused: it would lose the new value, or free the user's. */
function withoutAssignment<T>(fn: () => T): T {
  const prototype = tf.Variable.prototype;
  const { assign } = prototype;
  prototype.assign = function (this: tf.Variable) {
    throw new JitError(
      `The variable "${this.name}" is assigned inside a compiled function at ${callSite() ?? 'an unknown place'}. ` +
        `A compiled function is pure: return the new value and keep it outside ` +
        `(optimizers of tf.train assign; take the gradients and compute the update instead).`,
    );
  };
  try {
    return fn();
  } finally {
    prototype.assign = assign;
  }
}

/** Say what to do about errors that tfjs itself throws while tracing. */
function explain(error: unknown): unknown {
  if (error instanceof JitError || !(error instanceof Error)) return error;
  const place = userFrame(error.stack);
  const where = place === undefined ? '' : ` at ${place}`;

  const kernel = new RegExp(`Kernel '(\\w+)' not registered for backend '${backendName}'`).exec(error.message)?.[1];
  if (kernel === 'Multinomial') {
    return new JitError(
      `tf.multinomial draws random numbers${where}: compiled, it would return the same numbers at every call. ` +
        `Draw them outside and pass them as an argument.`,
      { cause: error },
    );
  }
  if (kernel !== undefined) {
    return new JitError(
      `The op ${kernel}${where} cannot be compiled. Supported: ${supportedOps().join(', ')}.`,
      { cause: error },
    );
  }

  const gradient = /gradient function not found for (\w+)/.exec(error.message)?.[1];
  if (gradient !== undefined) {
    const remedy =
      tf.getGradient('Add') === undefined
        ? `No gradients are registered: import '@tensorflow/tfjs' once, which registers them.`
        : `TensorFlow.js has no gradient for it. Compute it outside of the differentiated function, or wrap it in tf.customGrad.`;
    return new JitError(`The op ${gradient} has no gradient${where}. ${remedy}`, { cause: error });
  }

  if (error.message.startsWith('Cannot compute gradient of y=f(x) with respect to x')) {
    return new JitError(
      `The differentiated function${where} does not depend on one of the tensors it is differentiated by. ` +
        `Leave that tensor out, or use it in the result.`,
      { cause: error },
    );
  }
  return error;
}

/** Names of all kernels and primitives that a compiled function may call. */
export const supportedOps = (): string[] => [
  ...new Set([...Object.keys(ops), 'ZerosLike', 'OnesLike', ...primitives.keys()]),
].sort();

/** Forget what a trace made, kept tensors and tape included, so that tfjs counts as many tensors as before. */
function disposeAll(recorder: Recorder): void {
  const engine = tf.engine();
  for (const [dataId, reference] of recorder.references) {
    const { value } = reference;
    // Captured tensors belong to the user; they have a count of 0.
    const left = reference.count;
    for (let i = 0; i < left; i++) {
      engine.disposeTensor({ dataId, dtype: value.dtype, size: value.shape.reduce((a, b) => a * b, 1) } as tf.Tensor);
    }
  }
}

function outputValues(result: unknown): { values: Value[]; structure: TreeStructure; paths: Path[] } {
  if (result instanceof Promise) {
    // Nobody else can: what it does later runs outside the trace.
    result.catch(() => {});
    throw new JitError(
      'The function to compile is async (it returned a promise). Compile a plain function; await its data outside and pass it as arguments.',
    );
  }
  const { leaves, paths, structure } = flattenTree<unknown, unknown>(result);
  const values = leaves.map((leaf, i) => {
    if (leaf instanceof tf.Tensor) return valueOf(leaf);
    throw new JitError(
      `The compiled function returned ${typeof leaf === 'object' ? 'an object' : `the ${typeof leaf} ${String(leaf)}`} ` +
        `at ${formatPath(paths[i], 'result')}; it must return tensors, in arrays and records if there are several. Use tf.scalar for a number.`,
    );
  });
  if (values.length === 0) throw new JitError('The compiled function returned no tensor. Return what it computes.');
  return { values, structure, paths };
}

/**
 * Run `fn` on tensors that have a shape and a type but no values, and record what it calls.
 *
 * The current tfjs backend, its variables and its count of tensors are afterwards what they were,
 * also when `fn` throws.
 */
export function trace(inputs: readonly TraceInput[], fn: (tensors: tf.Tensor[]) => unknown): Traced {
  const engine = internals();
  if (session.recorder !== undefined) {
    throw new JitError(
      'A compiled function is called inside another one while that is compiled. Call the plain function there; the whole is compiled at once.',
    );
  }
  if (engine.state.gradientDepth > 0) {
    throw new JitError(
      'A compiled function is called inside tf.grad or tf.variableGrads. Compile the function that takes the gradient instead.',
    );
  }
  registerTraceBackend();

  const recorder = new Recorder();
  const previous = engine.backendName;
  const variables = engine.state.registeredVariables;
  session.recorder = recorder;
  session.outerVariables = Object.values(variables);
  // tf.variableGrads without a list takes every registered variable: let it find the arguments only.
  engine.state.registeredVariables = {};
  void tf.setBackend(backendName);
  tf.engine().startScope('jit');
  try {
    return withDeepStacks(() =>
      withoutAssignment(() => {
        const tensors = inputs.map(({ variable, ...spec }) => {
          const tensor = tf.engine().makeTensorFromTensorInfo(infoOf(recorder.input(spec)));
          return variable === undefined
            ? tensor
            : tf.engine().makeVariable(tensor, variable.trainable, variable.name);
        });
        const result = fn(tensors);
        if (recorder.failure !== undefined) throw recorder.failure;
        const { values, structure, paths } = outputValues(result);
        return { graph: recorder.graph(values), structure, paths };
      }),
    );
  } catch (error) {
    throw recorder.failure ?? explain(error);
  } finally {
    tf.engine().endScope();
    disposeAll(recorder);
    engine.state.registeredVariables = variables;
    session.recorder = undefined;
    session.outerVariables = [];
    restoreBackend(previous);
  }
}
