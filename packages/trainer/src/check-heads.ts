import type { HostArray } from '@dinov2/jit';
import { checkParameters, type HeadConfig, headParameterShapes } from '@dinov2/vit';
import { TrainerError } from './errors';
import type { Submodules } from './state';

/**
 * Check that given heads are the expected ones.
 *
 * @param expected.ibot - absent where masked patches go through the DINO head.
 * @throws TrainerError with the sizes of both where they differ.
 */
export function checkHeads(
  expected: { readonly dino: HeadConfig; readonly ibot?: HeadConfig },
  { dinoHead, ibotHead }: Partial<Submodules<HostArray>>,
): void {
  if (dinoHead !== undefined) checkHead('dino', expected.dino, dinoHead);
  if (ibotHead === undefined) {
    if (dinoHead === undefined || expected.ibot === undefined) return;
    throw new TrainerError(
      'The weights to start from have one head for both losses and this configuration has an iBOT head of its own; set ibot.separateHead to false, or leave the heads out.',
    );
  }
  if (expected.ibot === undefined) {
    throw new TrainerError(
      'The weights to start from have an iBOT head of their own and this configuration has none; set ibot.separateHead to true, or leave the heads out.',
    );
  }
  checkHead('ibot', expected.ibot, ibotHead);
}

function checkHead(loss: 'dino' | 'ibot', wanted: HeadConfig, head: Readonly<Record<string, HostArray>>): void {
  try {
    checkParameters(head, headParameterShapes(wanted));
  } catch (cause) {
    const found = headSizes(head);
    const differing = (Object.keys(wanted) as (keyof HeadConfig)[]).filter((key) => found?.[key] !== wanted[key]);
    if (found === undefined || differing.length === 0) {
      throw new TrainerError(`The ${loss} head to start from does not fit: ${(cause as Error).message}.`, { cause });
    }
    const list = differing.map((key) => `${loss}.head.${key} is ${wanted[key]}, in the weights ${found[key]}`).join('; ');
    throw new TrainerError(`The ${loss} head to start from does not fit: ${list}. Set the values of the weights, or leave the heads out.`, { cause });
  }
}

/** Sizes of a head by its shapes; undefined if it is none. */
function headSizes(head: Readonly<Record<string, HostArray>>): HeadConfig | undefined {
  const shape = (name: string): readonly number[] | undefined => head[name]?.shape;
  const [prototypes, bottleneckDim] = shape('last_layer.weight_v') ?? [];
  const layers = Object.keys(head).filter((name) => /^mlp\b.*\.weight$/.test(name)).length;
  const [first, inputDim] = shape('mlp.0.weight') ?? shape('mlp.weight') ?? [];
  if (prototypes === undefined || bottleneckDim === undefined || first === undefined || inputDim === undefined) return undefined;
  return { inputDim, prototypes, hiddenDim: first, bottleneckDim, layers };
}
