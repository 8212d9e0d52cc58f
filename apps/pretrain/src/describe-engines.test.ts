import { expect, it } from 'vitest';
import { describeEngines } from './describe-engines';

it('lists engines with remedies, and says what auto picks', () => {
  const text = describeEngines([
    { engine: 'onnx', usable: false, text: 'no library', remedy: 'npm install it' },
    { engine: 'tensorflow', usable: true, text: 'TensorFlow' },
    { engine: 'eager', usable: true, text: 'op by op', remedy: 'not told' },
  ]);
  expect(text).toMatch(/onnx .*not usable.*no library\n +npm install it\n/);
  expect(text).toMatch(/--engine auto picks eager: op by op$/);
  expect(text).not.toMatch(/not told/);
  expect(describeEngines([])).toMatch(/Nothing can compute here/);
});
