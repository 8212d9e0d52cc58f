import { crc32 } from 'node:zlib';

/** An entry of an archive to be made; `method` 0 stores, whatever the bytes are. */
export interface MadeEntry {
  readonly name: string;
  readonly data: Uint8Array | string;
  readonly method?: number;
  readonly flags?: number;
}

/** A zip archive with these entries in this order, duplicates and all (APPNOTE.TXT, sections 4.3.7 to 4.3.16). */
export function makeZip(entries: readonly MadeEntry[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, data, method = 0, flags = 0 } of entries) {
    const [nameBytes, bytes] = [Buffer.from(name), Buffer.from(data as string)];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(nameBytes.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, place, nameBytes);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, nameBytes, bytes]);
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, central, end]);
}

const text = (value: string): string => `X${le(value.length, 4)}${value}`;
const le = (value: number, bytes: number): string => Array.from({ length: bytes }, (_, i) => String.fromCharCode(Math.floor(value / 256 ** i) % 256)).join('');
const int = (value: number): string => (value < 2 ** 31 ? `J${le(value, 4)}` : `\x8a\x08${le(value, 8)}`);
const tuple = (values: readonly number[]): string => `(${values.map(int).join('')}t`;

/** Operations of protocol 2, as latin1 text. */
export const pickle = {
  text,
  int,
  global: (module: string, name: string): string => `c${module}\n${name}\n`,
  program: (...operations: string[]): Buffer => Buffer.from(`\x80\x02${operations.join('')}.`, 'latin1'),
  /** A tensor as torch.save pickles it. */
  tensor: ({ storage = '0', type = 'FloatStorage', elements = 4, offset = 0, shape = [4], strides = [1] }: Partial<MadeTensor> = {}): string =>
    `ctorch._utils\n_rebuild_tensor_v2\n((${text('storage')}ctorch\n${type}\n${text(storage)}${text('cpu')}${int(elements)}tQ` +
    `${int(offset)}${tuple(shape)}${tuple(strides)}\x89NtR`,
};

export interface MadeTensor {
  readonly storage: string;
  readonly type: string;
  readonly elements: number;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
}
