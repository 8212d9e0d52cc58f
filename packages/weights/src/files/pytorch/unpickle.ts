/** What a pickle may build: plain containers, scalars, and what the allowed constructors return. */
export type Pickled =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickled[]
  | Map<string | number | bigint | boolean, Pickled>
  | object;

/** A name that a pickle may use, with the constructor of ours that stands for it, if it may be called. */
export class PickledName {
  constructor(
    readonly name: string,
    readonly call?: (args: readonly Pickled[], charge: (size: number) => void) => Pickled,
  ) {}
}

/** What is wrong with a pickle; `refused` holds the name that it wanted and may not have. */
export class PickleFault extends Error {
  constructor(
    message: string,
    readonly refused?: { readonly module: string; readonly name: string },
  ) {
    super(message);
  }
}

export interface PickleEnvironment {
  /** The allow-list: what a name stands for, or `undefined` to refuse it. */
  find(module: string, name: string): PickledName | undefined;
  /** The storage that a persistent id stands for. */
  load(id: Pickled): Pickled;
}

// A tensor of a state dict takes some sixty operations: this is room for 60,000 tensors. Each makes one
// small object at most, so memory stays within a few hundred megabytes whatever a pickle says.
const maximumOperations = 4_000_000;
// A dict takes as much memory as several other objects.
const dictOperations = 10;
const maximumIntegerBytes = 256;

/**
 * Run a pickle of protocol 2 to 5 without executing anything: names are looked up in the allow-list,
 * and only constructors from it are called. It is a stack machine without recursion.
 *
 * The format is defined by `pickletools.py` of CPython.
 *
 * @throws PickleFault at the first operation that is not allowed or makes no sense.
 */
