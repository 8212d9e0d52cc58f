// What the measurement has to show, and whether it did.

export const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Images per second of the runs of one program, by the median over all of their windows. */
function imagesPerSecond(runs) {
  const done = runs.filter((run) => run.seconds !== undefined);
  return done.length === 0 ? undefined : done[0].batch / median(done.flatMap(({ seconds }) => seconds));
}

/** Smallest peak of several runs: the first run of a program also tries out kernels. */
function peakBytes(runs, key = 'peakBytes') {
  const peaks = runs.map((run) => run[key]).filter((bytes) => typeof bytes === 'number' && bytes > 0);
  return peaks.length === 0 ? undefined : Math.min(...peaks);
}

/** Both programs side by side, of runs of either. */
export function compare({ ours, torch }, peakFlopsPerSecond) {
  const [mine, theirs] = [imagesPerSecond(ours), imagesPerSecond(torch)];
  const [run] = ours.filter(({ flops }) => flops !== undefined);
  const flopsPerImage = run && run.flops / run.batch;
  const utilisation = (rate) => (rate && flopsPerImage && peakFlopsPerSecond ? (rate * flopsPerImage) / peakFlopsPerSecond : undefined);
  const ratio = (a, b) => (a === undefined || b === undefined ? undefined : a / b);
  return {
    batch: { ours: ours[0]?.batch, torch: torch[0]?.batch },
    imagesPerSecond: { ours: mine, torch: theirs, ratio: ratio(mine, theirs) },
    peakBytes: { ours: peakBytes(ours), torch: peakBytes(torch), ratio: ratio(peakBytes(ours), peakBytes(torch)) },
    driverBytes: {
      ours: peakBytes(ours, 'driverBytes'), torch: peakBytes(torch, 'driverBytes'),
      ratio: ratio(peakBytes(ours, 'driverBytes'), peakBytes(torch, 'driverBytes')),
    },
    utilisation: { ours: utilisation(mine), torch: utilisation(theirs) },
  };
}

/** Every goal with what was measured; `holds` is undefined where nothing was. */
export function judge({ models, parity, track }) {
  const goals = [];
  const add = (goal, value, holds, text) => goals.push({ goal, value, holds: value === undefined ? undefined : holds(value), shown: value === undefined ? 'not measured' : text(value) });
  const times = (x) => `${x.toFixed(2)}x`;
  const seconds = (x) => `${x.toFixed(1)} s`;
  for (const [name, { official, largest, start, feed }] of Object.entries(models)) {
    for (const [size, row] of Object.entries({ official, largest })) {
      if (row === undefined) continue;
      add(`${name}, ${size} batch: at least 1.1x PyTorch's images per second`, row.imagesPerSecond.ratio, (x) => x >= 1.1, times);
    }
    if (official !== undefined) {
      add(`${name}, official batch: at most 0.8x PyTorch's memory`, official.peakBytes.ratio, (x) => x <= 0.8, times);
    }
    if (name === 'l') {
      const best = [official, largest].map((row) => row?.utilisation.ours).filter((x) => x !== undefined);
      add('l: model FLOPs utilisation of at least 45 %', best.length > 0 ? Math.max(...best) : undefined, (x) => x >= 0.45, (x) => `${(100 * x).toFixed(1)} %`);
    }
    if (start !== undefined) {
      add(`${name}: first step in less than 60 s`, start.cold, (x) => x < 60, seconds);
      add(`${name}: first step in less than 10 s with the cache`, start.cached, (x) => x < 10, seconds);
    }
    if (feed !== undefined) {
      const share = feed.fromDisk && feed.fromDisk.imagesPerSecond / feed.fromMemory.imagesPerSecond;
      add(`${name}: pictures from the disk train as fast as crops in memory (within 5 %)`, share, (x) => x >= 0.95, times);
    }
  }
  if (parity !== undefined) add('both programs compute the same step (1e-4)', parity.largestDifference, () => parity.holds, (x) => x.toExponential(1));
  if (track !== undefined) add('100 steps in bfloat16 beside float32: largest and mean difference of the loss', track.largest, () => undefined, (x) => `${(100 * x).toFixed(2)} %, ${(100 * track.mean).toFixed(2)} %`);
  return goals;
}
