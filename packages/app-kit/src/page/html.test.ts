import { describe, expect, it } from 'vitest';
import { html, json, raw } from './html';

describe('html', () => {
  it('escapes what is put in, unless it is markup', () => {
    expect(html`<b>${'<i>&"'}</b>${[1, html`<hr>`]}${undefined}${raw('<br>')}`.html).toBe('<b>&lt;i&gt;&amp;&quot;</b>1<hr><br>');
  });

  it('keeps JSON from ending its script element', () => {
    const text = json({ name: '</script><script>' }).html;
    expect(text).not.toContain('</script>');
    expect(JSON.parse(text)).toEqual({ name: '</script><script>' });
  });
});
