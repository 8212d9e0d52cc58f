import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findPlugins } from './discover';

describe('findPlugins', () => {
  let root: string;
  const file = (path: string) => {
    const whole = join(root, path);
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(whole, '');
    return whole;
  };
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'dinov2-plugins-'));
    vi.stubEnv('PATH', '/nowhere');
    for (const name of ['VIRTUAL_ENV', 'CONDA_PREFIX', 'DINOV2_PJRT_PLUGIN']) vi.stubEnv(name, undefined);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  });

  it('finds the wheels of an active environment, with their versions', async () => {
    const site = 'lib/python3.12/site-packages';
    const cuda = file(`${site}/jax_plugins/xla_cuda13/xla_cuda_plugin.so`);
    file(`${site}/jax_cuda13_pjrt-0.10.2.dist-info/METADATA`);
    const rocm = file(`${site}/jax_plugins/xla_rocm7/xla_rocm_plugin.so`);
    const tpu = file(`${site}/libtpu/libtpu.so`);
    file(`${site}/libtpu-0.0.42.dist-info/METADATA`);
    vi.stubEnv('VIRTUAL_ENV', root);
    const found = await findPlugins();
    expect(found).toHaveLength(3);
    expect(found.find(({ kind }) => kind === 'cuda')).toMatchObject({ path: cuda, version: '0.10.2' });
    expect(found.find(({ kind }) => kind === 'rocm')).toMatchObject({ path: rocm });
    expect(found.find(({ kind }) => kind === 'tpu')).toMatchObject({ path: tpu, version: '0.0.42' });
  });

  it('says why something is not usable and what would make it so', async () => {
    for (const { usable, reason, remedy } of await findPlugins()) {
      expect(usable).toBe(false);
      expect(reason).toMatch(/no plugin is installed, and this machine has no|no Python environment with its plugin/);
      expect(remedy).toMatch(/^pip install /);
    }
  });

  it('looks into folders once, and takes the file that the environment names', async () => {
    file('lib/python3.11/site-packages/libtpu/libtpu.so');
    const own = file('my_plugin.so');
    vi.stubEnv('DINOV2_PJRT_PLUGIN', own);
    const found = await findPlugins({ folders: [root, join(root, 'lib/python3.11/site-packages')] });
    expect(found[0]).toEqual({ kind: 'other', path: own, usable: true });
    expect(found.filter(({ kind }) => kind === 'tpu')).toHaveLength(1);
    vi.stubEnv('DINOV2_PJRT_PLUGIN', join(root, 'nothing.so'));
    expect((await findPlugins()).find(({ kind }) => kind === 'other')).toMatchObject({ usable: false, reason: expect.stringContaining('does not exist') });
  });
});
