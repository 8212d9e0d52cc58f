/** Components of two rows or more, as lists of rows. */
export interface ComponentList {
  /** Lowest row of each component, ascending. */
  readonly labels: Uint32Array;
  /** Where the rows of each begin in `members`; one more at the end. */
  readonly starts: Uint32Array;
  /** Rows, ascending within a component. */
  readonly members: Uint32Array;
}

/** @param component - for each row the lowest row of its component */
export function listComponents(component: Uint32Array): ComponentList {
  const sizes = new Uint32Array(component.length);
  for (const label of component) sizes[label]!++;
  const labels = component.filter((label, row) => label === row && sizes[row]! > 1);
  const starts = new Uint32Array(labels.length + 1);
  const next = new Uint32Array(component.length);
  labels.forEach((label, index) => {
    next[label] = starts[index]!;
    starts[index + 1] = starts[index]! + sizes[label]!;
  });
  const members = new Uint32Array(starts[labels.length]!);
  component.forEach((label, row) => {
    if (sizes[label]! > 1) members[next[label]!++] = row;
  });
  return { labels, starts, members };
}
