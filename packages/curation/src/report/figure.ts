import { html, type Html } from '@dinov2/app-kit';
import type { Thumbnail } from './thumbnails';

/** A picture with what is said of it below. */
export function figure({ image, path, width, height }: Thumbnail, caption: string | Html = '', mark: 'kept' | 'dropped' | '' = ''): Html {
  const size = width === undefined ? '' : ` · ${width} × ${height}`;
  return html`<figure class="${mark}" title="${path}${size}"><span>${image === '' ? '' : html`<img src="${image}" alt="${path.split('/').at(-1) ?? ''}" loading="lazy">`}</span>${caption === '' ? '' : html`<figcaption>${caption}</figcaption>`}</figure>`;
}

export const count = (value: number): string => value.toLocaleString('en');
export const percent = (share: number, digits = 1): string => (Number.isFinite(share) ? `${(100 * share).toFixed(digits)} %` : '–');

/** `1 group`, `2 groups` */
export const several = (value: number, one: string, many = `${one}s`): string => `${count(value)} ${value === 1 ? one : many}`;
