import { type Dtype, dtypes } from '../dtypes';
import { type Pickled, PickledName, PickleFault } from './unpickle';
import { maximumRank, PickledStorage, PickledTensor, viewFault } from './view';

/**
 * The names that a pickle of weights may use, after those that `torch.load(weights_only=True)` allows:
 * constructors of containers, of tensors and of what describes tensors. Everything else is refused.
 */
export function findAllowed(module: string, name: string): PickledName | undefined {
  return names.get(`${module}.${name}`);
}

/** The storage that a persistent id `("storage", type, key, location, elements)` of torch.save names. */
export function storageOf(id: Pickled): PickledStorage {
  const [kind, type, key, , elements] = Array.isArray(id) ? id : [];
  if (kind !== 'storage' || !(type instanceof PickledName) || typeof key !== 'string' || !isSize(elements)) {
    throw new PickleFault('it refers to data in a way that torch.save does not');
  }
  const dtype = dtypeNamed(type, storageDtypes);
  return new PickledStorage(dtype, key, elements);
}

const storageDtypes: Readonly<Record<string, Dtype | undefined>> = {
  FloatStorage: 'F32',
  DoubleStorage: 'F64',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ByteStorage: 'U8',
  UntypedStorage: 'U8',
  BoolStorage: 'BOOL',
  ShortStorage: undefined,
  CharStorage: undefined,
  ComplexFloatStorage: undefined,
  ComplexDoubleStorage: undefined,
  QInt8Storage: undefined,
  QInt32Storage: undefined,
  QUInt8Storage: undefined,
};

const torchDtypes: Readonly<Record<string, Dtype | undefined>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  uint8: 'U8',
  bool: 'BOOL',
  ...Object.fromEntries(
    [
      'int8', 'int16', 'uint16', 'uint32', 'uint64', 'complex32', 'complex64', 'complex128',
      'float8_e4m3fn', 'float8_e4m3fnuz', 'float8_e5m2', 'float8_e5m2fnuz', 'float8_e8m0fnu',
    ].map((name) => [name, undefined]),
  ),
};

const names = new Map<string, PickledName>();
const allow = (name: string, call?: PickledName['call']): void => {
  names.set(name, new PickledName(name, call));
};

// Protocol 2 writes the modules' names of Python 2.
for (const builtins of ['builtins', '__builtin__']) {
  allow(`${builtins}.dict`, () => new Map());
  allow(`${builtins}.set`, copyOfList);
  allow(`${builtins}.frozenset`, copyOfList);
  allow(`${builtins}.bytes`, copyOfBytes);
  allow(`${builtins}.bytearray`, copyOfBytes);
}
allow('collections.defaultdict', () => new Map());
allow('collections.OrderedDict', ([pairs = []], charge) => {
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && typeof pair[0] === 'string')) {
    throw new PickleFault('it makes an OrderedDict of what is no list of names and values');
  }
  charge(pairs.length);
  return new Map(pairs as [string, Pickled][]);
});
// How protocol 2 writes bytes: as text, one character each.
allow('_codecs.encode', ([text, encoding], charge) => {
  if (typeof text !== 'string' || encoding !== 'latin1') throw new PickleFault('it encodes text otherwise than as latin1');
  charge(text.length);
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
});

for (const module of ['torch', 'torch.cuda', 'torch.storage']) {
  for (const storage of Object.keys(storageDtypes)) allow(`${module}.${storage}`);
}
for (const dtype of Object.keys(torchDtypes)) allow(`torch.${dtype}`);
for (const type of ['torch.Tensor', 'torch.nn.parameter.Parameter', 'torch.nn.parameter.Buffer']) allow(type);
allow('torch.Size', ([sizes]) => sizesOf(sizes));
allow('torch.device', ([type, index]) => {
  if (typeof type !== 'string' || !(index === undefined || isSize(index))) throw new PickleFault('it has a device that is not named by text and a number');
  return index === undefined ? type : `${type}:${index}`;
});
allow('torch.serialization._get_layout', ([layout]) => {
  if (typeof layout !== 'string') throw new PickleFault('it has a layout that is not named by text');
  return layout;
});

