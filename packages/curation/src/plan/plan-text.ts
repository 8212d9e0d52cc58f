import { readFileSync } from 'node:fs';
import { isNode, LineCounter, parseDocument } from 'yaml';
import { CurationError } from '../error';

/** Where a value stands: keys and numbers of entries from the top. */
export type Place = readonly (string | number)[];

/** A YAML text, and where its values stand in it. */
export interface PlanText {
  readonly values: unknown;
  /** `plan.yaml:12` for the value there, or for the nearest one above it. */
  at(place: Place): string;
}

/**
 * Read a plan's text.
 *
 * @throws CurationError when the file cannot be read or is no YAML, with the line.
 */
export function readPlanText(path: string): PlanText {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CurationError(`cannot read the plan ${path}: ${(cause as Error).message}; check the path`, { cause });
  }
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter });
  const error = document.errors[0];
  if (error !== undefined) throw new CurationError(`${path}:${lineCounter.linePos(error.pos[0]).line}: ${error.message.split('\n')[0]}`);
  return {
    values: document.toJS() as unknown,
    at(place) {
      for (let length = place.length; length > 0; length--) {
        const node = document.getIn(place.slice(0, length), true);
        if (isNode(node) && node.range) return `${path}:${lineCounter.linePos(node.range[0]).line}`;
      }
      return path;
    },
  };
}
