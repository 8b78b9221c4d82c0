// The walk again with real curl, where each device has an address of its own: 127.0.0.7 is a managed laptop of Sam's,
// 127.0.0.8 one of Tess's, 127.0.0.70 a phone on the guest network that does not trust the school's certificate.

import assert from 'node:assert/strict';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Device, withoutTokens } from './lib/curl.mjs';
import { AFTER_FRIDAY, LATER, LATER_STILL, LESSON, startDemo } from './lib/demo.mjs';

let demo, tess, sam, phone, ivy, helen;

before(async () => {
  demo = await startDemo();
  tess = await Device.make(demo, '127.0.0.8');
  sam = await Device.make(demo, '127.0.0.7');
  phone = await Device.make(demo, '127.0.0.70', { trusts: false });
  // At the portal directly: they look after things, they do not browse.
  ivy = await Device.make(demo, '127.0.0.20');
  helen = await Device.make(demo, '127.0.0.21');
  await clock(LESSON);
  await ivy.be('Ivy Tech', demo.portal);
  await helen.be('Helen Head', demo.portal);
});

after(async () => {
  const code = await demo?.stop();
  await demo?.forget();
  if (demo) assert.equal(code, 0, `the demo stops cleanly:\n${demo.log.join('')}`);
});

async function clock(time) {
  const page = await ivy.follow(`${demo.portal}/be`);
  await ivy.send(page, /^\/be\/clock$/, { [clockField(page.body)]: time });
}

function clockField(html) {
  const form = /<form[^>]*action="\/be\/clock"[\s\S]*?<\/form>/.exec(html)?.[0] ?? '';
  return /<input(?![^>]*type="hidden")[^>]*name="([^"]+)"/.exec(form)?.[1] ?? 'clock';
}

const isBlocked = (answer) => /\/blocked\?/.test(answer.head ?? '') || answer.status === 403;
const isOpen = (answer) => answer.status === 200 && !isBlocked(answer);

async function within(milliseconds, look, isThere) {
  const start = performance.now();
  for (;;) {
    const asked = performance.now() - start;
    const found = await look();
    if (isThere(found)) return;
    assert.ok(asked < milliseconds, `after ${Math.round(asked)} ms: ${JSON.stringify(found).slice(0, 600)}`);
  }
}

test('help is open before anybody has said who they are, and the gate stands before the rest', async () => {
  assert.ok(isOpen(await tess.get('https://help.example/')));
  for (const url of ['http://news.example/', 'https://wiki.example/']) {
    const answer = await tess.get(url);
    assert.match(answer.head, /HTTP\/1\.1 30[23]/, url);
    assert.match(answer.head, new RegExp(`location: https://${demo.portalName}/`, 'i'), url);
    assert.doesNotMatch(answer.body, /example/i, 'nothing of the site');
  }
});

test('a phone that does not trust the school gets no certificate of ours', async () => {
  const answer = await phone.get('https://wiki.example/');
  assert.equal(answer.connect, 403, JSON.stringify(answer));
  assert.doesNotMatch(answer.words, /certificate/i);
});

test('signing opens the site she wanted', async () => {
  await tess.be('Tess Teacher');
  const agreement = await tess.follow('http://news.example/today');
  assert.match(agreement.body, /I agree/);
  const done = await tess.send(agreement, /^\/agree$/, {});
  assert.match(done.body, /http:\/\/news\.example\/today/);
  for (const url of ['http://news.example/today', 'https://wiki.example/']) {
    assert.ok(isOpen(await tess.get(url)), url);
  }
});

test('the device of somebody else stays as it was', async () => {
  await sam.be('Sam Supply');
  assert.ok(isOpen(await sam.get('http://news.example/')));
  const bet = await sam.get('https://bet.example/');
  assert.ok(isBlocked(bet), JSON.stringify(bet));
});

async function ask(device, site, until) {
  const page = await device.follow(`${demo.named}/requests/new/open-site`);
  const fields = { site, class: '6B', why: 'Probability', until };
  const sent = await device.send(page, /^\/requests\/new/, fields);
  assert.match(sent.body, /Probability/, sent.body);
}

async function approve() {
  const queue = await ivy.follow(`${demo.portal}/requests/queue`);
  const start = performance.now();
  const answer = await ivy.send(queue, /^\/requests\/[^/]+\/approve$/, {});
  assert.ok(answer.status < 400, answer.body);
  return start;
}

test('an approval opens the site within a second, for whom it was granted and nobody else', async () => {
  await ask(tess, 'bet.example', '27/11/2026');
  const start = await approve();
  await within(1000 - (performance.now() - start), () => tess.get('https://bet.example/'), isOpen);
  assert.ok(isBlocked(await sam.get('https://bet.example/')));
});

