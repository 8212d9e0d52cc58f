/** Seconds as `45 s`, `3 min 20 s`, `5 h 10 min`, `12 days`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 48 * 3600) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  const days = whole / 86_400;
  return days < 1000 ? `${Math.round(days)} days` : `${Math.round(days / 365).toLocaleString('en')} years`;
}

/** A count with a decimal prefix: `5.5 M`, `1.23 T`. */
export function si(value: number): string {
  const prefixes = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
  const step = value < 1000 ? 0 : Math.min(prefixes.length - 1, Math.floor(Math.log10(value) / 3));
  return `${Number((value / 1000 ** step).toPrecision(3))} ${prefixes[step]}`.trimEnd();
}

/** Bytes as `1.5 GiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = value < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${Number((value / 1024 ** step).toPrecision(3))} ${units[step]}`;
}
