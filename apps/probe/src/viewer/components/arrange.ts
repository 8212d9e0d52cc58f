export const PANEL_GAP = 14;
/** Of the line below a picture. */
export const CAPTION = 26;

/**
 * The number of panels across with which they are largest and all in sight, in multiples of `group`.
 *
 * @param aspect - width / height of a picture.
 */
export function arrange(count: number, group: number, aspect: number, area: { width: number; height: number }): { across: number; panelWidth: number } {
  let best = { across: group, panelWidth: 0 };
  for (let across = group; across < count + group; across += group) {
    const down = Math.ceil(count / across);
    const wide = (area.width - PANEL_GAP * (across - 1)) / across;
    const high = (area.height - PANEL_GAP * (down - 1)) / down - CAPTION;
    const panelWidth = Math.floor(Math.min(wide, high * aspect));
    if (panelWidth > best.panelWidth) best = { across, panelWidth };
  }
  // On a small screen they are scrolled instead.
  const smallest = Math.min(area.width, 220);
  return best.panelWidth >= smallest || count === 0 ? best : { across: group, panelWidth: Math.max(1, Math.floor((area.width - PANEL_GAP * (group - 1)) / group)) };
}
