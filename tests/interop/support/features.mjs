import { jit, mapTree } from '@dinov2/jit';
import { forwardFeatures, getIntermediateLayers } from '@dinov2/vit';

/**
 * A function from images (B, H, W, 3) to all outputs of a model by name, compiled on `engine`: `cls`, `registers`,
 * `patches` after the final norm, `layers.I.…` for the last `count` blocks, and `raw.…` of the last without norm.
 */
export function allFeatures(engine, { config, parameters }, count) {
  const options = { returnClassToken: true, returnRegisterTokens: true };
  const named = (prefix, { clsToken, registerTokens, patchTokens }) => ({
    [`${prefix}cls`]: clsToken,
    [`${prefix}patches`]: patchTokens,
    ...(config.registers > 0 && { [`${prefix}registers`]: registerTokens }),
  });
  const compiled = jit(
    (params, images) =>
      Object.assign(
        named('', forwardFeatures(params, config, images)),
        ...getIntermediateLayers(params, config, images, count, options).map((layer, i) =>
          named(`layers.${config.depth - count + i}.`, layer),
        ),
        ...getIntermediateLayers(params, config, images, 1, { ...options, norm: false }).map((layer) =>
          named('raw.', layer),
        ),
      ),
    { engine },
  );
  const resident = mapTree(parameters, ({ data, shape }) => engine.put(data, [...shape], 'float32'));
  return {
    async run(images) {
      const arrays = await compiled(resident, images);
      const values = {};
      for (const [name, array] of Object.entries(arrays)) {
        values[name] = await array.data();
        array.dispose();
      }
      return values;
    },
    dispose: () => mapTree(resident, (array) => array.dispose()),
  };
}
