import { ProbeError } from '../error';
import { comparisonPage } from '../report/comparison-page';
import { readResult, writeText } from '../results/files';
import { resultTable } from '../results/table';

export interface CompareOptions {
  readonly out: string;
}

/** Put results side by side, in the terminal and as a page. */
export async function compareCommand(paths: readonly string[], { out }: CompareOptions): Promise<void> {
  const results = paths.map(readResult);
  const first = results[0]!;
  const odd = results.find(({ command }) => command !== first.command);
  if (odd !== undefined && !Object.keys(odd.metrics).some((name) => name in first.metrics)) {
    throw new ProbeError(`${paths[0]} is of ${first.command} and ${paths[results.indexOf(odd)]} of ${odd.command}, without a metric in common; compare results of one command`);
  }
  console.log(resultTable(results));
  console.log(`page     ${writeText(out, comparisonPage(results))}`);
}
