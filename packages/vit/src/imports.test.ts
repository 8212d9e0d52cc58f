import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

it('imports nothing from Node, nor any engine', () => {
  const folder = new URL('.', import.meta.url);
  const sources = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  expect(sources.length).toBeGreaterThan(10);
  const imported = new Set<string>();
  for (const name of sources) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    for (const [, specifier] of text.matchAll(/(?:from|import|require)\s*\(?\s*'([^']+)'/g)) {
      if (!specifier.startsWith('./')) imported.add(specifier);
    }
    expect(text).not.toMatch(/\b(process|Buffer|__dirname)\b/);
  }
  expect([...imported].sort()).toEqual(['@dinov2/primitives', '@tensorflow/tfjs-core']);
});
