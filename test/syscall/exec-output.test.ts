// What was written to standard output before exec: out before the next program's, all of it, once.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Process, startProcess } from '#dist/process/index.js';
import { attempt, call, close } from '#dist/syscall/call.js';
import { AT, E, LAYOUT, O, SOCK, TERMIOS, TIOC } from '#dist/syscall/constants.js';
import { ioctl, pipe2, setNonblock } from '#dist/syscall/descriptors.js';
import { readStruct, writeStruct } from '#dist/syscall/layout.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';
import { fixture, runFixture } from './fixtures/run.js';

// Some times what a pipe holds.
const COUNT = 4000;
// As many writes as one writev(2) takes: then they are one.
const CORKED = 1000;

const linesOf = (count: number) =>
  Array.from({ length: count }, (_, n) => `line ${n} ${'.'.repeat(80)}\n`);
const written = linesOf(COUNT).join('');
const corked = linesOf(CORKED).join('');

/** Of the kernel alone: Deno closes only what it opened itself. */
const open = (path: string, flags: number) =>
  call('openat', AT.AT_FDCWD, path, flags | O.O_CLOEXEC, 0o600);

type Ends = readonly [reading: number, writing: number];

function socketPair(): Ends {
  const ends = new Int32Array(2);
  const type = SOCK.SOCK_STREAM | SOCK.SOCK_CLOEXEC;
  call('socketpair', SOCK.AF_UNIX, type, 0, ends);
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** A terminal that changes nothing of what is written. */
function openTerminal(): Ends {
  const master = open('/dev/ptmx', O.O_RDWR | O.O_NOCTTY);
  ioctl(master, TIOC.TIOCSPTLCK, new Int32Array(1));
  const slave = ioctl(master, TIOC.TIOCGPTPEER, O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC);
  const bytes = new Uint8Array(LAYOUT.termios.size);
  ioctl(slave, TIOC.TCGETS, bytes);
  const { oflag } = readStruct(LAYOUT.termios, bytes);
  writeStruct(LAYOUT.termios, { oflag: oflag & ~TERMIOS.OPOST }, bytes);
  ioctl(slave, TIOC.TCSETS, bytes);
  return [master, slave];
}

const channels = { socket: socketPair, pipe: () => pipe2(), terminal: openTerminal };

/** What is there to be read, '' at the end. A terminal that nobody has open any more gives EIO. */
async function readSome(fd: number): Promise<string> {
  const bytes = new Uint8Array(65_536);
  for (;;) {
    const count = attempt('read', fd, bytes, bytes.length);
    if (count !== -E.EAGAIN) {
      assert.ok(count >= 0 || count === -E.EIO, `read: ${count}`);
      return Buffer.from(bytes.subarray(0, Math.max(count, 0))).toString('latin1');
    }
    await sleep(1);
  }
}

async function readAll(fd: number): Promise<string> {
  let all = '';
  for (;;) {
    const some = await readSome(fd);
    if (some === '') return all;
    all += some;
  }
}

/** Starts a fixture; resolves when it says on its descriptor 3 that the test may read. */
async function start(action: string, count: number, stdout: number): Promise<[Process, number]> {
  const [control, fixtures] = pipe2();
  setNonblock(control, true);
  const args = ['node', fixture('exec-output'), action, String(count)];
  const files = ['null', stdout, 'inherit', fixtures] as const;
  const child = await startProcess(process.execPath, args, { files });
  close(stdout);
  close(fixtures);
  assert.equal(await readSome(control), 'go on\n');
  return [child, control];
}

async function outputOf(action: string, count: number, channel: keyof typeof channels) {
  const [reading, writing] = channels[channel]();
  setNonblock(reading, true);
  const [child, control] = await start(action, count, writing);
  const output = await readAll(reading);
  assert.equal(String(await child.wait()), 'exit status 0');
  close(reading);
  close(control);
  return output;
}

async function outputToFile(action: string, count: number): Promise<string> {
  return await withFolder(async (folder) => {
    const path = join(folder, 'out');
    const [child, control] = await start(action, count, open(path, O.O_WRONLY | O.O_CREAT));
    assert.equal(String(await child.wait()), 'exit status 0');
    close(control);
    return readFileSync(path, 'utf8');
  });
}

/** What the standard output of this runtime does: another than Node's needs not wait, or cork. */
const probed = JSON.parse(runFixture('exec-output', ['probe']).stderr) as {
  corks: boolean;
  waits: boolean;
};
const noCork = probed.corks ? false : 'process.stdout writes here in spite of cork()';
const noWait = probed.waits ? false : 'process.stdout writes here before write() returns';

for (const channel of ['socket', 'pipe'] as const) {
  test(
    `${channel}: exec is refused while output waits, and flushed() waits for it`,
    async () => {
      assert.equal(await outputOf('waiting', COUNT, channel), `${written}end\n`);
    },
    { skip: noWait },
  );

  test(
    `${channel}: flushed() waits for output that cork() holds back`,
    async () => {
      const [first = '', ...others] = linesOf(COUNT);
      const expected = `${first.repeat(5000)}${others.join('')}end\n`;
      assert.equal(await outputOf('both', COUNT, channel), expected);
    },
    { skip: noWait || noCork },
  );
}

// Of a socket the end is its shutdown: nothing could be written by the next program.
test(
  'pipe: flushed() waits for the end of a stream that was ended',
  async () => {
    assert.equal(await outputOf('ended', COUNT, 'pipe'), `${written}ended\nend\n`);
  },
  { skip: noWait },
);

for (const channel of ['socket', 'pipe', 'terminal'] as const) {
  test(
    `${channel}: exec writes the output that cork() holds back`,
    async () => {
      assert.equal(await outputOf('corked', CORKED, channel), `${corked}end\n`);
    },
    { skip: noCork },
  );

  test(
    `${channel}: an exec that fails writes corked output once and leaves the stream corked`,
    async () => {
      assert.equal(await outputOf('failed', CORKED, channel), `${corked}after\nend\n`);
    },
    { skip: noCork },
  );

  test(
    `${channel}: exec writes corked output when the next program has another standard output`,
    async () => {
      assert.equal(await outputOf('elsewhere', CORKED, channel), corked);
    },
    { skip: noCork },
  );
}

test('a slow terminal gets all output before exec', async () => {
  assert.equal(await outputOf('now', COUNT, 'terminal'), `${written}end\n`);
});

test('a file gets all output before exec', async () => {
  assert.equal(await outputToFile('now', COUNT), `${written}end\n`);
  assert.equal(await outputToFile('corked', CORKED), `${corked}end\n`);
});

test(
  'flushed() does not wait for a reader that is gone',
  async () => {
    const [reading, writing] = pipe2();
    const [child, control] = await start('gone', COUNT, writing);
    close(reading);
    assert.equal(await readAll(control), 'end\n');
    assert.equal(String(await child.wait()), 'exit status 0');
    close(control);
  },
  { skip: noWait },
);
