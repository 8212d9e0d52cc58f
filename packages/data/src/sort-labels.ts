/** Names of classes in order: by value when all are whole numbers, else as text. */
export function sortLabels(labels: string[]): string[] {
  return labels.every((label) => /^\d+$/.test(label)) ? labels.sort((a, b) => Number(a) - Number(b)) : labels.sort();
}
