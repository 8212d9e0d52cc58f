import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crc32c } from './crc32c';
import golden from './golden/events.json';
import { createEventWriter } from './tensorboard';

it('computes the check value of CRC-32C', () => {
  expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
});

it('writes the bytes that TensorBoard itself writes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'events-'));
  const writer = createEventWriter(folder, 300, () => golden.wallTime);
  writer.scalars(300, { 'loss/total': 11.5, images: 0.1 });
  const [name] = readdirSync(folder);
  expect(name).toMatch(/^events\.out\.tfevents\.1700000000\./);
  expect(readFileSync(join(folder, name)).toString('base64')).toBe(golden.base64);
  rmSync(folder, { recursive: true });
});
