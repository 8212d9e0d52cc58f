import type { SceneClass } from './classes';
import type { Shape } from './shapes';
import type { Vector } from './vector';

/** Linear red, green and blue, 0 to 1. */
export type Colour = Vector;

/** Two colours in an arrangement. */
export interface Material {
  readonly class: Exclude<SceneClass, 'sky'>;
  readonly colours: readonly [Colour, Colour];
  /** Length of the pattern's period in metres. */
  readonly period: number;
  /** Turns and shifts the pattern, so that no two things show the same piece of it. */
  readonly angle: number;
  readonly shift: Vector;
}

export interface Thing {
  readonly shape: Shape;
  readonly material: Material;
}

export interface Camera {
  /** Metres above the ground, which is at 0; the camera stands at x = z = 0 and looks along z. */
  readonly height: number;
  /** Radians: upwards, and clockwise. */
  readonly pitch: number;
  readonly roll: number;
  /** Angle of view across the picture, radians. */
  readonly fieldOfView: number;
  /** Factor on all light. */
  readonly exposure: number;
  /** Standard deviation of the noise of every value of the picture, of 1. */
  readonly noise: number;
  /** Tells the noise. */
  readonly noiseSeed: number;
}

export interface Light {
  /** Of a lamp, metres; of the sun, the unit vector towards it. */
  readonly position: Vector;
  readonly isSun: boolean;
  readonly colour: Colour;
  /** Light from everywhere. */
  readonly ambient: Colour;
}

/** What a picture is taken of. */
export interface Scene {
  readonly things: readonly Thing[];
  readonly camera: Camera;
  readonly light: Light;
  /** Colours of the sky at the horizon and above; clouds take the light's. */
  readonly sky: readonly [Colour, Colour];
  /** Share of light lost per metre to the colour of the horizon. */
  readonly haze: number;
  /** Tells the clouds. */
  readonly cloudSeed: number;
}
