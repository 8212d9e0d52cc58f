/** Rules for what only this report has: a picture and its neighbours before and after training. */
export const style = `
.neighbours { display: grid; gap: 10px; }
.row { display: grid; grid-template-columns: 84px repeat(2, minmax(0, 1fr)); gap: 22px; align-items: start; }
.row .set { display: grid; grid-template-columns: repeat(5, 1fr); gap: 6px; }
.row.heads { align-items: end; margin-bottom: 0; }
.row figure { margin: 0; }
.row img { display: block; width: 100%; aspect-ratio: 1; border-radius: 5px; }
.row figcaption { margin-top: 3px; overflow: hidden; color: var(--soft); font-size: 11px; line-height: 1.3; text-overflow: ellipsis; white-space: nowrap; }
.row .right img { box-shadow: 0 0 0 2px var(--good); }
.row .wrong img { opacity: .55; }
.row .right figcaption { color: var(--good); }
@media (max-width: 700px) { .row { grid-template-columns: 64px 1fr; } .row .set.before, .row.heads .before { display: none; } }
`;
