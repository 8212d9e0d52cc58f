import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runView } from '@dinov2/app-kit';
import { preprocessings } from '@dinov2/augment';
import { afterAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../program.testing';
import { outputNames, spread } from './picture-data';
import { weightsName } from './weights';

const { folder, remove } = temporaryFolder();
afterAll(remove);

describe('runView', () => {
  const view = (settings: string) => {
    const run = join(folder, 'run');
    mkdirSync(run, { recursive: true });
    writeFileSync(join(run, 'settings.yaml'), settings);
    const { resize, crop } = runView(run, preprocessings.dinov2);
    return { resize, crop };
  };

  it('is what the run was evaluated with, or the margin of DINOv2 around its crops', () => {
    expect(view('crops:\n  globalSize: 84\nknn:\n  k:\n    - 10\n  resize: 112\n  crop: 112\n')).toEqual({ resize: { shortestEdge: 112 }, crop: { height: 112, width: 112 } });
    expect(view('crops:\n  globalSize: 84\nknn:\n  resize: null\n  crop: null\n')).toEqual({ resize: { shortestEdge: 96 }, crop: { height: 84, width: 84 } });
  });

  it('leaves other weights as they are', () => {
    expect(runView(folder, preprocessings.dinov2)).toBe(preprocessings.dinov2);
    expect(view('something: else\n')).toEqual({ resize: { shortestEdge: 256 }, crop: { height: 224, width: 224 } });
  });
});

describe('names', () => {
  it('of weights are those of the run, the folder or the file', () => {
    const files = ['runs/a/backbone.safetensors', 'dinov2.small/model.safetensors', 'dinov2_vits14.pth'].map((name) => join(folder, name));
    for (const file of files) {
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, '');
    }
    expect(files.map(weightsName)).toEqual(['a', 'dinov2.small', 'dinov2_vits14']);
    expect(weightsName(join(folder, 'dinov2.small'))).toBe('dinov2.small');
  });

  it('of what is made of pictures are unique', () => {
    expect(outputNames(['/a/x.png', '/b/x.jpg', '/b/y.png'])).toEqual(['x', 'x-2', 'y']);
  });
});

describe('spread', () => {
  it('takes pictures evenly, with their labels', () => {
    const source = { paths: ['a', 'b', 'c', 'd'], labels: Int32Array.of(0, 1, 2, 3), classes: [] };
    expect(spread(source, 2)).toEqual({ paths: ['a', 'c'], labels: Int32Array.of(0, 2), classes: [] });
    expect(spread(source, 4)).toBe(source);
  });
});
