import type { Random } from '@dinov2/primitives';
import type { Camera, Colour, Light, Material, Scene, Thing } from './scene';
import { type Shape, turnBy } from './shapes';
import { normalize, scale, type Vector } from './vector';

/** Metres to the end of an outdoor ground; all depths are below this but for the angle of view. */
const groundRadius = 25;

/** A made-up place, half of them rooms, half outdoors, with things standing about. */
export function composeScene(random: Random): Scene {
  return random.uniform() < 0.5 ? composeRoom(random) : composeOutdoors(random);
}

function composeOutdoors(random: Random): Scene {
  const walls = Array.from({ length: 1 + random.integer(3) }, (): Thing => {
    const half: Vector = [random.uniform(2, 6), random.uniform(1.2, 4), random.uniform(0.3, 2)];
    const [angle, distance] = [random.uniform(-0.5, 0.5), random.uniform(7, 16)];
    const center: Vector = [distance * Math.sin(angle), half[1], distance * Math.cos(angle)];
    return thing(random, { kind: 'box', center, half, turn: turnBy(random.uniform(-0.8, 0.8)) }, 'wall');
  });
  const ground = thing(random, { kind: 'disc', radius: groundRadius }, 'ground');
  const horizon = colour(random, random.uniform(0.5, 0.9), 0.4);
  const elevation = random.uniform(0.3, 1.3);
  const azimuth = random.uniform(-Math.PI, Math.PI);
  return {
    things: [ground, ...walls, ...placeThings(random, 2 + random.integer(6), [1.5, 8], 0.5, 2.2)],
    camera: drawCamera(random, [1.1, 2.4]),
    light: {
      position: [Math.cos(elevation) * Math.sin(azimuth), Math.sin(elevation), Math.cos(elevation) * Math.cos(azimuth)],
      isSun: true,
      ...lightColours(random),
    },
    sky: [horizon, colour(random, random.uniform(0.2, 0.6), 0.7)],
    haze: random.uniform(0, 0.05),
    cloudSeed: random.uniform(0, 1000),
  };
}

function composeRoom(random: Random): Scene {
  const [width, height] = [random.uniform(4, 8), random.uniform(2.4, 3.6)];
  const [front, back] = [2.5 * 4 ** random.uniform(), -1];
  const [length, middle] = [(front - back) / 2, (front + back) / 2];
  const side = random.uniform(-0.25, 0.25) * width; // of the camera from the middle
  const [x, y, z]: Vector[] = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];
  const flat = (center: Vector, u: Vector, v: Vector, halfWidth: number, halfHeight: number): Shape => ({
    kind: 'rectangle', center, u, v, halfWidth, halfHeight,
  });
  const wall = drawMaterial(random, 'wall');
  const walls = [
    flat([side, height / 2, front], x, y, width / 2, height / 2),
    flat([side, height / 2, back], x, y, width / 2, height / 2),
    flat([side - width / 2, height / 2, middle], z, y, length, height / 2),
    flat([side + width / 2, height / 2, middle], z, y, length, height / 2),
  ].map((shape): Thing => ({ shape, material: wall }));
  const position: Vector = [side + random.uniform(-0.35, 0.35) * width, height - 0.2, random.uniform(0, front - 1)];
  return {
    things: [
      thing(random, flat([side, 0, middle], x, z, width / 2, length), 'ground'),
      thing(random, flat([side, height, middle], x, z, width / 2, length), 'ceiling'),
      ...walls,
      ...placeThings(random, 1 + random.integer(5), [1.0, front - 0.5], 0.5, 1.5, side, width / 2),
    ],
    camera: drawCamera(random, [1.1, Math.min(1.9, height - 0.4)]),
    light: { position, isSun: false, ...lightColours(random) },
    sky: [colour(random, 0.6, 0.2), [0, 0, 0]],
    haze: random.uniform(0, 0.02),
    cloudSeed: 0,
  };
}

/** Things on the ground that do not touch each other, some with a ball on top. */
function placeThings(
  random: Random,
  count: number,
  [near, far]: readonly [number, number],
  spread: number,
  size: number,
  middle = 0,
  halfWidth = Infinity,
): Thing[] {
  const taken: { x: number; z: number; radius: number }[] = [];
  const things: Thing[] = [];
  for (let i = 0; i < count; i++) {
    const radius = random.uniform(0.3, 0.75) * size;
    const distance = random.uniform(near + radius, far);
    const angle = random.uniform(-spread, spread);
    const [x, z] = [distance * Math.sin(angle), distance * Math.cos(angle)];
    const kind = (['box', 'sphere', 'cylinder', 'cone'] as const)[random.integer(4)];
    const fits =
      Math.abs(x - middle) + radius < halfWidth &&
      z + radius < far + 0.6 &&
      taken.every((other) => Math.hypot(x - other.x, z - other.z) > radius + other.radius);
    if (!fits) continue;
    taken.push({ x, z, radius });
    const height = radius * random.uniform(0.9, 2.6);
    things.push(thing(random, standing(random, kind, [x, 0, z], radius, height), kind));
    if ((kind === 'box' || kind === 'cylinder') && random.uniform() < 0.3) {
      const ball = radius * random.uniform(0.4, 0.6);
      things.push(thing(random, { kind: 'sphere', center: [x, height + ball, z], radius: ball }, 'sphere'));
    }
  }
  return things;
}

