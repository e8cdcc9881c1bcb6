/** Light or dark: as the system says, until somebody chooses. */

import type { Theme } from './scale';

const KEY = 'cst-map-theme';
const dark = window.matchMedia('(prefers-color-scheme: dark)');
let chosen = stored();

function stored(): Theme | null {
  try {
    const value = window.localStorage.getItem(KEY);
    return value === 'light' || value === 'dark' ? value : null;
  } catch {
    return null; // storage may be forbidden
  }
}

function choose(theme: Theme): void {
  chosen = theme;
  try {
    window.localStorage.setItem(KEY, theme);
  } catch {
    // Then it holds until the page is left.
  }
}

export function currentTheme(): Theme {
  return chosen ?? (dark.matches ? 'dark' : 'light');
}

/** Wires the button and calls `apply` now and whenever the theme changes. */
export function watchTheme(button: HTMLButtonElement, apply: (theme: Theme) => void): void {
  const show = (): void => {
    const theme = currentTheme();
    document.documentElement.dataset.theme = theme;
    button.setAttribute('aria-pressed', String(theme === 'dark'));
    apply(theme);
  };
  button.addEventListener('click', () => {
    choose(currentTheme() === 'dark' ? 'light' : 'dark');
    show();
  });
  dark.addEventListener('change', show);
  show();
}