test('it closes by itself at its end, open tunnels included', async () => {
  const stream = tess.stream('https://bet.example/stream');
  await stream.first;
  await clock(AFTER_FRIDAY);
  const start = performance.now();
  await tess.be('Tess Teacher');
  await within(1000, () => tess.get('https://bet.example/'), isBlocked);
  const ended = await stream.ended;
  assert.ok(ended.at - start < 1000, `the tunnel closed after ${Math.round(ended.at - start)} ms`);
  await clock(LATER);
  await tess.be('Tess Teacher');
  await sam.be('Sam Supply');
  await ivy.be('Ivy Tech', demo.portal);
  await helen.be('Helen Head', demo.portal);
});

test('an urgent block closes a site and what is open to it', async () => {
  const stream = tess.stream('https://slow.example/stream');
  await stream.first;
  const page = await ivy.follow(`${demo.portal}/grants`);
  const start = performance.now();
  await ivy.send(page, /^\/urgent$/, { site: 'slow.example', why: 'Somebody put something on it' });
  await within(1000 - (performance.now() - start), () => tess.get('https://slow.example/'), isBlocked);
  const ended = await stream.ended;
  assert.ok(ended.at - start < 1000, `the tunnel closed after ${Math.round(ended.at - start)} ms`);
});

test('a search about self-harm leads to help and leaves nothing behind', async () => {
  const words = 'how to self harm zqxjkvwy';
  const answer = await tess.get(`https://search.example/?q=${encodeURIComponent(words)}`);
  assert.match(answer.head, /location: https:\/\/[^/]+\/help/i);
  await tess.follow(`https://${demo.portalName}/help`);
  await tess.get('https://help.example/');
  // What is asked for afterwards is found, so all before it is on disk and could be found as well: everything that is
  // kept of browsing passes through the spool, which is not compressed.
  await tess.get('http://wiki.example/zqxbridges');
  await within(5000, () => filesWith('zqxbridges'), (files) => files.length > 0);
  assert.deepEqual(await filesWith('zqxjkvwy'), []);
  assert.ok(!demo.log.join('').includes('zqxjkvwy'));
});

async function filesUnder(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

async function filesWith(text) {
  const found = [];
  for (const file of await filesUnder(demo.data)) {
    if ((await readFile(file)).includes(text)) found.push(file);
  }
  return found;
}

async function tell(about, what, more = {}) {
  const list = await tess.follow(`${demo.named}/reports`);
  const links = [...list.body.matchAll(/href="(\/reports\/[^"]+)"[^>]*>([^<]*)/g)];
  const [, href] = links.find(([, , title]) => /report a concern/i.test(title)) ?? [];
  const form = await tess.follow(`${demo.named}${href}`);
  const preview = await tess.send(form, /^\/reports\//, { person: demo.person(about).id, what, ...more });
  assert.match(preview.body, /Who will read this/, preview.body);
  const sent = await tess.send(preview, /^\/reports\//, { step: 'send' });
  assert.match(sent.body, /Your report is with them/, sent.body);
  return preview.body;
}

async function pagesOf(device) {
  const pages = [];
  for (const path of ['/', '/reports', '/requests', '/requests/queue', '/grants', '/policies', '/manage', '/manage/people']) {
    const page = await device.follow(`${demo.portal}${path}`);
    pages.push([path, page.status, withoutTokens(page.body)]);
  }
  return pages;
}

test('a concern about the head reaches the chair; for the head and the technician nothing has happened', async () => {
  const before = [await pagesOf(helen), await pagesOf(ivy)];
  const readers = await tell('Helen Head', 'Shared a record', { child_safety: 'yes' });
  assert.match(readers, /Carl Chair/);
  assert.match(readers, /Dora Lead/);
  assert.deepEqual([await pagesOf(helen), await pagesOf(ivy)], before);
});

test('what must not be reached through the proxy is refused', async () => {
  const refused = ['http://169.254.169.254/latest/meta-data/', 'https://10.0.0.1:22/', 'https://[::1]/', `http://127.0.0.1:1/`];
  for (const url of refused) {
    const answer = await sam.get(url);
    assert.ok(answer.status === 403 || answer.connect === 403, `${url}: ${JSON.stringify(answer)}`);
  }
});

test('a second start finds everything again', async () => {
  assert.equal(await demo.stop(), 0, demo.log.join(''));
  const { data } = demo;
  demo = await startDemo({ data });
  for (const device of [tess, sam, ivy]) device.demo = demo;
  await ivy.be('Ivy Tech', demo.portal);
  await clock(LATER_STILL);
  await tess.be('Tess Teacher');
  assert.ok(isOpen(await tess.get('http://news.example/')), 'she has signed');
  assert.ok(isBlocked(await tess.get('https://slow.example/')), 'the urgent block stands');
});
