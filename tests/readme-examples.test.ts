import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = new URL('..', import.meta.url).pathname;

describe.each(readdirSync(join(root, 'packages')))('README of @dinov2/%s', (name) => {
  it('has a first example that runs against the built packages', () => {
    const readme = readFileSync(join(root, 'packages', name, 'README.md'), 'utf8');
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
    expect(example, `packages/${name}/README.md has no \`\`\`ts block`).toBeDefined();
    // Inside the checkout, so that the bare imports resolve as they would for a user of the workspace.
    const dir = mkdtempSync(join(root, 'node_modules', '.readme-'));
    try {
      const file = join(dir, 'example.mjs');
      writeFileSync(file, transformSync(example!, { loader: 'ts', format: 'esm', target: 'es2022' }).code);
      execFileSync(process.execPath, [file], { cwd: dir, stdio: 'pipe', timeout: 100_000 });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
