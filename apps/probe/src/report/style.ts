/** Rules for what only these reports have: galleries, wide tables, gains and losses. */
export const style = `
.wide { overflow-x: auto; }
.numbers td.best { font-weight: 620; color: var(--accent); }
.numbers td.chosen { min-width: 14em; white-space: normal; }
.numbers tr.baseline td { color: var(--soft); }
.numbers .up { color: var(--good); }
.numbers .down { color: var(--bad); }
details { margin-top: 18px; }
summary { cursor: pointer; color: var(--soft); }
.gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 12px 8px; }
.gallery figure, .query figure, .sheet figure { margin: 0; }
.gallery img, .query img, .sheet img { display: block; width: 100%; border-radius: 5px; }
.gallery figcaption, .query figcaption, .sheet figcaption { margin-top: 3px; overflow: hidden; color: var(--soft); font-size: 11px; line-height: 1.35; text-overflow: ellipsis; }
.gallery .wrong, .query .wrong { color: var(--bad); }
.gallery .right, .query .right { color: var(--good); }
.sheet { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px; max-width: 760px; }
.sheet img { image-rendering: pixelated; }
.queries { display: grid; gap: 10px; }
.query { display: grid; grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); gap: 8px; padding-bottom: 10px; border-bottom: 1px solid var(--line); }
.query figure:first-child img { box-shadow: 0 0 0 2px var(--c3); }
`;
