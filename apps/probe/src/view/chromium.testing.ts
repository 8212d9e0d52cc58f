import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

export const browserFile = '/usr/bin/chromium';
export const hasBrowser = existsSync(browserFile);

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserFile,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

/** Write down errors, and requests to other places, of a page. */
export function watch(page: Page, origin: string, problems: string[]): void {
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('request', (request) => (request.url().startsWith(origin) || /^(data|blob):/.test(request.url())) || problems.push(request.url()));
}
