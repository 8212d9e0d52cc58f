// Damage to files, as disks, networks and attackers do it. Plain JavaScript, so that bench/fuzz-weights.mjs runs it too.

export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const integers = [0n, 1n, 127n, 128n, 255n, 65535n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n];
// Pieces of JSON, of pickles and of zip archives.
const tokens = [
  '[[[[[[[[[[[[[[[[', '{"a":', '{}', '[]', 'null', '-1', '1e308', '9007199254740993', '"F64"', '"F8"', '"../"', '"__proto__"', ',', '\\u0000',
  '((((((((', ')))', '}}}', '0', '1', '2', 'R', 'b', 'Q', 'q\x00', 'h\x00', 'j\xff\xff\xff\xff', '\x8b\xff\xff\xff\x7f', 'X\xff\xff\xff\xff',
  '\x8d\xff\xff\xff\xff\xff\xff\xff\xff', 'cos\nsystem\n', 'c__builtin__\neval\n', '\x93', '\x81', '\x92', 'a', 'e', 's', 'u', '.', '\x85', '\x86', '\x87',
  'PK\x01\x02', 'PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07',
].map((text) => Uint8Array.from(text, (character) => character.charCodeAt(0)));

const kinds = {
  flipBits(bytes, random) {
    const count = 1 + Math.floor(8 * random());
    for (let i = 0; i < count; i++) bytes[Math.floor(random() * bytes.length)] ^= 1 << Math.floor(8 * random());
    return bytes;
  },
  setByte(bytes, random) {
    bytes[Math.floor(random() * bytes.length)] = Math.floor(256 * random());
    return bytes;
  },
  setInteger(bytes, random) {
    const width = [1, 2, 4, 8][Math.floor(4 * random())];
    let value = integers[Math.floor(random() * integers.length)];
    const at = Math.floor(random() * Math.max(1, bytes.length - width));
    for (let i = 0; i < width; i++, value >>= 8n) bytes[at + i] = Number(value & 255n);
    return bytes;
  },
  truncate: (bytes, random) => bytes.subarray(0, Math.floor(random() * bytes.length)),
  cutFront: (bytes, random) => bytes.subarray(Math.floor(random() * Math.min(64, bytes.length))),
  remove(bytes, random) {
    const [begin, end] = range(bytes, random);
    return concat(bytes.subarray(0, begin), bytes.subarray(end));
  },
  repeat(bytes, random) {
    const [begin, end] = range(bytes, random);
    return concat(bytes.subarray(0, end), bytes.subarray(begin));
  },
  overwrite(bytes, random) {
    const [begin, end] = range(bytes, random);
    bytes.copyWithin(Math.floor(random() * bytes.length), begin, end);
    return bytes;
  },
  fill(bytes, random) {
    const [begin, end] = range(bytes, random);
    return bytes.fill(Math.floor(256 * random()), begin, end);
  },
  insertToken(bytes, random) {
    const at = Math.floor(random() * bytes.length);
    return concat(bytes.subarray(0, at), tokens[Math.floor(random() * tokens.length)], bytes.subarray(at));
  },
  setToken(bytes, random) {
    const token = tokens[Math.floor(random() * tokens.length)];
    if (token.length < bytes.length) bytes.set(token, Math.floor(random() * (bytes.length - token.length)));
    return bytes;
  },
  append(bytes, random) {
    const [begin, end] = range(bytes, random);
    return concat(bytes, bytes.subarray(begin, end));
  },
};

export function mutate(bytes, random) {
  const names = Object.keys(kinds);
  const done = [];
  let result = bytes;
  do {
    const name = names[Math.floor(random() * names.length)];
    done.push(name);
    result = kinds[name](Uint8Array.from(result), random);
  } while (result.length > 0 && random() < 0.3);
  return { bytes: result, mutation: done.join('+') };
}

function range(bytes, random) {
  const begin = Math.floor(random() * bytes.length);
  return [begin, begin + Math.floor(random() ** 3 * (bytes.length - begin))];
}

function concat(...parts) {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
