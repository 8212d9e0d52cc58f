/** Text that is markup already. */
export interface Html {
  readonly html: string;
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

type Piece = string | number | Html | undefined | false | readonly Piece[];

const render = (piece: Piece): string => {
  if (piece === undefined || piece === false) return '';
  if (typeof piece === 'string' || typeof piece === 'number') return String(piece).replace(/[&<>"']/g, (c) => escapes[c]!);
  return 'html' in piece ? piece.html : piece.map(render).join('');
};

/** Markup from a template; everything put in is escaped unless it is markup itself. */
export function html(strings: TemplateStringsArray, ...pieces: readonly Piece[]): Html {
  return { html: strings.reduce((text, part, i) => text + render(pieces[i - 1]) + part) };
}

/** Trusted markup, scripts and styles. */
export const raw = (text: string): Html => ({ html: text });

/** A value as JSON that cannot end the script element it stands in. */
export const json = (value: unknown): Html => raw(JSON.stringify(value).replace(/</g, '\\u003c'));
