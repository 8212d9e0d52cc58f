// Ordinary tfjs models, forward and backward: compiled with @dinov2/jit on ONNX Runtime against the
// same function run op by op on tfjs-backend-wasm.
//
//   npm run build && node bench/jit-vs-wasm.mjs [--rounds 5]
//
// The same inputs, in turns; the ratio of the medians counts. Writes bench/results/jit-vs-wasm.json.
import '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-wasm';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { onnxEngine } from '@dinov2/engine-onnx';
import { jit } from '@dinov2/jit';
import * as tf from '@tensorflow/tfjs-core';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });

const crossEntropy = (logits, labels) => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(logits), labels), -1)));

/** Loss and gradients of all parameters. */
const training = (loss) => (parameters, x, labels) => {
  const { value, grads } = tf.valueAndGrads((...list) => loss(list, x, labels))(parameters);
  return [value, ...grads];
};

const mlp = ([w1, b1, w2, b2, w3, b3], x, labels) => {
  const first = tf.relu(tf.add(tf.matMul(x, w1), b1));
  const second = tf.relu(tf.add(tf.matMul(first, w2), b2));
  return crossEntropy(tf.add(tf.matMul(second, w3), b3), labels);
};

/** Convolutions as products over patches: the wasm backend has no gradient of conv2d itself. */
const convnet = ([k1, k2, w, b], x, labels) => {
  const convolve = (images, kernel) => {
    const [batch, size, , channels] = images.shape;
    const half = size / 2;
    const patches = tf.reshape(
      tf.transpose(tf.reshape(images, [batch, half, 2, half, 2, channels]), [0, 1, 3, 2, 4, 5]),
      [batch * half * half, 4 * channels],
    );
    return tf.reshape(tf.relu(tf.matMul(patches, kernel)), [batch, half, half, kernel.shape[1]]);
  };
  const features = tf.mean(convolve(convolve(x, k1), k2), [1, 2]);
  return crossEntropy(tf.add(tf.matMul(features, w), b), labels);
};

/** A pre-norm transformer in plain tfjs operations, one head per row of the batch of products. */
const depth = 4;
const heads = 6;
const transformer = (list, x, labels) => {
  const [batch, tokens, width] = x.shape;
  const norm = (t) => {
    const { mean, variance } = tf.moments(t, -1, true);
    return tf.div(tf.sub(t, mean), tf.sqrt(tf.add(variance, 1e-6)));
  };
  const rows = (t) => tf.reshape(t, [batch * tokens, -1]);
  let h = x;
  for (let i = 0; i < depth; i++) {
    const [wq, wk, wv, wo, w1, w2] = list.slice(6 * i, 6 * i + 6);
    const normed = rows(norm(h));
    const split = (w) =>
      tf.reshape(
        tf.transpose(tf.reshape(tf.matMul(normed, w), [batch, tokens, heads, width / heads]), [0, 2, 1, 3]),
        [batch * heads, tokens, width / heads],
      );
    const scores = tf.mul(tf.matMul(split(wq), split(wk), false, true), (width / heads) ** -0.5);
    const mixed = tf.reshape(tf.matMul(tf.softmax(scores), split(wv)), [batch, heads, tokens, width / heads]);
    h = tf.add(h, tf.reshape(tf.matMul(rows(tf.transpose(mixed, [0, 2, 1, 3])), wo), x.shape));
    h = tf.add(h, tf.reshape(tf.matMul(tf.relu(tf.matMul(rows(norm(h)), w1)), w2), x.shape));
  }
  return crossEntropy(tf.matMul(tf.mean(h, 1), list.at(-1)), labels);
};

const width = 384;
const block = [...Array(4).fill([width, width]), [width, 4 * width], [4 * width, width]];
const models = {
  'MLP 784-1024-1024-10, batch 128': {
    loss: mlp,
    shapes: [[784, 1024], [1024], [1024, 1024], [1024], [1024, 10], [10]],
    input: [128, 784],
  },
  'patch convnet 64×64, 64 and 128 channels, batch 32': {
    loss: convnet,
    shapes: [[12, 64], [256, 128], [128, 10], [10]],
    input: [32, 64, 64, 3],
  },
  'transformer, 4 blocks of 384, batch 2 × 257 tokens': {
    loss: transformer,
    shapes: [...Array(depth).fill(block).flat(), [width, 10]],
    input: [2, 257, width],
  },
};

await tf.setBackend('wasm');
await tf.ready();
const engine = onnxEngine();
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];
const normal = (shape, scale) => tf.randomNormal(shape, 0, scale, 'float32', 1);

const results = {};
for (const [name, { loss, shapes, input }] of Object.entries(models)) {
  const parameters = shapes.map((shape) => normal(shape, 1 / Math.sqrt(shape[0])));
  const x = normal(input, 1);
  const labels = tf.cast(tf.oneHot(tf.range(0, input[0], 1, 'int32').mod(tf.scalar(10, 'int32')), 10), 'float32');
  const fn = training(loss);
  const compiled = jit(fn, { engine });
  const onEngine = (tensor) => engine.put(tensor.dataSync(), tensor.shape, 'float32');
  const [ps, xs, ls] = [parameters.map(onEngine), onEngine(x), onEngine(labels)];
  const start = performance.now();
  const first = await compiled(ps, xs, ls);
  const compileSeconds = (performance.now() - start) / 1e3;

  const ways = {
    async compiled() {
      const outputs = await compiled(ps, xs, ls);
      await outputs[0].data();
      outputs.forEach((output) => output.dispose());
    },
    async wasm() {
      const outputs = tf.tidy(() => fn(parameters, x, labels));
      await outputs[0].data();
      tf.dispose(outputs);
    },
  };
  const reference = tf.tidy(() => fn(parameters, x, labels));
  const [ours, theirs] = [(await first[0].data())[0], (await reference[0].data())[0]];
  if (Math.abs(ours - theirs) > 1e-4 * Math.abs(theirs)) throw new Error(`${name}: losses ${ours} and ${theirs} differ`);

  const seconds = { compiled: [], wasm: [] };
  for (const way of Object.values(ways)) await way();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [key, way] of Object.entries(ways)) {
      const begin = performance.now();
      await way();
      seconds[key].push((performance.now() - begin) / 1e3);
    }
  }
  const ratio = median(seconds.wasm) / median(seconds.compiled);
  results[name] = { milliseconds: { compiled: 1e3 * median(seconds.compiled), wasm: 1e3 * median(seconds.wasm) }, ratio, compileSeconds };
  console.log(
    `${name}: compiled ${(1e3 * median(seconds.compiled)).toFixed(1)} ms, tfjs-backend-wasm ${(1e3 * median(seconds.wasm)).toFixed(1)} ms, ${ratio.toFixed(1)}x`,
  );
}

const folder = new URL('results/', import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(
  new URL('jit-vs-wasm.json', folder),
  `${JSON.stringify({ machine: `${cpus()[0].model}, ${availableParallelism()} cores`, engine: engine.info, results }, null, 2)}\n`,
);
await engine.dispose();
process.exit(0);
