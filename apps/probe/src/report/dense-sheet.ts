import { html, type Html } from '@dinov2/app-kit';
import { classColour } from '../pictures/class-colours';
import { type Picture, pngUri } from '../pictures/picture';

/** One test picture: itself, the truth and the prediction. */
export interface SheetRow {
  readonly name: string;
  readonly pictures: readonly Picture[];
}

/** Test pictures with truth and prediction, with a key of the classes if there are any. */
export async function denseSheet(rows: readonly SheetRow[], classes: readonly string[] = [], note = ''): Promise<Html> {
  const figures = await Promise.all(
    rows.map(async ({ name, pictures }) => {
      const [image, truth, prediction] = await Promise.all(pictures.map(pngUri));
      return html`<figure><img src="${image!}" alt="${name}" title="${name}"></figure><figure><img src="${truth!}" alt="truth"></figure><figure><img src="${prediction!}" alt="prediction"></figure>`;
    }),
  );
  return html`<section><h2>Test pictures</h2><p>Picture, truth, prediction. ${note}</p>
${classes.length > 0 && html`<ul class="key" style="margin-bottom: 14px">${classes.map((name, i) => html`<li><i style="color: rgb(${classColour(i).join(',')}); height: 9px"></i>${name}</li>`)}</ul>`}
<div class="sheet" id="sheet">${figures}</div></section>`;
}
