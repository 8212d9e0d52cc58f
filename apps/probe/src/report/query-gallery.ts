import { html, type Html, photograph } from '@dinov2/app-kit';

const SIDE = 112;

/** A picture and what was found for it. */
export interface Query {
  readonly path: string;
  readonly caption: string;
  readonly found: readonly { readonly path: string; readonly caption: string; readonly right?: boolean }[];
}

/** Queries, each in a row with what was found. */
export async function queryGallery(title: string, text: string, queries: readonly Query[], { autoOrient }: { readonly autoOrient?: boolean }): Promise<Html> {
  const figure = async (path: string, caption: string, right?: boolean): Promise<Html> => {
    // A file that changed since its features were made must not cost the report.
    const image = await photograph(path, SIDE, { autoOrient }).catch(() => '');
    return html`<figure title="${path}"><img src="${image}" alt="${caption}"><figcaption class="${right === undefined ? '' : right ? 'right' : 'wrong'}">${caption}</figcaption></figure>`;
  };
  const rows = await Promise.all(queries.map(async ({ path, caption, found }) => Promise.all([figure(path, caption), ...found.map((one) => figure(one.path, one.caption, one.right))])));
  return html`<section><h2>${title}</h2><p>${text}</p><div class="queries" id="queries">${rows.map((row) => html`<div class="query">${row}</div>`)}</div></section>`;
}
