import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;
const packages = readdirSync(join(root, 'packages'));
const manifest = (name: string) =>
  JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));

/** Bytes of `export * from '@dinov2/<name>'`, minified, without tfjs-core (a peer dependency). */
async function browserBundle(name: string) {
  const result = await build({
    stdin: { contents: `export * from '@dinov2/${name}'`, resolveDir: root },
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'browser',
    external: ['@tensorflow/tfjs-core'],
    logLevel: 'silent',
  });
  return { bytes: result.outputFiles[0]!.contents.length, inputs: Object.keys(result.metafile.inputs) };
}

describe.each(packages)('@dinov2/%s', (name) => {
  const dir = join(root, 'packages', name);

  it('is built, described and licensed', () => {
    expect(existsSync(join(dir, 'dist/index.js')), 'run `npm run build` first').toBe(true);
    const json = manifest(name);
    expect(json.description.length).toBeGreaterThan(20);
    expect(json.sideEffects).toBe(false);
    expect(json.engines.node).toBe('>=20.19');
    expect(readFileSync(join(dir, 'README.md'), 'utf8')).toContain(`@dinov2/${name}`);
  });

  it('passes publint', async () => {
    const { messages } = await publint({ pkgDir: dir, level: 'warning', strict: true, pack: false });
    expect(messages.map((m) => formatMessage(m, manifest(name)))).toEqual([]);
  });

  it('resolves with right types from ESM, CommonJS and bundlers', () => {
    const attw = join(root, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    execFileSync(process.execPath, [attw, '--pack', dir, '--profile', 'node16', '--quiet'], { stdio: 'pipe' });
  });
});

// Each ceiling is what the package needs today plus a quarter: growth should be a decision.
describe('promises to people who install one package', () => {
  it.each([
    ['primitives', 40_000],
    ['losses', 45_000],
    ['augment', 60_000],
    ['vit', 70_000],
    ['jit', 120_000],
  ])('%s bundles for a browser within %i bytes and without Node', async (name, ceiling) => {
    const { bytes, inputs } = await browserBundle(name);
    expect(bytes).toBeLessThan(ceiling);
    expect(inputs.filter((file) => file.includes('node_modules') && !file.includes('@dinov2'))).toEqual([]);
  });

  it.each(['primitives', 'losses', 'augment', 'vit'])('%s knows only tfjs-core and primitives', (name) => {
    const { dependencies = {}, peerDependencies } = manifest(name);
    expect(Object.keys(peerDependencies)).toEqual(['@tensorflow/tfjs-core']);
    expect(Object.keys(dependencies).filter((d) => d !== '@dinov2/primitives')).toEqual([]);
  });
});
