import { readFileSync } from 'node:fs';
import { preprocessings } from '@dinov2/augment';
import { vitConfig } from '@dinov2/vit';
import { describe, expect, it } from 'vitest';
import { choosePreprocessing } from './choose-preprocessing';
import { fairDinov2 } from './fair-dinov2';
import { fairDinov3 } from './fair-dinov3';
import { fromPreprocessorConfig, toPreprocessorConfig } from './hugging-face-preprocessing';
import { huggingFaceDinov2 } from './hugging-face-dinov2';
import { isPreprocessing } from './is-preprocessing';
import { timmDinov2 } from './timm-dinov2';
import { fromPretrainedCfg } from './timm-preprocessing';

const golden = (name: string): Record<string, unknown> =>
  JSON.parse(readFileSync(new URL(`./golden/${name}`, import.meta.url), 'utf8')) as Record<string, unknown>;

describe('preprocessing beside weights', () => {
  it('is what the image processors of transformers do', () => {
    expect(fromPreprocessorConfig(golden('huggingface-dinov2/preprocessor_config.json'))).toEqual({ preprocessing: preprocessings['dinov2-transformers'] });
    expect(fromPreprocessorConfig(golden('huggingface-dinov3/preprocessor_config.json'))).toEqual({ preprocessing: preprocessings['dinov3-transformers'] });
  });

  it('is what the transforms of timm do', () => {
    const cfg = (name: string): Record<string, unknown> => golden(`${name}/config.json`).pretrained_cfg as Record<string, unknown>;
    expect(fromPretrainedCfg(cfg('timm-dinov2'))).toEqual({ preprocessing: preprocessings['dinov2-timm'] });
    expect(fromPretrainedCfg(cfg('timm-dinov3'))).toEqual({ preprocessing: preprocessings['dinov3-timm'] });
    expect(fromPretrainedCfg({ crop_pct: 0.9, input_size: [3, 224, 224] })).toMatchObject({ preprocessing: { resize: { shortestEdge: 248 } } });
    expect(fromPretrainedCfg({ crop_mode: 'border' })).toEqual({ unsupported: 'crop_mode "border" for 224 x 224' });
    expect(fromPretrainedCfg({ input_size: [1, 28, 28] })).toEqual({ unsupported: 'input_size [1,28,28]' });
  });

  it('is written with the fields that transformers writes', () => {
    for (const [folder, name, type] of [
      ['huggingface-dinov2', 'dinov2-transformers', 'dinov2'],
      ['huggingface-dinov3', 'dinov3-transformers', 'dinov3_vit'],
    ] as const) {
      const { image_processor_type: theirs, ...fields } = golden(`${folder}/preprocessor_config.json`);
      const written = toPreprocessorConfig(preprocessings[name], type);
      expect(written).toMatchObject(fields);
      // Versions before 5 called DINOv3's so, and version 5 reads both.
      expect(String(written.image_processor_type).replace(/Fast$/, '')).toBe(theirs);
      expect(fromPreprocessorConfig(written)).toEqual({ preprocessing: preprocessings[name] });
    }
  });

  it.each([
    [{ image_processor_type: 'CLIPImageProcessor' }, 'image_processor_type "CLIPImageProcessor"'],
    [{ do_resize: false }, 'do_resize false'],
    [{ rescale_factor: 1 / 127.5 }, 'rescale_factor 0.00784313725490196'],
    [{ size: { longest_edge: 224 } }, 'size {"longest_edge":224}'],
    [{ resample: 1 }, 'resample 1'],
    [{ crop_size: 'all' }, 'crop_size "all"'],
    [{ image_mean: 0.5 }, 'image_mean 0.5 and image_std [0.229,0.224,0.225]'],
  ])('says what of %o it cannot do', (fields, unsupported) => {
    expect(fromPreprocessorConfig({ ...golden('huggingface-dinov2/preprocessor_config.json'), ...fields })).toEqual({ unsupported });
  });

  it('is that of the program whose layout it is where nothing is written', () => {
    const table = vitConfig('small');
    const rotary = vitConfig('dinov3-small');
    const choose = (...[layout, config, how]: Parameters<typeof choosePreprocessing> | [typeof fairDinov2, typeof table]) =>
      choosePreprocessing(layout, config, how ?? { satellite: false, ownSize: false });
    expect(choose(fairDinov2, table)).toBe(preprocessings.dinov2);
    expect(choose(fairDinov3, rotary)).toBe(preprocessings.dinov3);
    expect(choose(fairDinov3, rotary, { satellite: true, ownSize: false })).toBe(preprocessings['dinov3-sat']);
    expect(choose(huggingFaceDinov2, table)).toBe(preprocessings['dinov2-transformers']);
    expect(choose(timmDinov2, table)).toBe(preprocessings['dinov2-timm']);
    expect(choose(timmDinov2, vitConfig('small', { imageSize: 224 }))).toMatchObject({ resize: { shortestEdge: 224 }, crop: { height: 224, width: 224 } });
    const run = vitConfig('small', { imageSize: 98 });
    expect(choose(fairDinov2, run, { satellite: false, ownSize: true })).toMatchObject({ resize: { shortestEdge: 112 }, crop: { height: 98, width: 98 } });
    // A patch that does not divide 224.
    expect(choose(fairDinov2, vitConfig('small', { patchSize: 15, imageSize: 150 }))).toMatchObject({ crop: { height: 225, width: 225 } });
  });

  it('is told from other JSON', () => {
    for (const preset of Object.values(preprocessings)) expect(isPreprocessing(JSON.parse(JSON.stringify(preset)))).toBe(true);
    for (const other of [null, {}, { ...preprocessings.dinov2, resize: 256 }, { ...preprocessings.dinov2, mean: [0] }, { ...preprocessings.dinov2, resizer: 'other' }]) {
      expect(isPreprocessing(other)).toBe(false);
    }
  });
});
