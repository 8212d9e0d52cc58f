/** Rules for what only this report has: streams, rows of pictures, pairs. */
export const style = `
.wide { overflow-x: auto; }
.numbers td.chosen, .numbers th.chosen { min-width: 15em; white-space: normal; text-align: left; }
.reason { display: inline-block; margin-right: 12px; color: var(--soft); white-space: nowrap; }
.reason b { color: var(--text); font-weight: 500; }
small { color: var(--faint); font-weight: 400; }
section > h3 { margin: 26px 0 10px; }
.streams { display: block; width: 100%; min-width: 720px; height: auto; margin-bottom: 4px; }
.streams text { fill: var(--soft); font-size: 12px; }
.streams .name { fill: var(--text); font-weight: 600; }
#funnel table { margin-top: 22px; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(76px, 1fr)); gap: 8px; }
.row figure, .pair figure { margin: 0; min-width: 0; }
figure span { display: flex; align-items: center; justify-content: center; aspect-ratio: 1; border-radius: 6px; background: var(--line); overflow: hidden; }
figure img { display: block; max-width: 100%; max-height: 100%; }
figure.kept span { box-shadow: 0 0 0 2px var(--good); }
figcaption { margin-top: 3px; overflow: hidden; color: var(--soft); font-size: 11px; line-height: 1.35; text-overflow: ellipsis; white-space: nowrap; }
.group { display: grid; grid-template-columns: 92px minmax(0, 1fr); gap: 14px; padding: 12px 0; border-bottom: 1px solid var(--line); }
.group > p { margin: 0; font-size: 17px; font-weight: 600; line-height: 1.3; }
.group > p small { font-size: 12px; }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr)); gap: 0 28px; }
.pairs { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 16px 18px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 5px; }
.pair p { grid-column: 1 / -1; margin: 0; color: var(--soft); font-size: 12px; }
details { margin-top: 12px; }
summary { cursor: pointer; color: var(--soft); }
pre { overflow-x: auto; font: 12.5px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
td code { overflow-wrap: anywhere; }
@media (max-width: 560px) { .group { grid-template-columns: 1fr; gap: 6px; } .row { grid-template-columns: repeat(auto-fill, minmax(58px, 1fr)); gap: 6px; } .pairs { grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); } }
`;
