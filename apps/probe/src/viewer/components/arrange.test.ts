import fc from 'fast-check';
import { expect, it } from 'vitest';
import { arrange, CAPTION, PANEL_GAP } from './arrange';

it('shows all panels at once where that leaves them large enough, else as wide as the screen', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.constantFrom(1, 2), fc.double({ min: 0.5, max: 2, noNaN: true }), fc.integer({ min: 300, max: 1600 }), fc.integer({ min: 300, max: 1000 }), (images, group, aspect, width, height) => {
      const count = images * group;
      const { across, panelWidth } = arrange(count, group, aspect, { width, height });
      expect(across % group).toBe(0);
      expect(across * panelWidth + (across - 1) * PANEL_GAP).toBeLessThanOrEqual(width);
      const down = Math.ceil(count / across);
      const used = down * (panelWidth / aspect + CAPTION) + (down - 1) * PANEL_GAP;
      const scrolled = across === group;
      expect(scrolled || used <= height + 1).toBe(true);
    }),
  );
});
