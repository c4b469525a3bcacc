// What is typed at a Terminal, and what its line discipline makes of it.

import assert from 'node:assert/strict';
import { spawn as spawnByNode } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Desk } from '../helpers/desk.js';
import { test } from '../helpers/test.js';

/** Shell code that turns off the echo, says so, and goes on. */
const withoutEcho = (script: string): string => `stty -echo; echo ready; ${script}`;

test('input that no program reads costs no CPU and throws nothing', async () => {
  await using desk = new Desk();
  desk.terminal.setRawMode(true);
  const child = await desk.spawn('head', ['-c', '1']);
  desk.type(Buffer.alloc(100_000, 'B'));
  await child.exited;
  const before = process.cpuUsage();
  await sleep(1000);
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 150_000, `${user + system} µs of CPU in a second`);
  desk.type('more');
  await sleep(20);
});

test('a line longer than the kernel keeps is cut, and the next line is whole', async () => {
  await using desk = new Desk();
  const child = await desk.sh(withoutEcho('head -n 2 | wc -c'));
  await desk.shows(/^ready$/);
  desk.type(`${'a'.repeat(6000)}\nnext\n`);
  await child.exited;
  assert.equal(await desk.screen(), 'ready\n4101');
});

test('a character that is written in pieces is read whole', async () => {
  await using desk = new Desk();
  const child = await desk.sh(withoutEcho('read x; echo "[$x]"'));
  await desk.shows(/^ready$/);
  for (const byte of [0xe2, 0x89, 0xa4]) {
    desk.type(Buffer.of(byte));
    await sleep(30);
  }
  desk.type('\n');
  await child.exited;
  assert.equal(await desk.screen(), 'ready\n[≤]');
});

test('256 KiB in one write arrive once in raw mode', async () => {
  await using desk = new Desk();
  desk.terminal.setRawMode(true);
  const rest = 'stty min 0 time 3; cat | wc -c';
  const child = await desk.sh(`head -c 262144 | tr -d B | wc -c; ${rest}`);
  desk.type(Buffer.alloc(262_144, 'B'));
  await child.exited;
  assert.deepEqual(desk.text.split(/\s+/).filter(Boolean), ['0', '0']);
});

test('1 MB pasted into cat comes back whole', async () => {
  await using desk = new Desk();
  desk.terminal.setRawMode(true);
  const child = await desk.spawn('head', ['-c', '1000000']);
  const pasted = Buffer.from(Array.from({ length: 1_000_000 }, (_, n) => 33 + (n % 90)));
  desk.type(pasted);
  await child.exited;
  assert.ok(desk.bytes.equals(pasted), `${desk.bytes.length} bytes came`);
});

test('what is typed at a password prompt is not shown', async () => {
  await using desk = new Desk();
  const script = 'read -r -s -p "code: " x; echo; echo "$(printf %s "$x" | wc -m) letters"';
  const child = await desk.spawn('bash', ['-c', script]);
  await desk.shows(/^code:$/);
  desk.type('sesame\n');
  await child.exited;
  assert.equal(await desk.screen(), 'code: \n6 letters');
});

test('erase takes a whole character, since IUTF8 is set', async () => {
  await using desk = new Desk();
  const child = await desk.sh(withoutEcho('read x; echo "[$x]"'));
  await desk.shows(/^ready$/);
  desk.type('aé\x7fb\n');
  await child.exited;
  assert.equal(await desk.screen(), 'ready\n[ab]');
});

test('^S stops the output and ^Q lets it go on', async () => {
  await using desk = new Desk();
  const child = await desk.sh(withoutEcho('read x; echo one; echo two'));
  await desk.shows(/^ready$/);
  desk.type('\x13\n');
  await sleep(300);
  assert.equal(await desk.screen(), 'ready');
  desk.type('\x11');
  await child.exited;
  assert.equal(await desk.screen(), 'ready\none\ntwo');
});

test('lines that are typed while children of node:child_process end come back, each once', async () => {
  await using desk = new Desk();
  const cat = await desk.spawn('cat');
  const others = Array.from(
    { length: 40 },
    (_, n) =>
      new Promise((resolve) => {
        spawnByNode('sleep', [String(n / 200)], { stdio: 'ignore' }).once('exit', resolve);
      }),
  );
  for (let line = 0; line < 11; line++) {
    const from = desk.text.length;
    desk.type(`line ${line}\n`);
    // The echo, and what cat prints.
    await desk.until(new RegExp(`(line ${line}\\r\\n){2}$`), from);
  }
  await Promise.all(others);
  cat.kill('SIGTERM');
  await cat.exited;
  const lines = Array.from({ length: 11 }, (_, n) => `line ${n}\r\n`.repeat(2));
  assert.equal(desk.text, lines.join(''));
});

test('a stuck Terminal delays no other', async () => {
  await using stuck = new Desk();
  stuck.terminal.setRawMode(true);
  await stuck.spawn('sleep', ['60']);
  stuck.type(Buffer.alloc(1_000_000));
  await using desk = new Desk();
  const child = await desk.spawn('cat');
  for (let line = 0; line < 11; line++) desk.type(`line ${line}\n`);
  await desk.until(/(line 10\r\n[\s\S]*){2}/);
  child.kill('SIGTERM');
  await child.exited;
});