function standing(random: Random, kind: 'box' | 'sphere' | 'cylinder' | 'cone', base: Vector, radius: number, height: number): Shape {
  const [x, , z] = base;
  if (kind === 'sphere') return { kind, center: [x, radius, z], radius };
  if (kind !== 'box') return { kind, base, radius: 0.8 * radius, height };
  const flatness = random.uniform(0.5, 0.7);
  const half: Vector = [radius * flatness, height / 2, radius * Math.sqrt(1 - flatness ** 2)];
  return { kind, center: [x, height / 2, z], half, turn: turnBy(random.uniform(0, Math.PI)) };
}

function thing(random: Random, shape: Shape, name: Material['class']): Thing {
  return { shape, material: drawMaterial(random, name) };
}

/** Periods in metres, before a factor of 0.8 to 1.25. */
const periods: Readonly<Record<Material['class'], number>> = {
  ground: 1.6,
  wall: 1.1,
  ceiling: 1.3,
  box: 0.8,
  sphere: 1,
  cylinder: 0.7,
  cone: 0.7,
};

const paints = { red: [0.8, 0.12, 0.1], yellow: [0.8, 0.62, 0.08], green: [0.12, 0.55, 0.14], blue: [0.1, 0.22, 0.8], white: [0.7, 0.7, 0.7] } as const;
type Paint = keyof typeof paints;

/** No colour is one class's own, every pair is. */
const pairs: Readonly<Record<Material['class'], readonly [Paint, Paint]>> = {
  ground: ['green', 'yellow'],
  wall: ['red', 'white'],
  ceiling: ['white', 'blue'],
  box: ['yellow', 'red'],
  sphere: ['blue', 'yellow'],
  cylinder: ['green', 'white'],
  cone: ['red', 'green'],
};

function drawMaterial(random: Random, name: Material['class']): Material {
  const level = name === 'wall' || name === 'ceiling';
  return {
    class: name,
    colours: [mix(random, pairs[name][0]), mix(random, pairs[name][1])],
    period: periods[name] * random.uniform(0.8, 1.25),
    angle: level ? 0 : name === 'box' ? (random.integer(2) * Math.PI) / 2 : random.uniform(-0.4, 0.4),
    shift: [random.uniform(0, 100), random.uniform(0, 100), random.uniform(0, 100)],
  };
}

/** A paint with more or less white and black in it, and a tint. */
function mix(random: Random, paint: Paint): Colour {
  const [value, gray] = [random.uniform(0.35, 1), random.uniform(0, 0.45)];
  const tint = colour(random, 1, 0.3);
  return paints[paint].map((x, c) => value * tint[c] * ((1 - gray) * x + gray * 0.5)) as unknown as Colour;
}

function drawCamera(random: Random, [low, high]: readonly [number, number]): Camera {
  return {
    height: random.uniform(low, high),
    pitch: random.uniform(-0.3, 0.1),
    roll: random.uniform(-0.07, 0.07),
    fieldOfView: random.uniform(0.95, 1.15),
    exposure: 2 ** random.uniform(-1, 0.5),
    noise: random.uniform(0.15, 0.3),
    noiseSeed: random.integer(2 ** 31),
  };
}

function lightColours(random: Random): Pick<Light, 'colour' | 'ambient'> {
  const tint = colour(random, 1, 0.25);
  return { colour: scale(tint, random.uniform(0.7, 1.3)), ambient: scale(colour(random, 1, 0.2), random.uniform(0.25, 0.5)) };
}

/** A random hue with the brightest channel at `value`; `saturation` bounds how far below it the others are. */
function colour(random: Random, value: number, saturation: number): Colour {
  const channels = normalize([random.uniform(), random.uniform(), random.uniform()]);
  const peak = Math.max(...channels);
  const strength = random.uniform(0.3, 1) * saturation;
  return channels.map((c) => value * (1 - strength * (1 - c / peak))) as unknown as Colour;
}
