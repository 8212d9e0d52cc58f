import { namedValue, namedValueType } from './layouts';
import { addressOf, bytesAt, textAt, utf8 } from './memory';
import { decode, encodeArray, keep, layout } from './struct';

/** Options of a plugin by name. Whole numbers are passed as 64-bit integers, other numbers as floats. */
export type PluginOptions = Readonly<Record<string, string | number | boolean>>;

/** Options as an array of `PJRT_NamedValue`. */
export function encodeNamedValues(options: PluginOptions): Uint8Array<ArrayBuffer> {
  const texts: Uint8Array[] = [];
  const text = (value: string): Uint8Array => {
    const bytes = utf8(value);
    texts.push(bytes);
    return bytes;
  };
  const list = Object.entries(options).map(([key, value]) => {
    const name = text(key);
    const common = { struct_size: layout(namedValue).size, name, name_size: name.length };
    if (typeof value === 'string') {
      const bytes = text(value);
      return { ...common, type: namedValueType.text, value: addressOf(bytes), value_size: bytes.length };
    }
    if (typeof value === 'boolean') return { ...common, type: namedValueType.bool, value: value ? 1 : 0, value_size: 1 };
    if (Number.isInteger(value)) return { ...common, type: namedValueType.int64, value, value_size: 1 };
    return { ...common, type: namedValueType.float, value: new Uint32Array(Float32Array.of(value).buffer)[0]!, value_size: 1 };
  });
  return keep(encodeArray(namedValue, list), texts);
}

/** The whole numbers among the named values at an address. */
export function readIntegers(address: bigint, count: number): Record<string, number> {
  const { size } = layout(namedValue);
  const entries = Array.from({ length: count }, (_, i) => decode(namedValue, bytesAt(address + BigInt(i * size), size)));
  return Object.fromEntries(
    entries.filter(({ type }) => type === namedValueType.int64).map(({ name, name_size, value }) => [textAt(name, name_size), value]),
  );
}
