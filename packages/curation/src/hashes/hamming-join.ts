import { CurationError } from '../error';
import { type EdgeBlock, EdgeList } from '../neighbours/edges';
import { bitCount } from './hamming';

/**
 * All pairs of a query and a database hash that differ in at most `radius` of 64 bits: exact, without comparing all with
 * all. Passed one array twice, each pair comes once, the lower row first, and no row with itself.
 *
 * Multi-index hashing (Norouzi, Punjani and Fleet 2012): the 64 bits are cut into m bands. Hashes within the radius r agree
 * in one of the first r mod m + 1 bands but for ⌊r / m⌋ bits, or in another but for one bit less; so only rows in those
 * few buckets of each band are compared. One band is worked on at a time: 12 bytes of memory per row of the database. The
 * number of bands is the one that costs least for the sizes at hand.
 *
 * Equal hashes are pairs too: a thousand of them are half a million pairs, so collapse them first (`equalGroups`).
 *
 * @returns blocks of pairs; their similarity is 1 − distance / 64
 * @throws CurationError when the radius is not a whole number from 0 to 32
 */
export function* hammingJoin(
  queries: BigUint64Array,
  database: BigUint64Array,
  radius: number,
): Generator<EdgeBlock> {
  if (!(Number.isInteger(radius) && radius >= 0 && radius <= 32)) {
    throw new CurationError(`Hamming radius ${radius}; pass a whole number of bits from 0 to 32 (copies differ in 10 or fewer)`);
  }
  const bands = chooseBands(queries.length, database.length, radius);
  const found = new EdgeList();
  const [wanted, rows] = [words(queries), words(database)];
  for (let band = 0; band < bands.length; band++) {
    const buckets = fillBuckets(rows, bands[band]!);
    for (let first = 0; first < queries.length; first += step) {
      const last = Math.min(first + step, queries.length);
      // In the order of their buckets, so that queries beside each other look at the same places.
      const order = queries === database ? buckets.order.subarray(first, last) : range(first, last);
      probe(wanted, order, buckets, bands, band, { radius, self: queries === database, found });
      if (found.count >= blockEdges) yield found.take();
    }
  }
  if (found.count > 0) yield found.take();
}

const step = 4096;
const blockEdges = 1 << 16;

/** Bits `shift` … `shift + bits − 1`, in which `radius` may differ. */
interface Band {
  readonly shift: number;
  readonly bits: number;
  readonly radius: number;
}

function chooseBands(queries: number, database: number, radius: number): Band[] {
  let best: Band[] = [];
  let lowest = Infinity;
  // Three bands of 22 bits make tables of 16 MB; more than sixteen of 4 bits tell rows no further apart.
  for (let count = 3; count <= 16; count++) {
    const bands = cut(count, radius);
    const cost = bands.reduce((sum, { bits, radius }) => {
      const probes = choices(bits, radius);
      return sum + 2 ** bits + 4 * database + queries * probes * (bucketCost + database / 2 ** bits);
    }, 0);
    if (cost < lowest) [best, lowest] = [bands, cost];
  }
  return best;
}

/** Looking into a bucket costs about as much as comparing so many rows of one. */
const bucketCost = 10;

function cut(count: number, radius: number): Band[] {
  const bands: Band[] = [];
  for (let band = 0; band < count; band++) {
    const shift = Math.floor((64 * band) / count);
    const bits = Math.floor((64 * (band + 1)) / count) - shift;
    const allowed = Math.floor(radius / count) - (band > radius % count ? 1 : 0);
    if (allowed >= 0) bands.push({ shift, bits, radius: allowed });
  }
  return bands;
}

/** How many patterns of `bits` bits have at most `radius` ones. */
function choices(bits: number, radius: number): number {
  let sum = 1;
  for (let ones = 1, term = 1; ones <= radius; ones++) {
    term *= (bits - ones + 1) / ones;
    sum += term;
  }
  return sum;
}

/** The low and the high word of each hash. */
function words(hashes: BigUint64Array): Uint32Array {
  return new Uint32Array(hashes.buffer, hashes.byteOffset, 2 * hashes.length);
}

function bandOf(low: number, high: number, { shift, bits }: Band): number {
  const mask = (1 << bits) - 1;
  if (shift >= 32) return (high >>> (shift - 32)) & mask;
  return (shift + bits <= 32 ? low >>> shift : (low >>> shift) | (high << (32 - shift))) & mask;
}

interface Buckets {
  /** First place of each bucket; one more at the end. */
  readonly starts: Uint32Array;
  /** Rows by bucket, and their words in that order. */
  readonly order: Uint32Array;
  readonly words: Uint32Array;
}

function fillBuckets(rows: Uint32Array, band: Band): Buckets {
  const count = rows.length / 2;
  const starts = new Uint32Array(2 ** band.bits + 1);
  for (let row = 0; row < count; row++) starts[bandOf(rows[2 * row]!, rows[2 * row + 1]!, band) + 1]!++;
  for (let bucket = 1; bucket < starts.length; bucket++) starts[bucket]! += starts[bucket - 1]!;
  const next = starts.slice();
  const order = new Uint32Array(count);
  const sorted = new Uint32Array(2 * count);
  for (let row = 0; row < count; row++) {
    const place = next[bandOf(rows[2 * row]!, rows[2 * row + 1]!, band)]!++;
    order[place] = row;
    sorted[2 * place] = rows[2 * row]!;
    sorted[2 * place + 1] = rows[2 * row + 1]!;
  }
  return { starts, order, words: sorted };
}

function probe(
  queries: Uint32Array,
  order: Uint32Array,
  buckets: Buckets,
  bands: readonly Band[],
  index: number,
  { radius, self, found }: { radius: number; self: boolean; found: EdgeList },
): void {
  const band = bands[index]!;
  const patterns = patternsOf(band.bits, band.radius);
  const { starts, order: rows, words } = buckets;
  for (const query of order) {
    const low = queries[2 * query]!;
    const high = queries[2 * query + 1]!;
    const own = bandOf(low, high, band);
    for (const pattern of patterns) {
      const end = starts[(own ^ pattern) + 1]!;
      for (let place = starts[own ^ pattern]!; place < end; place++) {
        const lowDifference = low ^ words[2 * place]!;
        const highDifference = high ^ words[2 * place + 1]!;
        const distance = bitCount(lowDifference) + bitCount(highDifference);
        if (distance > radius || (self && rows[place]! <= query)) continue;
        if (foundBefore(lowDifference, highDifference, bands, index)) continue;
        found.push(query, rows[place]!, 1 - distance / 64);
      }
    }
  }
}

/** Whether a pair was met in the buckets of an earlier band. */
function foundBefore(low: number, high: number, bands: readonly Band[], index: number): boolean {
  for (let earlier = 0; earlier < index; earlier++) {
    if (bitCount(bandOf(low, high, bands[earlier]!)) <= bands[earlier]!.radius) return true;
  }
  return false;
}

/** All patterns of `bits` bits with at most `radius` ones. */
function patternsOf(bits: number, radius: number): Uint32Array {
  const patterns = [0];
  const add = (pattern: number, from: number, left: number) => {
    for (let bit = from; bit < bits; bit++) {
      patterns.push(pattern | (1 << bit));
      if (left > 1) add(pattern | (1 << bit), bit + 1, left - 1);
    }
  };
  if (radius > 0) add(0, 0, radius);
  return Uint32Array.from(patterns);
}

function range(first: number, last: number): Uint32Array {
  return Uint32Array.from({ length: last - first }, (_, i) => first + i);
}
