import { html, type Html, photograph } from '@dinov2/app-kit';
import { imageFile, type ImageSource } from '@dinov2/data';

const MOST = 48;
const SIDE = 112;

/** Test pictures that got another class than theirs, spread evenly over the test set. */
export async function mistakeGallery(
  source: ImageSource,
  indices: Int32Array,
  predictions: ArrayLike<number>,
  truth: ArrayLike<number>,
  { autoOrient, by }: { readonly autoOrient?: boolean; readonly by?: string },
): Promise<Html> {
  const wrong = Array.from(indices, (_, row) => row).filter((row) => predictions[row] !== truth[row]);
  const step = Math.max(1, wrong.length / MOST);
  const shown = Array.from({ length: Math.min(MOST, wrong.length) }, (_, i) => wrong[Math.floor(i * step)]!);
  const figures = await Promise.all(
    shown.map(async (row) => {
      const path = source.paths[indices[row]!]!;
      const [is, taken] = [source.classes[truth[row]!]!, source.classes[predictions[row]!]!];
      return html`<figure title="${path}"><img src="${await photograph(await imageFile(source, indices[row]!), SIDE, { autoOrient })}" alt="${is}"><figcaption><span class="right">${is}</span><br><span class="wrong">${taken}</span></figcaption></figure>`;
    }),
  );
  return html`<section><h2>Mistakes</h2><p>${wrong.length} of ${indices.length} test pictures${by !== undefined && `, ${by}`}: their class in green, below it the one they were taken for.${wrong.length > shown.length ? ` ${shown.length} of them are shown.` : ''}</p>
<div class="gallery" id="mistakes">${figures}</div></section>`;
}
