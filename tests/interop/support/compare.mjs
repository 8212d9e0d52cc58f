/** Largest absolute difference between two arrays, and the largest absolute value expected. */
export function compare(actual, expected) {
  if (actual.length !== expected.length) {
    throw new Error(`${actual.length} values where the reference has ${expected.length}`);
  }
  let difference = 0;
  let magnitude = 0;
  for (let i = 0; i < expected.length; i++) {
    const d = Math.abs(actual[i] - expected[i]);
    if (!(d <= difference)) difference = d; // NaN wins
    magnitude = Math.max(magnitude, Math.abs(expected[i]));
  }
  return { difference, magnitude };
}

/** The worst of several comparisons. */
export function worst(results) {
  return results.reduce((a, b) => (b.difference <= a.difference ? a : b));
}

/** (B, 3, H, W) to (B, H, W, 3). */
export function channelsLast({ data, shape: [batch, channels, height, width] }) {
  const area = height * width;
  const out = new Float32Array(data.length);
  for (let b = 0; b < batch; b++) {
    for (let c = 0; c < channels; c++) {
      const from = (b * channels + c) * area;
      for (let i = 0; i < area; i++) out[(b * area + i) * channels + c] = data[from + i];
    }
  }
  return { data: out, shape: [batch, height, width, channels] };
}

/** (B, H, W, 3) to (B, 3, H, W). */
export function channelsFirst({ data, shape: [batch, height, width, channels] }) {
  const area = height * width;
  const out = new Float32Array(data.length);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < area; i++) {
      for (let c = 0; c < channels; c++) out[(b * channels + c) * area + i] = data[(b * area + i) * channels + c];
    }
  }
  return { data: out, shape: [batch, channels, height, width] };
}

/** A record of tensors whose names start with `prefix`, without it. */
export function under(tensors, prefix) {
  return Object.fromEntries(
    Object.entries(tensors)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, tensor]) => [name.slice(prefix.length), tensor]),
  );
}
