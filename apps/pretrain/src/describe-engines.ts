import type { EngineListing } from '@dinov2/app-kit';
import pc from 'picocolors';

/** Lines of `dinov2-pretrain engines`: what can compute, what cannot and why, and the command that would change that. */
export function describeEngines(listings: readonly EngineListing[]): string {
  const lines = listings.flatMap(({ engine, usable, text, remedy }) => [
    `${engine.padEnd(11)} ${usable ? pc.green('usable    ') : pc.yellow('not usable')}  ${text}`,
    ...(usable || remedy === undefined ? [] : [`${' '.repeat(25)}${remedy}`]),
  ]);
  // `auto` never takes TensorFlow.
  const first = listings.find(({ engine, usable }) => usable && engine !== 'tensorflow');
  return [...lines, '', first === undefined ? 'Nothing can compute here.' : `--engine auto picks ${first.engine}: ${first.text}`].join('\n');
}
