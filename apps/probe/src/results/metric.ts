/** Beginnings of the names of metrics that are shares of 1, shown in percent. */
const shares = ['top-', 'mean per class', 'ReaL', 'accuracy', 'mIoU', 'IoU', 'pixel accuracy', 'mAP', 'AP', 'GAP', 'recall', 'precision', 'F1', 'δ', 'neighbours'];
/** Beginnings of the names of metrics of which less is better. */
const errors = ['RMSE', 'AbsRel', 'SqRel', 'log10', 'SILog', 'alignment', 'uniformity', 'loss'];

const startsWith = (starts: readonly string[], name: string) => starts.some((start) => name.startsWith(start) || name.includes(`: ${start}`));

/** Whether a metric is a share of 1. */
export const isShare = (name: string): boolean => startsWith(shares, name);

/** Whether less of it is better. */
export const lessIsBetter = (name: string): boolean => startsWith(errors, name);

/** `74.3 %`, `0.412`, `–` for a metric that is not defined. */
export function formatMetric(name: string, value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (isShare(name)) return `${(100 * value).toFixed(1)} %`;
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
