/** Style sheet of a page. Colours are variables, so light and dark differ only here. */
export const pageStyle = `
:root {
  color-scheme: light dark;
  --page: #fcfcfb; --card: #ffffff; --line: #e6e4df; --text: #1f1f1d; --soft: #6b6a65; --faint: #97958e;
  --accent: #2f6f4f; --c1: #2f6f4f; --c2: #b4572b; --c3: #3d6fb5; --c4: #8a5aa8; --good: #2f8a5b; --bad: #c8553d;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #161615; --card: #1d1d1b; --line: #33322f; --text: #ebe9e4; --soft: #a5a39c; --faint: #77756f;
    --accent: #7cc6a0; --c1: #7cc6a0; --c2: #e39a6c; --c3: #86b0ea; --c4: #c49be0; --good: #6cc795; --bad: #ea8a74;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.55 ui-sans-serif, system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums; -webkit-font-smoothing: antialiased;
}
main { max-width: 1080px; margin: 0 auto; padding: 56px 28px 72px; }
.eyebrow { margin: 0 0 6px; color: var(--soft); font-size: 13px; letter-spacing: .01em; }
h1 { margin: 0; font-size: 34px; line-height: 1.15; font-weight: 620; letter-spacing: -.02em; text-wrap: balance; }
.lede { margin: 14px 0 0; max-width: 66ch; color: var(--soft); font-size: 16.5px; text-wrap: pretty; }
.warning { margin: 18px 0 0; max-width: 72ch; padding: 12px 16px; border: 1px solid var(--bad); border-radius: 8px; }
.warning b { color: var(--bad); }
.warning small { display: block; margin-top: 4px; color: var(--soft); }
.lede b { color: var(--text); font-weight: 600; }
h2 { margin: 0; font-size: 18px; font-weight: 620; letter-spacing: -.01em; }
h3 { margin: 0; font-size: 13px; font-weight: 600; }
section { margin-top: 56px; }
section > p { margin: 6px 0 20px; max-width: 72ch; color: var(--soft); text-wrap: pretty; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px; margin-top: 32px;
  border: 1px solid var(--line); border-radius: 10px; overflow: hidden; background: var(--line); }
.facts div { padding: 14px 18px; background: var(--card); }
.facts dt { color: var(--soft); font-size: 12.5px; }
.facts dd { margin: 2px 0 0; font-size: 22px; font-weight: 600; letter-spacing: -.01em; }
.facts small { color: var(--faint); font-size: 13px; font-weight: 400; }
.split { display: grid; grid-template-columns: minmax(0, 1fr) 280px; gap: 36px; align-items: start; }
@media (max-width: 820px) { .split { grid-template-columns: 1fr; } main { padding: 32px 18px 56px; } h1 { font-size: 27px; } }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { padding: 6px 0; border-bottom: 1px solid var(--line); text-align: left; font-weight: 400; vertical-align: top; }
th { color: var(--soft); }
td + td, th + th { padding-left: 14px; }
.numbers td:not(:first-child), .numbers th:not(:first-child) { text-align: right; white-space: nowrap; }
.numbers tr.strong td { font-weight: 620; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(310px, 1fr)); gap: 30px 28px; }
.chart h3 { display: flex; justify-content: space-between; align-items: baseline; margin-bottom: 6px; }
.chart h3 span { color: var(--faint); font-weight: 400; }
.key { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 4px 0 0; padding: 0; list-style: none; color: var(--soft); font-size: 12.5px; }
.key i { display: inline-block; width: 12px; height: 2.5px; margin-right: 6px; border-radius: 2px; background: currentColor; vertical-align: middle; }
.key i.dashed { background: repeating-linear-gradient(90deg, currentColor 0 4px, transparent 4px 7px); }
.key b { margin-left: 5px; color: var(--text); font-weight: 500; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(470px, 1fr)); gap: 14px 28px; }
@media (max-width: 560px) { .pictures { grid-template-columns: 1fr; } }
.strip { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; }
.strip figure { margin: 0; }
.strip img { display: block; width: 100%; aspect-ratio: 1; border-radius: 5px; }
.strip .patches { image-rendering: pixelated; }
.heads { margin-bottom: 8px; color: var(--soft); font-size: 12.5px; }
.settings { columns: 2 420px; column-gap: 44px; }
.settings table { break-inside: avoid; margin-bottom: 18px; }
.settings caption { padding-bottom: 4px; text-align: left; font-size: 13px; font-weight: 600; }
.settings td:last-child { text-align: right; overflow-wrap: anywhere; }
.settings td:first-child { color: var(--soft); }
footer { margin-top: 56px; color: var(--faint); font-size: 12.5px; }
footer a, section a { color: inherit; }
code { font: 12.5px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
`;
