import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPlugins } from '@dinov2/engine-xla';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pickEngine } from './pick';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pick-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  return rm(folder, { recursive: true });
});

describe('pickEngine', () => {
  it.each([
    [{ engine: 'onnx', backend: 'cpu' }, /--backend names a TensorFlow.js backend/],
    [{ engine: 'onnx', mesh: { data: 1, fsdp: 2 } }, /--mesh is for --engine xla/],
    [{ engine: 'auto', mesh: { data: 1, fsdp: 2 } }, /--mesh spreads a run over devices, which only --engine xla does/],
    [{ engine: 'eager', backend: 'cpu', precision: 'bfloat16' }, /the engine eager computes in float32 only/],
  ] as const)('refuses %j', async (request, message) => {
    await expect(pickEngine(request)).rejects.toThrow(message);
  });

  it('asks one member of an etcd after the other', async () => {
    const hosts = { store: 'http://127.0.0.1:3,http://127.0.0.1:4', index: 0, count: 2, run: 'r' };
    await expect(pickEngine({ engine: 'xla', plugin: '/none.so', hosts })).rejects.toThrow(/etcd does not answer.*127\.0\.0\.1:3: .*; http:\/\/127\.0\.0\.1:4: /);
  });

  it('does not try a plugin whose device is not there', async ({ skip }) => {
    const site = join(folder, 'lib', 'python3.12', 'site-packages');
    await mkdir(join(site, 'libtpu'), { recursive: true });
    await writeFile(join(site, 'libtpu', 'libtpu.so'), '');
    vi.stubEnv('VIRTUAL_ENV', folder);
    vi.stubEnv('DINOV2_PJRT_PLUGIN', '');
    if ((await findPlugins()).some(({ usable }) => usable)) skip('this machine has an accelerator with its plugin');
    await expect(pickEngine({ engine: 'xla' })).rejects.toThrow(/no PJRT plugin can be used \(tpu: this machine has no TPU .*--plugin PATH names one/);
  });
});
