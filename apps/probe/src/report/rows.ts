import type { Metrics, Result } from '../results/schema';

/** A line of the table of results. */
export interface Row {
  readonly name: string;
  readonly metrics: Metrics;
  readonly chosen?: Result['chosen'];
  readonly baseline: boolean;
}

/** One line for each result and each baseline; where several have baselines, named after theirs unless all are equal. */
export function rowsOf(results: readonly Result[]): Row[] {
  const names = uniqueNames(results);
  const rows: Row[] = [];
  const baselines = new Map<string, Row>();
  for (const [i, result] of results.entries()) {
    rows.push({ name: names[i]!, metrics: result.metrics, chosen: result.chosen, baseline: false });
    for (const [kind, { metrics, chosen }] of Object.entries(result.baselines ?? {})) {
      const key = JSON.stringify([kind, metrics]);
      const others = results.filter((other) => other.baselines?.[kind] !== undefined);
      const alike = others.every((other) => JSON.stringify(other.baselines![kind]!.metrics) === JSON.stringify(metrics));
      baselines.set(key, { name: alike ? kind : `${kind} (${names[i]})`, metrics, chosen, baseline: true });
    }
  }
  return [...rows, ...baselines.values()];
}

/** What results are called beside each other: the weights' name, with what tells apart those of one name. */
export function uniqueNames(results: readonly Result[]): string[] {
  const count = (name: string) => results.filter((result) => result.name === name).length;
  const several = new Set(results.map(({ command }) => command)).size > 1;
  const named = results.map((result) => (count(result.name) > 1 && several ? `${result.name}, ${result.command}` : result.name));
  return named.map((name, i) => (named.indexOf(name) === i && named.lastIndexOf(name) === i ? name : `${name} (${named.slice(0, i + 1).filter((other) => other === name).length})`));
}
