import { WeightsError } from '../../errors';
import type { PickleFault } from './unpickle';

/** What to tell of a pickle that was not run to its end. */
export function refusal(path: string, { message, refused }: PickleFault): WeightsError {
  if (refused === undefined) {
    return new WeightsError(`${path} cannot be read: of its pickle, ${message}. Copy or download it again, or ${resave}.`);
  }
  const name = `${refused.module}.${refused.name}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 200);
  const [, remedy] = remedies.find(([pattern]) => pattern.test(name))!;
  return new WeightsError(
    `${path} is refused: it wants to call ${name}, which is none of the constructors of tensors and plain values. Nothing was executed. ${remedy}.`,
  );
}

const resave = 'in Python, save its tensors alone: torch.save(model.state_dict(), "weights.pth")';

const remedies: readonly (readonly [RegExp, string])[] = [
  [/^torch\.distributed\./, 'It holds the shards of a distributed run: gather the full state dict there, and torch.save it from one process'],
  [/_rebuild_(meta|sparse|qtensor|nested|device|wrapper)/, 'Its tensors are not dense arrays: save tensor.dequantize() or tensor.to_dense() of them'],
  [/^(torch\.nn|torchvision|timm|transformers|dinov2|dinov3|__main__)\b/, `It holds a whole model rather than its weights; ${resave}`],
  [/^(numpy|argparse|omegaconf|pathlib)\b/, `It holds settings or results beside the weights; ${resave}`],
  [/^/, `If it comes from a source you trust, ${resave}`],
];
