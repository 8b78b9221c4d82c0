// Starts the built product's demo on free ports with a data directory of its own, and stops it again.
//
// The program is named by SCHOOLGATE_BIN. It says that it is ready by one JSON line on its standard output.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const START_SECONDS = 60;
const STOP_SECONDS = 20;

// A Tuesday lesson in term; the walk begins there whatever day it really is.
export const LESSON = '2026-11-24T10:10';
// Later in that lesson. A clock that went to Friday and came back must not meet its own past again.
export const LATER = '2026-11-24T10:50';
export const LATER_STILL = '2026-11-24T10:55';
export const AFTER_FRIDAY = '2026-11-28T10:10';

export async function startDemo({ data, more = [] } = {}) {
  const program = process.env.SCHOOLGATE_BIN;
  if (!program) throw new Error('set SCHOOLGATE_BIN to the built schoolgate program');
  const directory = data ?? (await mkdtemp(join(tmpdir(), 'schoolgate-walk-')));
  const args = ['demo', '--data', directory, '--ports', 'free', '--print-json', ...more];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  child.stderr.setEncoding('utf8').on('data', (text) => log.push(text));
  const exited = once(child, 'exit');
  const ready = await Promise.race([
    firstLine(child.stdout),
    exited.then(([code]) => Promise.reject(new Error(`the demo ended with ${code}:\n${log.join('')}`))),
    after(START_SECONDS, () => new Error(`the demo was not ready in ${START_SECONDS} s:\n${log.join('')}`)),
  ]);
  return new Demo(child, exited, JSON.parse(ready), directory, log);
}

class Demo {
  #child;
  #exited;

  constructor(child, exited, ready, data, log) {
    this.#child = child;
    this.#exited = exited;
    this.portal = ready.portal.replace(/\/$/, '');
    this.portalName = ready.portal_name ?? 'portal.demo.test';
    this.proxy = ready.proxy.replace(/^https?:\/\//, '').replace(/\/$/, '');
    this.caSpki = ready.ca_spki;
    this.caFile = ready.ca_file ?? join(data, 'ca.pem');
    this.people = new Map(ready.people.map((person) => [person.name, person]));
    this.data = data;
    this.log = log;
  }

  // The portal as a browser behind the proxy knows it.
  get named() {
    return `https://${this.portalName}`;
  }

  // One of the demo's people by name; ids are random.
  person(name) {
    const person = this.people.get(name);
    if (!person) throw new Error(`the demo has no ${name}, only ${[...this.people.keys()].join(', ')}`);
    return person;
  }

  // Answers the exit code. The data directory stays.
  async stop() {
    this.#child.kill('SIGINT');
    const [code] = await Promise.race([
      this.#exited,
      after(STOP_SECONDS, () => new Error(`the demo did not stop in ${STOP_SECONDS} s`)),
    ]);
    return code;
  }

  async forget() {
    await rm(this.data, { recursive: true, force: true });
  }
}

async function firstLine(stream) {
  for await (const line of createInterface({ input: stream })) {
    if (line.startsWith('{')) return line;
  }
  throw new Error('the demo closed its output without saying that it is ready');
}

function after(seconds, error) {
  return new Promise((_, reject) => setTimeout(() => reject(error()), seconds * 1000).unref());
}