export function unpickle(bytes: Uint8Array, environment: PickleEnvironment): Pickled {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stack: Pickled[] = [];
  const marks: number[] = [];
  const memo = new Map<number, Pickled>();
  let position = 0;
  let budget = maximumOperations;

  const charge = (size: number): void => {
    budget -= size;
    if (budget < 0) throw new PickleFault(`it takes more than ${maximumOperations} operations`);
  };
  /** Step over `count` bytes and return where they start. */
  const take = (count: number): number => {
    const start = position;
    if (count > bytes.length - start) throw new PickleFault(`it ends within an operation at byte ${start}`);
    position += count;
    return start;
  };
  const byte = (): number => bytes[take(1)];
  const int32 = (): number => view.getInt32(take(4), true);
  const uint32 = (): number => view.getUint32(take(4), true);
  const uint64 = (): number => Number(view.getBigUint64(take(8), true));
  const slice = (count: number): Uint8Array => bytes.slice(take(count), position);
  const text = (count: number): string => {
    const start = take(count);
    try {
      return utf8.decode(bytes.subarray(start, position));
    } catch {
      throw new PickleFault(`it has text at byte ${start} that is not UTF-8`);
    }
  };
  const line = (): string => {
    const end = bytes.indexOf(newline, position);
    if (end < 0) throw new PickleFault(`it ends within a line at byte ${position}`);
    const result = text(end - position);
    position++;
    return result;
  };
  const integer = (count: number): number | bigint => {
    if (count > maximumIntegerBytes) throw new PickleFault(`it has an integer of ${count} bytes`);
    const start = take(count);
    let value = 0n;
    for (let i = count - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[start + i]);
    if (count > 0 && bytes[start + count - 1] & 0x80) value -= 1n << BigInt(8 * count);
    return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  };

  const pop = (): Pickled => {
    if (stack.length <= (marks.at(-1) ?? 0)) throw new PickleFault(`it takes from an empty stack at byte ${position}`);
    return stack.pop()!;
  };
  const popMark = (): Pickled[] => {
    const mark = marks.pop();
    if (mark === undefined) throw new PickleFault(`it takes a list that was not begun at byte ${position}`);
    return stack.splice(mark);
  };
  const popTuple = (count: number): Pickled[] => {
    const items = Array.from({ length: count }, pop);
    return items.reverse();
  };
  const top = (): Pickled => {
    const value = pop();
    stack.push(value);
    return value;
  };
  const topList = (): Pickled[] => {
    const value = top();
    if (!Array.isArray(value)) throw new PickleFault(`it appends to ${describe(value)} at byte ${position}`);
    return value;
  };
  const setItems = (items: readonly Pickled[]): void => {
    const target = top();
    if (!(target instanceof Map)) throw new PickleFault(`it sets an item of ${describe(target)} at byte ${position}`);
    if (items.length % 2 !== 0) throw new PickleFault(`it has a key without a value at byte ${position}`);
    for (let i = 0; i < items.length; i += 2) {
      const key = items[i];
      if (!['string', 'number', 'bigint', 'boolean'].includes(typeof key)) {
        throw new PickleFault(`it has ${describe(key)} as a key of a dict, where text and numbers are read`);
      }
      target.set(key as string, items[i + 1]);
    }
  };
  const remembered = (index: number): Pickled => {
    if (!memo.has(index)) throw new PickleFault(`it recalls value ${index}, which it never stored`);
    return memo.get(index)!;
  };
  const find = (module: Pickled, name: Pickled): PickledName => {
    if (typeof module !== 'string' || typeof name !== 'string') throw new PickleFault(`it looks up a name that is not text at byte ${position}`);
    const found = environment.find(module, name);
    if (found === undefined) throw new PickleFault('it uses a name that is not allowed', { module, name });
    return found;
  };
  const call = (callee: Pickled, args: Pickled): Pickled => {
    if (!(callee instanceof PickledName) || callee.call === undefined || !Array.isArray(args)) {
      throw new PickleFault(`it calls ${describe(callee)}, which is not a function`);
    }
    charge(dictOperations);
    return callee.call(args, charge);
  };

  if (byte() !== op('\x80')) throw new PickleFault('it does not start as a pickle of protocol 2 or newer');
  const protocol = byte();
  if (protocol < 2 || protocol > 5) throw new PickleFault(`it has protocol ${protocol}, where 2 to 5 are read`);

  for (;;) {
    charge(1);
    const start = position;
    const code = byte();
    switch (code) {
      case op('.'): {
        const result = pop();
        if (stack.length > 0 || marks.length > 0) throw new PickleFault('it stops with values left over');
        if (position < bytes.length) throw new PickleFault(`${bytes.length - position} bytes follow its end`);
        return result;
      }
      case op('\x95'): // FRAME: a hint for buffered readers
        take(8);
        break;
      case op('('):
        marks.push(stack.length);
        break;
      case op('0'): // POP, which takes a mark if that is on top
        if (marks.at(-1) === stack.length) marks.pop();
        else pop();
        break;
      case op('1'):
        popMark();
        break;
      case op('2'):
        stack.push(top());
        break;

      case op('N'):
        stack.push(null);
        break;
      case op('\x88'):
        stack.push(true);
        break;
      case op('\x89'):
        stack.push(false);
        break;
      case op('J'):
        stack.push(int32());
        break;
      case op('K'):
        stack.push(byte());
        break;
      case op('M'):
        stack.push(view.getUint16(take(2), true));
        break;
      case op('\x8a'):
        stack.push(integer(byte()));
        break;
      case op('\x8b'):
        stack.push(integer(uint32()));
        break;
      case op('G'):
        stack.push(view.getFloat64(take(8), false));
        break;
      case op('\x8c'):
        stack.push(text(byte()));
        break;
      case op('X'):
        stack.push(text(uint32()));
        break;
      case op('\x8d'):
        stack.push(text(uint64()));
        break;
      case op('C'):
        stack.push(slice(byte()));
        break;
      case op('B'):
        stack.push(slice(uint32()));
        break;
      case op('\x8e'):
      case op('\x96'): // BYTEARRAY8
        stack.push(slice(uint64()));
        break;

      case op(')'):
      case op(']'):
      case op('\x8f'): // EMPTY_SET
        stack.push([]);
        break;
      case op('}'):
        charge(dictOperations);
        stack.push(new Map());
        break;
      case op('t'):
      case op('l'):
      case op('\x91'): // FROZENSET
        stack.push(popMark());
        break;
      case op('d'): {
        charge(dictOperations);
        const items = popMark();
        stack.push(new Map());
        setItems(items);
        break;
      }
      case op('\x85'):
        stack.push(popTuple(1));
        break;
      case op('\x86'):
        stack.push(popTuple(2));
        break;
      case op('\x87'):
        stack.push(popTuple(3));
        break;
      case op('a'): {
        const item = pop();
        topList().push(item);
        break;
      }
      case op('e'):
      case op('\x90'): { // ADDITEMS
        const items = popMark();
        const list = topList();
        for (const item of items) list.push(item);
        break;
      }
      case op('s'): {
        const value = pop();
        const key = pop();
        setItems([key, value]);
        break;
      }
      case op('u'):
        setItems(popMark());
        break;

      case op('q'):
        memo.set(byte(), top());
        break;
      case op('r'):
        memo.set(uint32(), top());
        break;
      case op('\x94'):
        memo.set(memo.size, top());
        break;
      case op('h'):
        stack.push(remembered(byte()));
        break;
      case op('j'):
        stack.push(remembered(uint32()));
        break;

      case op('c'): {
        const module = line();
        stack.push(find(module, line()));
        break;
      }
      case op('\x93'): {
        const name = pop();
        stack.push(find(pop(), name));
        break;
      }
      case op('i'): { // INST: look up and call
        const module = line();
        const callee = find(module, line());
        stack.push(call(callee, popMark()));
        break;
      }
      case op('R'):
      case op('\x81'): { // NEWOBJ: a class and its arguments
        const args = pop();
        stack.push(call(pop(), args));
        break;
      }
      case op('b'): {
        // Attributes of a dict: those that state_dict() adds say nothing of the tensors.
        pop();
        if (!(top() instanceof Map)) throw new PickleFault(`it sets attributes of ${describe(top())}`);
        break;
      }
      case op('Q'):
        stack.push(environment.load(pop()));
        break;

      default:
        throw new PickleFault(`it has operation 0x${code.toString(16).padStart(2, '0')} at byte ${start}, which files of torch.save do not have`);
    }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const newline = 10;
const op = (character: string): number => character.charCodeAt(0);

/** A value in words, for messages. */
function describe(value: Pickled): string {
  if (value === null) return 'None';
  if (value instanceof PickledName) return value.name;
  if (value instanceof Map) return 'a dict';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Uint8Array) return 'bytes';
  return typeof value === 'object' ? 'a tensor or storage' : `a ${typeof value}`;
}
