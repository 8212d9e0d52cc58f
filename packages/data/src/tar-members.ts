import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DataError } from './error';
import type { Span } from './source';
import { readPaxRecords, readTarHeader, readText, tarBlock, type TarHeader } from './tar-header';

/** A file inside a tar file. */
export interface TarMember extends Span {
  readonly name: string;
}

/** Longest name or extended header that is believed. */
const longestExtra = 1 << 20;

/** A tar file whose headers are read. */
export interface TarReader {
  /** The files inside, in order. A file that is cut short is the last one. */
  readonly members: readonly TarMember[];
  /** The content of a member. */
  read(member: TarMember): Buffer;
  close(): void;
}

/**
 * Find the files inside a tar file. Only its headers are read, and nothing is unpacked. An archive that was cut off gives the
 * files up to there; the last of them may be incomplete.
 *
 * @throws DataError when the file is missing, compressed, or no tar file.
 */
export function openTarFile(path: string): TarReader {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (cause) {
    throw new DataError(`cannot read the tar file ${path}: ${(cause as Error).message}`, { cause });
  }
  const read = (offset: number, length: number): Buffer => {
    const bytes = Buffer.alloc(length);
    let filled = 0;
    while (filled < length) {
      const count = readSync(descriptor, bytes, filled, length - filled, offset + filled);
      if (count === 0) break;
      filled += count;
    }
    return bytes.subarray(0, filled);
  };
  try {
    const members = findMembers(path, fstatSync(descriptor).size, read);
    return { members, read: ({ offset, length }) => read(offset, length), close: () => closeSync(descriptor) };
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function findMembers(path: string, size: number, read: (offset: number, length: number) => Buffer): TarMember[] {
  const members: TarMember[] = [];
  // What headers before a file say of it, and of all files after.
  let longName: string | undefined;
  let own = new Map<string, string>();
  let global = new Map<string, string>();
  for (let at = 0; at + tarBlock <= size; ) {
    const header = readTarHeader(read(at, tarBlock));
    if (header === undefined) break;
    if (header === 'damaged') throw damaged(path, at, read);
    const offset = at + tarBlock;
    const pax = own.get('size') ?? global.get('size');
    const plain = isExtra(header);
    const length = plain || pax === undefined ? header.size : Number(pax);
    if (plain) {
      if (length > longestExtra) throw new DataError(`${path} has a header of ${length} bytes at byte ${at}; it is damaged: copy it again`);
      const content = read(offset, length);
      if (header.kind === 'L') longName = readText(content);
      else if (header.kind === 'x') own = readPaxRecords(content);
      else if (header.kind === 'g') global = new Map([...global, ...readPaxRecords(content)]);
    } else {
      const name = own.get('path') ?? longName ?? global.get('path') ?? header.name;
      if ((header.kind === '0' || header.kind === '7') && !name.endsWith('/')) members.push({ name, offset, length });
      longName = undefined;
      own = new Map();
    }
    at = offset + Math.ceil(length / tarBlock) * tarBlock;
  }
  if (members.length === 0 && size > 0 && size < tarBlock) throw damaged(path, 0, read);
  return members;
}

/** Whether an entry says something of the next one. */
const isExtra = ({ kind }: TarHeader) => kind === 'x' || kind === 'g' || kind === 'L' || kind === 'K';

function damaged(path: string, at: number, read: (offset: number, length: number) => Buffer): DataError {
  if (at > 0) return new DataError(`${path} has no tar header at byte ${at}; it is damaged: copy it again`);
  const start = read(0, 4).toString('latin1');
  const compressed = start.startsWith('\x1f\x8b') || start.startsWith('\x28\xb5\x2f\xfd') || start.startsWith('BZh') || start.startsWith('\xfd7zX');
  return new DataError(
    compressed ? `${path} is compressed, so that images in it cannot be read in place; unpack it to a plain .tar` : `${path} is no tar file; pass a .tar, a list or a folder of images`,
  );
}
