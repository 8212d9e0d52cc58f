import { createRandom } from '@dinov2/primitives';
import { describe, expect, it } from 'vitest';
import { sceneClasses } from './classes';
import { composeScene } from './compose';
import { renderScene } from './render';
import type { Material, Scene } from './scene';
import { type Shape, turnBy } from './shapes';

const material = (name: Material['class']): Material => ({
  class: name,
  colours: [[0.2, 0.1, 0.1], [0.8, 0.7, 0.5]],
  period: 0.5,
  angle: 0,
  shift: [0, 0, 0],
});

/** Looking straight ahead from 1.5 m, half of the picture's width being as far as the picture is away. */
function sceneOf(...things: [Shape, Material['class']][]): Scene {
  return {
    things: things.map(([shape, name]) => ({ shape, material: material(name) })),
    camera: { height: 1.5, pitch: 0, roll: 0, fieldOfView: Math.PI / 2, exposure: 1, noise: 0, noiseSeed: 0 },
    light: { position: [0, 1, 0], isSun: true, colour: [1, 1, 1], ambient: [0.3, 0.3, 0.3] },
    sky: [[0.5, 0.6, 0.7], [0.2, 0.3, 0.6]],
    haze: 0,
    cloudSeed: 0,
  };
}

const size = 64;
/** Slopes of the ray of a pixel: across and up. */
const slopes = (pixel: number) => [
  (2 * ((pixel % size) + 0.5)) / size - 1,
  1 - (2 * (Math.floor(pixel / size) + 0.5)) / size,
];
const named = (name: (typeof sceneClasses)[number]) => sceneClasses.indexOf(name);

