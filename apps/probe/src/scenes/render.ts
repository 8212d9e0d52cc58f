import { fractalNoise, whiteNoise } from '@dinov2/primitives';
import { sceneClasses } from './classes';
import { patterns } from './pattern';
import type { Camera, Colour, Material, Scene } from './scene';
import { intersect, pointAt, surfaceAt } from './shapes';
import { add, dot, length, normalize, scale, subtract, type Vector } from './vector';

/** A picture with its truth. */
export interface Rendering {
  readonly size: number;
  /** (size, size, 3) */
  readonly image: Uint8Array;
  /** (size, size) numbers of `sceneClasses`: what the ray through the middle of each pixel meets. */
  readonly mask: Uint8Array;
  /** (size, size) metres along the viewing direction of the same ray; 0 for the sky. */
  readonly depth: Float32Array;
}

/** Take a square picture of a scene. */
export function renderScene(scene: Scene, size: number): Rendering {
  const mask = new Uint8Array(size * size);
  const depth = new Float32Array(size * size);
  const colours = new Float32Array(size * size * 3);
  const origin: Vector = [0, scene.camera.height, 0];
  const ray = rays(scene.camera, size);
  const pixelAngle = scene.camera.fieldOfView / size;
  for (let pixel = 0; pixel < size * size; pixel++) {
    const direction = ray((pixel % size) + 0.5, Math.floor(pixel / size) + 0.5);
    const hit = cast(scene, origin, direction);
    if (hit !== undefined) {
      mask[pixel] = sceneClasses.indexOf(scene.things[hit.thing].material.class);
      depth[pixel] = hit.t; // rays have length 1 along the viewing direction
    }
    colours.set(colourOf(scene, origin, direction, hit, pixelAngle), pixel * 3);
  }

  const image = new Uint8Array(size * size * 3);
  for (let pixel = 0; pixel < size * size; pixel++) {
    const [x, y] = [pixel % size, Math.floor(pixel / size)];
    let colour: Colour = [colours[pixel * 3], colours[pixel * 3 + 1], colours[pixel * 3 + 2]];
    if (isUneven(colours, size, x, y)) {
      for (const [across, down] of [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]) {
        const direction = ray(x + across, y + down);
        colour = add(colour, colourOf(scene, origin, direction, cast(scene, origin, direction), pixelAngle));
      }
      colour = scale(colour, 1 / 5);
    }
    for (let c = 0; c < 3; c++) image[pixel * 3 + c] = toByte(colour[c] * scene.camera.exposure, noiseAt(scene.camera, x / size, y / size, c, size));
  }
  return { size, image, mask, depth };
}

/** Whether a pixel's colour is so far from a neighbour's that one ray for it is too few. */
function isUneven(colours: Float32Array, size: number, x: number, y: number): boolean {
  const at = (y * size + x) * 3;
  return (
    (x > 0 && differs(colours, at, at - 3)) ||
    (x < size - 1 && differs(colours, at, at + 3)) ||
    (y > 0 && differs(colours, at, at - 3 * size)) ||
    (y < size - 1 && differs(colours, at, at + 3 * size))
  );
}

function differs(colours: Float32Array, a: number, b: number): boolean {
  for (let c = 0; c < 3; c++) {
    if (Math.abs(colours[a + c] - colours[b + c]) > 0.06) return true;
  }
  return false;
}

/** The direction of the ray through a place of the picture, 1 long along the viewing direction. */
function rays({ pitch, roll, fieldOfView }: Camera, size: number): (x: number, y: number) => Vector {
  const reach = Math.tan(fieldOfView / 2);
  const [cosRoll, sinRoll, cosPitch, sinPitch] = [Math.cos(roll), Math.sin(roll), Math.cos(pitch), Math.sin(pitch)];
  return (x, y) => {
    const a = ((2 * x) / size - 1) * reach;
    const b = (1 - (2 * y) / size) * reach;
    const right = cosRoll * a + sinRoll * b;
    const up = cosRoll * b - sinRoll * a;
    return [right, cosPitch * up + sinPitch, cosPitch - sinPitch * up];
  };
}

