import '@tensorflow/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { opFamilies } from './ops';

const path = new URL('../README.md', import.meta.url);
const section = /(<!-- kernels:.*-->\n)[\s\S]*(<!-- \/kernels -->)/;

const table = (): string => {
  const rows = Object.entries(opFamilies).map(([family, ops]) => {
    const names = Object.keys(ops).sort().map((name) => `\`${name}\`${tf.getGradient(name) === undefined ? '' : ' ∂'}`);
    return `| ${family} | ${names.join(', ')} |`;
  });
  return ['| family | kernels |', '|---|---|', ...rows, ''].join('\n');
};

it('lists the supported kernels (UPDATE_README=1 writes them)', () => {
  const readme = readFileSync(path, 'utf8');
  const updated = readme.replace(section, (_, start: string, end: string) => start + table() + end);
  if (process.env.UPDATE_README === '1') writeFileSync(path, updated);
  else expect(readme).toBe(updated);
});
