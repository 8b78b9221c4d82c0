// Debian's Chromium as the people of the school use it: through the proxy with the school's certificate, or plainly.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 320, height: 640 };
const PAGE_SECONDS = 20;

// A browser whose traffic goes through the school's proxy, on a device that trusts the school's certificate.
export function managedBrowser(demo) {
  return launch([`--proxy-server=http://${demo.proxy}`, `--ignore-certificate-errors-spki-list=${demo.caSpki}`]);
}

// A browser that reaches the portal directly.
export function plainBrowser() {
  return launch(['--no-proxy-server']);
}

function launch(more) {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) => existsSync(path));
  const quiet = ['--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-quic', ...quiet, ...more] });
}

// A fresh browser profile for one person; `javaScriptEnabled: false` for the pages without scripts.
export async function profile(browser, options = {}) {
  const context = await browser.newContext({ viewport: WIDE, locale: 'en-GB', timezoneId: 'Europe/London', ...options });
  context.setDefaultTimeout(PAGE_SECONDS * 1000);
  const page = await context.newPage();
  page.mistakes = [];
  page.on('console', (message) => {
    // A refused main resource is not a fault of the page; a script or a style that our own policy stops is.
    if (message.type() === 'error' && /Content Security Policy|Uncaught/.test(message.text())) page.mistakes.push(message.text());
  });
  page.on('pageerror', (error) => page.mistakes.push(String(error)));
  return page;
}

// Signs in as one of the demo's people with one click. `base` is the portal as this browser reaches it.
export async function be(page, demo, base, name) {
  await page.goto(`${base}/be`);
  await page.getByRole('button', { name: `Be ${demo.person(name).name}`, exact: true }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
}

// Sets the demo's clock to a local time such as `2026-11-24T10:10`.
export async function setClock(page, base, time) {
  await page.goto(`${base}/be`);
  await page.locator('form[action="/be/clock"] input:not([type=hidden])').fill(time);
  await page.getByRole('button', { name: 'Set the time' }).click();
  await page.waitForLoadState();
}

const seen = new Set();

// Looks at the page as it is now: fits at both widths, has no serious fault a machine can find, and is photographed
// once under its name into WALK_SHOTS.
export async function look(page, name) {
  if (seen.has(name)) return;
  seen.add(name);
  assert.deepEqual(page.mistakes, [], `${name}: scripts and styles are stopped or fail`);
  await page.evaluate(AXE);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const serious = found.violations.filter((one) => ['serious', 'critical'].includes(one.impact));
  const words = serious.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.html).join(' | ')}`);
  assert.deepEqual(words, [], `${name}: everybody can use it`);
  await photograph(page, `${name}-1280`);
  await page.setViewportSize(NARROW);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  await photograph(page, `${name}-320`);
  await page.setViewportSize(WIDE);
  assert.ok(wider <= 0, `${name}: at 320 pixels it is ${wider} pixels too wide`);
}

async function photograph(page, name) {
  const folder = process.env.WALK_SHOTS;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.png`), await page.screenshot({ fullPage: true }));
}

// Chooses the first option whose text contains these words.
export async function choose(select, words) {
  const option = select.locator('option', { hasText: words }).first();
  await select.selectOption(await option.getAttribute('value'));
}

// Opens an address and answers where it led. A refused connection is an answer too.
export async function open(page, url) {
  try {
    await page.goto(url, { waitUntil: 'domcontentloaded' });
  } catch (error) {
    return { failed: String(error.message).split('\n')[0] };
  }
  return { url: page.url(), title: await page.title() };
}

// Opens an address again and again until it leads where it should. An attempt begun later than that must succeed.
export async function within(milliseconds, page, url, isThere) {
  const start = performance.now();
  for (;;) {
    const asked = performance.now() - start;
    const found = await open(page, url);
    if (isThere(found)) return;
    assert.ok(asked < milliseconds, `${url} after ${Math.round(asked)} ms: ${JSON.stringify(found)}`);
  }
}
