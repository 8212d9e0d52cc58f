/** Fields that transformers refuses as whole numbers: its configurations check for Python's `float`. */
const floats: ReadonlySet<string> = new Set([
  'layer_norm_eps',
  'layerscale_value',
  'initializer_range',
  'rope_theta',
  'pos_embed_rescale',
  'image_mean',
  'image_std',
  'rescale_factor',
]);

/** JSON in which floats have a point: `100.0`. */
export function pythonJson(value: unknown): string {
  const marked = (number: number): string => `float ${number}${Number.isInteger(number) ? '.0' : ''}`;
  const text = JSON.stringify(
    value,
    (key, field: unknown) => {
      if (!floats.has(key)) return field;
      if (typeof field === 'number') return marked(field);
      return Array.isArray(field) ? field.map(marked) : field;
    },
    2,
  );
  return `${text.replace(/"float ([^"]*)"/g, '$1')}\n`;
}