const rebuildTensor = (args: readonly Pickled[]): PickledTensor => {
  const [storage, offset, size, stride, , , metadata] = args;
  if (metadata instanceof Map && (metadata.get('neg') || metadata.get('conj'))) {
    throw new PickleFault('it has a tensor that is negated or conjugated when read; save tensor.resolve_neg().resolve_conj()');
  }
  return tensorOf(storage, offset, size, stride);
};
const rebuildTensorOfType = (args: readonly Pickled[]): PickledTensor => {
  const [storage, offset, size, stride, , , type] = args;
  if (!(storage instanceof PickledStorage) || !(type instanceof PickledName)) throw new PickleFault('it makes a tensor of what is no storage');
  // The storage is untyped bytes here.
  const dtype = dtypeNamed(type, torchDtypes);
  return tensorOf(new PickledStorage(dtype, storage.key, Math.floor(storage.elements / dtypes[dtype].bytes)), offset, size, stride);
};
const rebuildParameter = ([data]: readonly Pickled[]): PickledTensor => {
  if (!(data instanceof PickledTensor)) throw new PickleFault('it makes a parameter of what is no tensor');
  return data;
};
allow('torch._utils._rebuild_tensor', rebuildTensor);
allow('torch._utils._rebuild_tensor_v2', rebuildTensor);
allow('torch._utils._rebuild_tensor_v3', rebuildTensorOfType);
allow('torch._utils._rebuild_parameter', rebuildParameter);
allow('torch._utils._rebuild_parameter_with_state', rebuildParameter);
// A tensor with attributes of its own: how to build it, its class, its arguments, its attributes.
allow('torch._tensor._rebuild_from_type_v2', ([build, type, args]) => {
  const plain = build instanceof PickledName && build.name.startsWith('torch._utils.') && type instanceof PickledName;
  if (!plain || build.call === undefined || !Array.isArray(args)) throw new PickleFault('it makes a tensor of an unknown class');
  return build.call(args, () => undefined);
});

function tensorOf(storage: Pickled, offset: Pickled, size: Pickled, stride: Pickled): PickledTensor {
  if (!(storage instanceof PickledStorage) || !isSize(offset)) throw new PickleFault('it makes a tensor of what is no storage');
  const tensor = new PickledTensor(storage, offset, sizesOf(size), sizesOf(stride));
  const fault = viewFault(tensor);
  if (fault !== undefined) throw new PickleFault(`a tensor in storage "${storage.key}" ${fault}`);
  return tensor;
}

function dtypeNamed(type: PickledName, table: Readonly<Record<string, Dtype | undefined>>): Dtype {
  const dtype = table[type.name.slice(type.name.lastIndexOf('.') + 1)];
  if (dtype === undefined) throw new PickleFault(`it has a tensor of type ${type.name}, which is not read; convert it with tensor.float() first`);
  return dtype;
}

function sizesOf(value: Pickled): number[] {
  if (!Array.isArray(value) || value.length > maximumRank || !value.every(isSize)) throw new PickleFault('it has a tensor whose shape is no list of sizes');
  return value as number[];
}

function isSize(value: Pickled): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function copyOfList([items = []]: readonly Pickled[], charge: (size: number) => void): Pickled {
  if (!Array.isArray(items)) throw new PickleFault('it makes a set of what is no list');
  charge(items.length);
  return items.slice();
}

function copyOfBytes([bytes = new Uint8Array(0)]: readonly Pickled[], charge: (size: number) => void): Pickled {
  if (!(bytes instanceof Uint8Array)) throw new PickleFault('it makes bytes of something else');
  charge(bytes.length);
  return bytes.slice();
}
