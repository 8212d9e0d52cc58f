import { basename, dirname, extname, resolve } from 'node:path';
import { z } from 'zod';
import { CurationError } from '../error';
import { type Place, type PlanText, readPlanText } from './plan-text';
import {
  embedSchema, engineSchema, heldOutSchema, type Plan, type PlannedStep, querySchema, seedSchema, sourceSchema, type StepKind, stepKinds, stepSchemas,
} from './schema';

/** What a command line says over a plan. */
export interface PlanOverrides {
  readonly out?: string;
  readonly weights?: string;
  readonly seed?: number;
}

const planKeys = ['out', 'seed', 'sources', 'queries', 'heldOut', 'embed', 'engine', 'steps'] as const;

/**
 * Read a plan and fill in what it leaves open. Relative paths start from the plan's own folder.
 *
 * @throws CurationError that names every key and value that does not fit, with its line.
 */
export function readPlan(path: string, overrides: PlanOverrides = {}): Plan {
  return resolvePlan(readPlanText(path), { base: dirname(resolve(path)), name: nameOf(path), overrides });
}

/**
 * The default plan for folders, lists or tars.
 *
 * @throws CurationError when two of them have one name.
 */
export function planFor(paths: readonly string[], overrides: PlanOverrides = {}): Plan {
  const text: PlanText = { values: { sources: paths.map((path) => ({ path })) }, at: ([, number]) => String(typeof number === 'number' ? paths[number] : paths[0]) };
  return resolvePlan(text, { base: process.cwd(), name: nameOf(paths[0]!), overrides });
}

/** Fill in a plan from values, such as those of a test. */
export function resolvePlan(text: PlanText, { base, name, overrides = {} }: { readonly base: string; readonly name: string; readonly overrides?: PlanOverrides }): Plan {
  const problems = new Problems(text);
  const values = text.values;
  if (!isTree(values)) throw new CurationError(`${text.at([])}: expected keys and values; a plan that is enough is \`sources: pictures\``);
  problems.checkKeys(values, planKeys, []);

  const locate = (path: string) => resolve(base, path);
  const read = <T>(schema: z.ZodType<T>, key: string): T | undefined => problems.parse(schema, values[key] ?? undefined, [key]);
  const sets = <T extends { readonly path: string }>(key: string, schema: z.ZodType<T>): T[] =>
    entriesOf(values[key]).flatMap(({ value, place }) => {
      const named = typeof value === 'string' ? { path: value } : value;
      const entry = problems.parse(schema, isTree(named) && typeof named['path'] === 'string' ? { name: nameOf(named['path']), ...named } : named, [key, ...place]);
      return entry === undefined ? [] : [{ ...entry, path: locate(entry.path) }];
    });

  const sources = sets('sources', sourceSchema);
  if (values['sources'] === undefined || (Array.isArray(values['sources']) && values['sources'].length === 0)) {
    problems.add(['sources'], 'no sources; name folders, lists or tars of pictures, such as `sources: [pictures]`');
  }
  const queries = sets('queries', querySchema);
  const heldOut = sets('heldOut', heldOutSchema);
  const places = [...sources.keys()].map((i): Place => ['sources', i]).concat([...queries.keys()].map((i): Place => ['queries', i]), [...heldOut.keys()].map((i): Place => ['heldOut', i]));
  const names = [...sources, ...queries, ...heldOut].map((set) => set.name);
  names.forEach((setName, i) => {
    if (names.indexOf(setName) < i) problems.add(places[i]!, `the name ${setName} is taken by another set; give this one a \`name:\` of its own`);
  });

  const embed = problems.parse(embedSchema, values['embed'] ?? {}, ['embed']);
  const seed = read(seedSchema, 'seed');
  const engine = read(engineSchema, 'engine');
  const out = read(z.string().min(1).optional(), 'out');
  const steps = values['steps'] === undefined || values['steps'] === null
    ? defaultSteps(queries.length > 0, heldOut.length > 0)
    : readSteps(values['steps'], problems, base);
  checkSteps(steps, { queries: queries.length, heldOut: heldOut.map((set) => set.name) }, problems);
  problems.throwIfAny();

  const weights = overrides.weights ?? embed!.weights;
  return {
    out: overrides.out !== undefined ? resolve(overrides.out) : out !== undefined ? locate(out) : resolve('curated', name),
    seed: overrides.seed ?? seed!,
    sources,
    queries,
    heldOut,
    embed: { ...embed!, weights: weights === null || weights === 'pixels' ? weights : resolve(overrides.weights === undefined ? base : '.', weights) },
    engine: engine!,
    steps,
  };
}

/** What a plan does that names no steps. */
function defaultSteps(hasQueries: boolean, hasHeldOut: boolean): PlannedStep[] {
  const kinds: StepKind[] = ['filter', 'exact', 'selfDeduplicate'];
  if (hasHeldOut) kinds.push('relativeDeduplicate');
  kinds.push(...(hasQueries ? (['retrieve'] as const) : (['cluster', 'balance'] as const)));
  return kinds.map((kind) => ({ name: kind, kind, settings: stepSchemas[kind].parse({}) }) as PlannedStep);
}

