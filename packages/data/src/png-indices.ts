import { crc32 } from 'node:zlib';

/** Bytes of the signature and of a chunk around its content: length, name and checksum. */
const signature = 8;
const frame = 12;

/**
 * A PNG of up to 8 bits per pixel, made into one whose gray level is the number that is stored: a
 * palette's index, or a gray value that is not spread to 0 … 255. Decoders give colours otherwise.
 *
 * Only the palette is replaced, by grays, and the type of the pixels; these stay as they are compressed.
 */
export function withIndicesAsGray(png: Buffer): Buffer {
  const chunks: Buffer[] = [];
  for (let at = signature; at + frame <= png.length; ) {
    const length = png.readUInt32BE(at);
    const name = png.toString('latin1', at + 4, at + 8);
    const content = png.subarray(at + 8, at + 8 + length);
    if (name === 'IHDR') {
      const header = Buffer.from(content);
      const levels = 2 ** header[8]; // bits per pixel
      header[9] = 3; // pixels are indices of a palette
      chunks.push(chunk('IHDR', header), chunk('PLTE', Buffer.from(Array.from({ length: levels * 3 }, (_, i) => Math.floor(i / 3)))));
    } else if (name === 'IDAT' || name === 'IEND') {
      chunks.push(png.subarray(at, at + frame + length));
    }
    at += frame + length;
  }
  return Buffer.concat([png.subarray(0, signature), ...chunks]);
}

function chunk(name: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
  const bytes = Buffer.alloc(content.length + frame);
  bytes.writeUInt32BE(content.length);
  named.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(named), content.length + 8);
  return bytes;
}
