/** Bytes of a header, and what contents are padded to. */
export const tarBlock = 512;

/** What a header says of the entry that follows it. */
export interface TarHeader {
  readonly name: string;
  /** Bytes of its content. */
  readonly size: number;
  /** One character: '0' for a file, 'x' and 'g' for extended headers, 'L' for a long name, …. */
  readonly kind: string;
}

/**
 * Read a tar header (POSIX.1-1988 ustar, and GNU's).
 *
 * @param block - 512 bytes.
 * @returns undefined for a block of zeros, which ends an archive; 'damaged' when the checksum is wrong.
 */
export function readTarHeader(block: Buffer): TarHeader | 'damaged' | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  // The checksum is that of the header with spaces in its own place.
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
  const size = readNumber(block.subarray(124, 136));
  if (sum !== readNumber(block.subarray(148, 156)) || !Number.isSafeInteger(size) || size < 0) return 'damaged';
  const kind = block[156] === 0 ? '0' : String.fromCharCode(block[156]);
  const posix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? readText(block.subarray(345, 500)) : '';
  const name = readText(block.subarray(0, 100));
  return { name: prefix === '' ? name : `${prefix}/${name}`, size, kind };
}

/** Keys and values of an extended header: `<length> <key>=<value>\n`, again and again. */
export function readPaxRecords(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = space < 0 ? NaN : Number(content.toString('latin1', at, space));
    if (!(length > space - at)) break;
    const record = content.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (equals > 0) records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** Text up to the first zero byte. */
export function readText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

/** A number in octal digits, or, where it does not fit these, in big-endian bytes after 0x80. */
function readNumber(field: Buffer): number {
  if (field[0] === 0x80) return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
  const digits = readText(field).trim();
  return /^[0-7]+$/.test(digits) ? parseInt(digits, 8) : digits === '' ? 0 : NaN;
}
