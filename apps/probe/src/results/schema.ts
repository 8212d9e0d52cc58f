import { z } from 'zod';

const metrics = z.record(z.string(), z.number().nullable());
const setting = z.json();

/** Values of one row of a table: one class, one label fraction, …. */
const details = z.object({
  /** What rows are: `class`. */
  unit: z.string(),
  columns: z.array(z.string()),
  /** Title of the rows' notes. */
  note: z.string().optional(),
  rows: z.array(z.object({ name: z.string(), values: z.array(z.number().nullable()), note: z.string().optional() })),
});

const curve = z.object({
  title: z.string(),
  /** What `at` counts: `iteration`. */
  unit: z.string(),
  at: z.array(z.number()),
  series: z.array(z.object({ name: z.string(), values: z.array(z.number().nullable()) })),
});

const measured = z.object({
  metrics,
  /** Hyper-parameters that were selected by the data. */
  chosen: z.record(z.string(), setting).optional(),
  details: details.optional(),
  curves: z.array(curve).optional(),
});

/** The file `result.json` of an evaluation. */
export const resultSchema = measured.extend({
  format: z.literal('dinov2-probe result 1'),
  command: z.string(),
  /** What was judged, for tables. */
  name: z.string(),
  weights: z.object({
    path: z.string(),
    name: z.string(),
    architecture: z.string(),
    parameters: z.number(),
    layout: z.string(),
  }),
  data: z.record(z.string(), setting),
  /** Every setting, defaults filled in. */
  settings: z.record(z.string(), setting),
  /** The same of random weights and raw pixels. */
  baselines: z.record(z.string(), measured).optional(),
  seconds: z.number(),
  environment: z.record(z.string(), z.string()),
  version: z.string(),
  date: z.string(),
});

/** What an evaluation found. */
export type Measured = z.infer<typeof measured>;
/** One number for each name; null where it is not defined. */
export type Metrics = z.infer<typeof metrics>;
export type Details = z.infer<typeof details>;
export type Curve = z.infer<typeof curve>;
export type Result = z.infer<typeof resultSchema>;
