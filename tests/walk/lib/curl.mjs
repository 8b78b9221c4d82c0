// Real curl as other devices: each has its own loopback address and its own cookies.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const SECONDS = 20;

export class Device {
  // `trusts`: whether the school's certificate is installed on it.
  static async make(demo, address, { trusts = true } = {}) {
    const folder = await mkdtemp(join(tmpdir(), 'schoolgate-device-'));
    return new Device(demo, address, trusts, folder);
  }

  constructor(demo, address, trusts, folder) {
    Object.assign(this, { demo, address, trusts, folder });
    this.jar = join(folder, 'cookies');
  }

  #args(url, more) {
    const base = ['--silent', '--show-error', '--interface', this.address, '--max-time', String(SECONDS)];
    const certificate = this.trusts ? ['--cacert', this.demo.caFile] : [];
    const cookies = ['--cookie', this.jar, '--cookie-jar', this.jar];
    // Named so that curl does not leave the proxy out for it.
    const proxy = url.startsWith(this.demo.portal) ? ['--noproxy', '*'] : ['--proxy', `http://${this.demo.proxy}`, '--noproxy', ''];
    return [...base, ...certificate, ...cookies, ...proxy, ...more, url];
  }

  // One request; answers status, headers and body, or `failed` with curl's exit code and words.
  async get(url, more = []) {
    const heads = join(this.folder, 'heads');
    const args = this.#args(url, ['--dump-header', heads, '--write-out', '\n%{http_code} %{http_connect} %{url_effective}', ...more]);
    try {
      const { stdout } = await run('curl', args, { maxBuffer: 16 << 20 });
      const at = stdout.lastIndexOf('\n');
      const [status, connect, effective] = stdout.slice(at + 1).split(' ');
      const head = await readFile(heads, 'utf8').catch(() => '');
      return { status: Number(status), connect: Number(connect), url: effective, head, body: stdout.slice(0, at) };
    } catch (error) {
      const connect = Number(/\n\d+ (\d+) \S*$/.exec(error.stdout ?? '')?.[1] ?? 0);
      return { failed: error.code, words: error.stderr, connect };
    }
  }

  // As `get`, following redirects as a browser would.
  follow(url, more = []) {
    return this.get(url, ['--location', ...more]);
  }

  // Sends the form that a page shows: its hidden fields and these.
  async send(page, action, fields) {
    const form = formOf(page.body, action);
    if (!form) throw new Error(`no form ${action} on ${page.url}:\n${page.body}`);
    const target = new URL(form.action, page.url).href;
    const pairs = Object.entries({ ...form.fields, ...fields }).map(([name, value]) => `${name}=${value}`);
    return this.get(target, ['--location', ...pairs.flatMap((pair) => ['--data-urlencode', pair])]);
  }

  // Signs in as one of the demo's people, through the proxy unless `base` says otherwise.
  async be(name, base = this.demo.named) {
    const page = await this.follow(`${base}/be`);
    return this.send(page, new RegExp(`^/be/${this.demo.person(name).id}$`), {});
  }

  // Opens an address and lets it run; answers when and how it ended.
  stream(url) {
    const child = spawn('curl', this.#args(url, ['--no-buffer']).filter((one, at, all) => one !== '--max-time' && all[at - 1] !== '--max-time'));
    let bytes = 0;
    child.stdout.on('data', (chunk) => (bytes += chunk.length));
    const ended = new Promise((resolve) => child.on('exit', (code) => resolve({ code, at: performance.now(), bytes })));
    const begun = new Promise((resolve) => child.stdout.once('data', resolve));
    const first = Promise.race([begun, ended.then(({ code }) => Promise.reject(new Error(`curl ended with ${code}`)))]);
    first.catch(() => {});
    return { first, ended, stop: () => child.kill() };
  }
}

// The first form whose action matches, with the values of its hidden fields and prefilled inputs.
export function formOf(html, action) {
  for (const [whole, attributes, inside] of html.matchAll(/<form([^>]*)>([\s\S]*?)<\/form>/g)) {
    const target = decode(/action="([^"]*)"/.exec(attributes)?.[1] ?? '');
    if (!action.test(target)) continue;
    const fields = {};
    for (const [tag] of inside.matchAll(/<input[^>]*>/g)) {
      const attribute = (name) => decode(new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '');
      const isUnticked = ['checkbox', 'radio'].includes(attribute('type')) && !/\schecked/.test(tag);
      if (attribute('name') && !isUnticked) fields[attribute('name')] = attribute('value');
    }
    for (const [, name, text] of inside.matchAll(/<textarea[^>]*\sname="([^"]*)"[^>]*>([\s\S]*?)<\/textarea>/g)) {
      fields[name] = decode(text);
    }
    return { action: target, fields, whole };
  }
  return undefined;
}

// The page as it would be for anybody at any time: without the anti-forgery tokens.
export function withoutTokens(html) {
  return html.replace(/name="(token|once)" value="[^"]*"/g, 'name="$1"');
}

function decode(text) {
  const names = { amp: '&', lt: '<', gt: '>', quot: '"' };
  return text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex) => String.fromCodePoint(parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, number) => String.fromCodePoint(Number(number)))
    .replace(/&(amp|lt|gt|quot);/g, (_, name) => names[name]);
}
