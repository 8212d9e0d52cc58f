/** Arguments that every program here takes, for `parseArgs`. */
export const common = {
  engine: { type: 'string', default: 'xla' },
  plugin: { type: 'string' },
  'plugin-option': { type: 'string', multiple: true },
  cache: { type: 'string' },
};

/** What {@link common} says of the engine. */
export const engineOptions = (values) => ({
  name: values.engine,
  plugin: values.plugin,
  cache: values.cache ?? null,
  pluginOptions: values['plugin-option'],
});

/** A line that run.mjs reads. */
export const say = (event) => console.log(JSON.stringify(event));