function readSteps(value: unknown, problems: Problems, base: string): PlannedStep[] {
  if (!Array.isArray(value)) {
    problems.add(['steps'], `expected a list such as \`- exact\`; kinds are ${stepKinds.join(', ')}`);
    return [];
  }
  return (value as unknown[]).flatMap((entry, i): PlannedStep[] => {
    const place = ['steps', i];
    const tree: unknown = typeof entry === 'string' ? { [entry]: {} } : entry;
    const kinds = isTree(tree) ? Object.keys(tree) : [];
    const kind = kinds[0] as StepKind;
    if (!isTree(tree) || kinds.length !== 1 || !stepKinds.includes(kind)) {
      problems.add(place, `steps[${i}] is ${show(entry)}; expected one of ${stepKinds.join(', ')}, with settings such as \`- selfDeduplicate: { threshold: 0.6 }\``);
      return [];
    }
    const { name = kind, ...given } = (tree[kind] ?? {}) as Tree;
    const stepName = problems.parse(z.string().regex(/^[A-Za-z0-9._-]+$/, 'expected letters, digits, ".", "_" or "-": it names a folder'), name, [...place, kind, 'name']);
    const settings = problems.parse(stepSchemas[kind] as z.ZodType<object>, given, [...place, kind]);
    if (stepName === undefined || settings === undefined) return [];
    if ('classifier' in settings && typeof settings.classifier === 'string') Object.assign(settings, { classifier: resolve(base, settings.classifier) });
    return [{ name: stepName, kind, settings } as PlannedStep];
  });
}

/** What one step needs of the rest of the plan. */
function checkSteps(steps: PlannedStep[], sets: { readonly queries: number; readonly heldOut: readonly string[] }, problems: Problems): void {
  steps.forEach((step, i) => {
    const place = ['steps', i];
    if (steps.findIndex(({ name }) => name === step.name) < i) problems.add(place, `two steps are called ${step.name}; give this one a \`name:\` of its own`);
    if (step.kind === 'balance' && !steps.slice(0, i).some(({ kind }) => kind === 'cluster')) {
      problems.add(place, 'balance samples over the clusters of a step before it; put `- cluster` above it');
    }
    if (step.kind === 'retrieve' && sets.queries === 0) problems.add(place, 'retrieve needs pictures to look for; add `queries: [folder]` or leave the step out');
    if (step.kind === 'relativeDeduplicate') {
      const unknown = step.settings.against?.filter((name) => !sets.heldOut.includes(name)) ?? [];
      if (sets.heldOut.length === 0) problems.add(place, 'relativeDeduplicate needs pictures to compare with; add `heldOut: [folder]` or leave the step out');
      else if (unknown.length > 0) problems.add(place, `against names ${unknown.join(', ')}; held-out sets are ${sets.heldOut.join(', ')}`);
    }
  });
}

/** Collects what is wrong, so that all of it is said at once. */
class Problems {
  private readonly sentences: string[] = [];

  constructor(private readonly text: PlanText) {}

  add(place: Place, sentence: string): void {
    this.sentences.push(`${this.text.at(place)}: ${sentence}`);
  }

  checkKeys(tree: Tree, known: readonly string[], place: Place): void {
    for (const key of Object.keys(tree)) {
      if (!known.includes(key)) this.add([...place, key], `unknown key "${dotted([...place, key])}"; keys here are ${known.join(', ')}`);
    }
  }

  /** A value that fits, else undefined and a sentence for each thing that does not. */
  parse<T>(schema: z.ZodType<T>, value: unknown, place: Place): T | undefined {
    const result = schema.safeParse(value);
    if (result.success) return result.data;
    for (const issue of result.error.issues) {
      const inner = [...place, ...issue.path.map((part) => (typeof part === 'number' ? part : String(part)))];
      if (issue.code === 'unrecognized_keys') {
        const known = schema instanceof z.ZodObject ? `; keys here are ${Object.keys(schema.shape as object).join(', ')}` : '';
        issue.keys.forEach((key) => this.add([...inner, key], `unknown key "${dotted([...inner, key])}"${known}`));
      } else {
        const at = issue.path.reduce<unknown>((tree, part) => (isTree(tree) || Array.isArray(tree) ? (tree as Tree)[String(part)] : undefined), value);
        this.add(inner, `${dotted(inner)} is ${show(at)}: ${sentenceOf(issue)}`);
      }
    }
    return undefined;
  }

  throwIfAny(): void {
    if (this.sentences.length > 0) throw new CurationError(this.sentences.join('\n'));
  }
}

/** zod's sentence; of a choice between shapes, those of all. */
function sentenceOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_union' ? issue.errors.flat().map(({ message }) => message).join(', or ') : issue.message;
}

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `steps[1].exact.keep` */
const dotted = (place: Place): string => place.reduce<string>((text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`), '');

const show = (value: unknown): string => (value === undefined ? 'missing' : JSON.stringify(value));

/** One entry or a list of them, each with where it stands. */
function entriesOf(value: unknown): { value: unknown; place: Place }[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value.map((entry: unknown, i) => ({ value: entry, place: [i] })) : [{ value, place: [] }];
}

/** Last part of a path, without its ending, of letters that fit a folder's name. */
function nameOf(path: string): string {
  const name = basename(resolve(path));
  const bare = extname(name) === '' ? name : name.slice(0, -extname(name).length);
  return bare.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '') || 'pictures';
}