interface Hit {
  readonly thing: number;
  readonly t: number;
}

function cast({ things }: Scene, origin: Vector, direction: Vector): Hit | undefined {
  let nearest = Infinity;
  let thing = -1;
  for (let i = 0; i < things.length; i++) {
    const t = intersect(things[i].shape, origin, direction);
    if (t < nearest) {
      nearest = t;
      thing = i;
    }
  }
  return thing < 0 ? undefined : { thing, t: nearest };
}

/** What is seen along a ray that ends in a hit. */
function colourOf(scene: Scene, origin: Vector, direction: Vector, hit: Hit | undefined, pixelAngle: number): Colour {
  if (hit === undefined) return skyColour(scene, direction);
  const { shape, material } = scene.things[hit.thing];
  const point = pointAt(origin, direction, hit.t);
  const { normal: outward, place } = surfaceAt(shape, point);
  const facing = dot(outward, direction);
  const normal = facing < 0 ? outward : scale(outward, -1);
  const distance = hit.t * length(direction);
  // Seen at a slant, a pixel covers more of the surface.
  const footprint = (distance * pixelAngle * length(direction)) / Math.max(0.05, Math.abs(facing));
  const own = materialColour(material, place, footprint);
  const { light } = scene;
  const towards = light.isSun ? light.position : subtract(light.position, point);
  const incidence = dot(normal, normalize(towards));
  const lit = incidence > 0 && !inShadow(scene, add(point, scale(normal, 1e-4)), towards) ? incidence : 0;
  const clear = Math.exp(-scene.haze * distance);
  const seen = (c: 0 | 1 | 2) =>
    clear * own[c] * (light.ambient[c] + light.colour[c] * lit) + (1 - clear) * scene.sky[0][c];
  return [seen(0), seen(1), seen(2)];
}

/** Whether something stands between a point and the light. */
function inShadow({ things, light }: Scene, point: Vector, towards: Vector): boolean {
  const limit = light.isSun ? Infinity : 1 - 1e-6;
  return things.some(({ shape }) => intersect(shape, point, towards) < limit);
}

/** @param footprint - metres of the surface that a pixel covers; patterns too fine for it become even. */
function materialColour({ class: name, colours, period, angle, shift }: Material, place: Vector, footprint: number): Colour {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y, z] = scale(place, 1 / period);
  const share = patterns[name](cos * x - sin * y + shift[0], sin * x + cos * y + shift[1], z + shift[2]);
  const sharpness = Math.min(1, Math.max(0, 1.5 - (3 * footprint) / period));
  const amount = 0.5 + (share - 0.5) * sharpness;
  return add(scale(colours[0], 1 - amount), scale(colours[1], amount));
}

function skyColour({ sky, light, cloudSeed }: Scene, direction: Vector): Colour {
  const [x, y, z] = normalize(direction);
  const height = Math.max(0, y);
  const base = add(scale(sky[0], 1 - Math.sqrt(height)), scale(sky[1], Math.sqrt(height)));
  const clouds = fractalNoise((3 * x) / (height + 0.3), (3 * z) / (height + 0.3), cloudSeed);
  const cover = Math.min(1, Math.max(0, 4 * (clouds - 0.55)));
  return add(scale(base, 1 - cover), scale(light.colour, cover));
}

/** sRGB transfer; noise comes after it. */
function toByte(linear: number, noise: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, Math.min(1, value) + noise)));
}

/** Grains across a picture, whatever its size, so that a picture made smaller is as noisy as one drawn small. */
const grains = 112;

/** Normal noise at a place of the picture, 0 to 1 across and down. */
function noiseAt({ noise, noiseSeed }: Camera, x: number, y: number, channel: number, size: number): number {
  if (noise === 0) return 0;
  const across = Math.min(size, grains);
  const at = Math.floor(y * across) * across + Math.floor(x * across);
  const [u, v] = [whiteNoise(at, channel, noiseSeed), whiteNoise(at, channel + 3, noiseSeed)];
  return noise * Math.sqrt(-2 * Math.log(1 - u)) * Math.cos(2 * Math.PI * v);
}
