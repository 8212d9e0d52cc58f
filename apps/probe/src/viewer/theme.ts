import { effect, signal } from '@preact/signals';

type Theme = 'system' | 'light' | 'dark';

const stored = localStorage.getItem('theme');
const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system');

const dark = matchMedia('(prefers-color-scheme: dark)');
/** Changes with the colours of the page, for what is drawn on a canvas. */
export const isDark = signal(false);

effect(() => {
  const { value } = theme;
  document.documentElement.dataset['theme'] = value;
  localStorage.setItem('theme', value);
  isDark.value = value === 'dark' || (value === 'system' && dark.matches);
});
dark.addEventListener('change', () => theme.value === 'system' && (isDark.value = dark.matches));

export function toggleTheme(): void {
  theme.value = isDark.value ? 'light' : 'dark';
}

/** A colour variable of the style sheet as it is now. */
export function colourOf(name: string): string {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
