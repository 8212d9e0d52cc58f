// The engine that a measurement runs on.

/**
 * @param options.name - `xla`, or `onnx` to try the scripts where there is no plugin.
 * @param options.plugin - path of a PJRT plugin; the first one found by default.
 * @param options.cache - folder of compiled steps, null for none.
 * @param options.pluginOptions - `name=value` texts for the plugin.
 */
export async function openEngine({ name = 'xla', plugin, cache = null, pluginOptions = [] }) {
  if (name === 'onnx') {
    const { onnxEngine } = await import('@dinov2/engine-onnx');
    return onnxEngine();
  }
  const { findPlugins, xlaEngine } = await import('@dinov2/engine-xla');
  const path = plugin ?? (await findPlugins()).find(({ usable }) => usable)?.path;
  if (path === undefined) {
    throw new Error(
      'no PJRT plugin was found; pass --plugin PATH, e.g. that of jax-cuda13-pjrt or jax-cuda12-pjrt in a Python environment',
    );
  }
  const options = Object.fromEntries(
    pluginOptions.map((text) => {
      const [key, value] = text.split('=');
      return [key, value === 'true' ? true : value === 'false' ? false : Number.isNaN(Number(value)) ? value : Number(value)];
    }),
  );
  return xlaEngine({ plugin: path, cacheFolder: cache, pluginOptions: options });
}