describe('renderScene', () => {
  it('gives the depth of a level ground: height over slope', () => {
    const { mask, depth } = renderScene(sceneOf([{ kind: 'disc', radius: 40 }, 'ground']), size);
    depth.forEach((metres, pixel) => {
      const [across, up] = slopes(pixel);
      const expected = -1.5 / up;
      const onGround = up < 0 && expected * Math.hypot(across, 1) <= 40;
      expect(metres).toBeCloseTo(onGround ? expected : 0, 4);
      expect(mask[pixel]).toBe(named(onGround ? 'ground' : 'sky'));
    });
  });

  it('gives a ball before a wall its outline and its depth', () => {
    const { mask, depth } = renderScene(
      sceneOf(
        [{ kind: 'rectangle', center: [0, 0, 8], u: [1, 0, 0], v: [0, 1, 0], halfWidth: 20, halfHeight: 20 }, 'wall'],
        [{ kind: 'sphere', center: [1, 2, 5], radius: 1.5 }, 'sphere'],
      ),
      size,
    );
    let balls = 0;
    mask.forEach((name, pixel) => {
      const [across, up] = slopes(pixel);
      // |t · d − c|² = r² with c from the camera: t² d·d − 2 t d·c + c·c − r² = 0
      const dd = across ** 2 + up ** 2 + 1;
      const dc = across + 0.5 * up + 5;
      const discriminant = dc ** 2 - dd * (1 + 0.25 + 25 - 2.25);
      balls += discriminant > 0 ? 1 : 0;
      expect(name).toBe(named(discriminant > 0 ? 'sphere' : 'wall'));
      expect(depth[pixel]).toBeCloseTo(discriminant > 0 ? (dc - Math.sqrt(discriminant)) / dd : 8, 5);
    });
    expect(balls).toBeGreaterThan(100);
  });

  it('gives the front of a box one depth, whatever the direction of the ray', () => {
    const box: Shape = { kind: 'box', center: [0, 1.5, 4], half: [2, 1, 1], turn: turnBy(0) };
    const { mask, depth } = renderScene(sceneOf([box, 'box']), size);
    mask.forEach((name, pixel) => {
      const [across, up] = slopes(pixel);
      const inFront = Math.abs(3 * across) < 2 && Math.abs(3 * up) < 1;
      expect([name, depth[pixel]]).toEqual(inFront ? [named('box'), 3] : [named('sky'), 0]);
    });
  });

  it('looks where the camera is turned', () => {
    const scene = sceneOf([{ kind: 'disc', radius: 40 }, 'ground']);
    const upwards = renderScene({ ...scene, camera: { ...scene.camera, pitch: 1 } }, size);
    expect(new Set(upwards.mask)).toEqual(new Set([named('sky')]));
    const onItsSide = renderScene({ ...scene, camera: { ...scene.camera, roll: Math.PI / 2 } }, size);
    // Turned clockwise, the ground is on the right; it ends at 40 m, up to three pixels short of the horizon.
    const groundOnTheRight = onItsSide.mask.map((_, pixel) => named(pixel % size < size / 2 ? 'sky' : 'ground'));
    expect(onItsSide.mask.filter((name, pixel) => name !== groundOnTheRight[pixel]).length).toBeLessThan(3 * size);
  });

  it('keeps places in shadow darker', () => {
    const roof: Shape = { kind: 'rectangle', center: [0, 4, 3], u: [1, 0, 0], v: [0, 0, 1], halfWidth: 9, halfHeight: 1 };
    const { image, depth, mask } = renderScene(sceneOf([{ kind: 'disc', radius: 40 }, 'ground'], [roof, 'ceiling']), size);
    const brightness = (dark: boolean) => {
      const levels = [...mask.keys()]
        .filter((pixel) => mask[pixel] === named('ground') && depth[pixel] > 2.1 === dark && depth[pixel] < 3.9)
        .map((pixel) => image[3 * pixel]);
      return levels.reduce((a, b) => a + b, 0) / levels.length;
    };
    expect(brightness(true)).toBeLessThan(0.7 * brightness(false));
  });

  it('is as bright as its exposure and as noisy as its camera, whatever the size of the picture', () => {
    const scene = sceneOf([{ kind: 'rectangle', center: [0, 1.5, 3], u: [1, 0, 0], v: [0, 1, 0], halfWidth: 9, halfHeight: 9 }, 'wall']);
    const [wall, sun] = [scene.things[0]!, scene.light];
    const even = { ...scene, things: [{ ...wall, material: { ...wall.material, colours: [[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]] as const } }], light: { ...sun, ambient: [0.5, 0.5, 0.5] as const } };
    const values = (camera: Partial<Scene['camera']>, side: number) => Float64Array.from(renderScene({ ...even, camera: { ...even.camera, ...camera } }, side).image);
    const mean = (of: Float64Array) => of.reduce((sum, value) => sum + value, 0) / of.length;
    const deviation = (of: Float64Array) => {
      const middle = mean(of);
      return Math.sqrt(mean(of.map((value) => (value - middle) ** 2)));
    };
    expect(mean(values({ exposure: 0.5 }, size))).toBeLessThan(0.8 * mean(values({}, size)));
    expect(deviation(values({}, size))).toBe(0);
    // 12 544 draws of standard deviation 0.1 · 255, three channels: the standard error is 0.4 % of it.
    expect(Math.abs(deviation(values({ noise: 0.1 }, 112)) / 25.5 - 1)).toBeLessThan(0.03);
    const double = values({ noise: 0.1 }, 224);
    expect(Math.abs(deviation(double) / 25.5 - 1)).toBeLessThan(0.03);
    expect(double[0]).toBe(double[3]); // two pixels of one grain
    expect(values({ noise: 0.1, noiseSeed: 1 }, size)).not.toEqual(values({ noise: 0.1, noiseSeed: 2 }, size));
  });

  it('sees sky exactly where nothing has a depth, in any made-up place', () => {
    const seen = new Set<number>();
    for (let i = 0; i < 12; i++) {
      const { mask, depth } = renderScene(composeScene(createRandom(1).fork(i)), 48);
      expect([...mask].map((name) => name === named('sky'))).toEqual([...depth].map((metres) => metres === 0));
      expect(Math.max(...depth)).toBeLessThan(65.5); // fits millimetres of 16 bits
      mask.forEach((name) => seen.add(name));
    }
    expect(seen.size).toBe(sceneClasses.length);
  });
});
