import type { Preprocessing } from '@dinov2/augment';

/** What the build says about the page's own model. */
export interface About {
  /** A sentence on where the model comes from. */
  readonly model: string;
  /** A sentence on the example picture. */
  readonly example: string;
  /** Patches along the longer side that the page starts with. */
  readonly patches: number;
  readonly preprocessing: Pick<Preprocessing, 'mean' | 'std'>;
}

/** What the build packed into the page: gzipped, in base64, each in a script element of its own. */
export async function unpack(): Promise<{ about: About; code: string; runtime: Blob; model: Blob; example: Blob }> {
  const about = JSON.parse(take('about')) as About;
  const [code, runtime, model, example] = await Promise.all(['worker', 'runtime', 'model', 'example-picture'].map(inflate));
  return { about, code: await code!.text(), runtime: runtime!, model: model!, example: example! };
}

async function inflate(id: string): Promise<Blob> {
  const packed = await fetch(`data:application/gzip;base64,${take(id)}`);
  return new Response(packed.body!.pipeThrough(new DecompressionStream('gzip'))).blob();
}

/** Text of a packed element, which is removed: a model is too large to be kept twice. */
function take(id: string): string {
  const element = document.getElementById(`packed-${id}`)!;
  const text = element.textContent.trim();
  element.remove();
  return text;
}
