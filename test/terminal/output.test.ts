// What programs on a Terminal print: all of it arrives, once, as bytes or text.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from '#dist/index.js';
import { openTerminal } from '#dist/terminal/index.js';
import { Desk } from '../helpers/desk.js';
import { nameOf } from '../helpers/other.js';
import { withFolder } from '../helpers/state.js';
import { processState, until } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

test('all of a short output has arrived when exited resolves', async () => {
  for (let round = 0; round < 20; round++) {
    await using desk = new Desk();
    const child = await desk.sh('printf "hello%.0s" $(seq 4096)');
    await child.exited;
    assert.equal(desk.bytes.length, 20_480, `round ${round}`);
  }
});

test('all of a large output has arrived when exited resolves', async () => {
  for (let round = 0; round < 20; round++) {
    await using desk = new Desk({ modes: { opost: false } });
    const child = await desk.spawn('head', ['-c', '200000', '/dev/zero']);
    await child.exited;
    assert.equal(desk.bytes.length, 200_000, `round ${round}`);
  }
});

test('a bursting reader gets all of 3 MB', async () => {
  await using terminal = openTerminal({ modes: { opost: false } });
  const child = await spawn('head', ['-c', '3000000', '/dev/zero'], { terminal });
  let [size, ended] = [0, false];
  const reading = (async () => {
    // Reads for 20 ms of every 100.
    while (!ended || terminal.output.readableLength > 0) {
      for (const until = performance.now() + 20; performance.now() < until; ) {
        const chunk: Buffer | null = terminal.output.read();
        if (chunk === null) await sleep(1);
        else size += chunk.length;
      }
      await sleep(80);
    }
  })();
  const status = await child.exited;
  ended = true;
  await reading;
  assert.equal(status.ok, true);
  assert.equal(size, 3_000_000);
});

test('a reader that never reads does not hold up exited, and finds the output later', async () => {
  await using terminal = openTerminal();
  const child = await spawn('sh', ['-c', 'echo mark; exit 7'], { terminal });
  assert.equal((await child.exited).code, 7);
  assert.equal(String(terminal.output.read()), 'mark\r\n');
});

test('a file of 20,000 lines arrives byte for byte with CR LF at each end', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'lines');
    const text = Array.from({ length: 20_000 }, (_, n) => `line ${n} ${'x'.repeat(50)}\n`).join('');
    writeFileSync(file, text);
    await using desk = new Desk();
    const child = await desk.spawn('cat', [file]);
    await child.exited;
    assert.ok(desk.text === text.replaceAll('\n', '\r\n'), `${desk.text.length} characters came`);
  }));

test('setEncoding makes text of output whose characters are split between chunks', async () => {
  await using terminal = openTerminal();
  let text = '';
  terminal.output.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const script = "for (let i = 0; i < 100; i++) console.log('─'.repeat(400))";
  const child = await spawn(process.execPath, ['-e', script], { terminal });
  await child.exited;
  assert.ok(text === `${'─'.repeat(400)}\r\n`.repeat(100), `${text.length} characters came`);
});

test('exited resolves with the code although nobody closes the Terminal', async () => {
  await using desk = new Desk();
  const child = await desk.sh('echo mark; exit 7');
  const status = await child.exited;
  assert.deepEqual([status.code, status.signal, desk.text], [7, null, 'mark\r\n']);
});

test('pause() stops a program that prints, and resume() lets it go on', async () => {
  await using desk = new Desk();
  const child = await desk.spawn('yes');
  const written = (): number =>
    Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${child.pid}/io`, 'latin1'))?.[1]);
  await desk.until(/y/);
  desk.terminal.output.pause();
  let before = -1;
  // It fills what the kernel and the stream hold first.
  for (let now = written(); now !== before || processState(child.pid) !== 'S'; now = written()) {
    before = now;
    await sleep(400);
  }
  const paused = written();
  await sleep(400);
  assert.equal(written(), paused);
  desk.terminal.output.resume();
  while (written() <= paused) await sleep(5);
});

test('output of a background job arrives after the exit of the shell that started it', async () => {
  await using desk = new Desk();
  const shell = await desk.sh('trap "" HUP; { sleep 0.3; echo late; } & echo early; exit 3');
  assert.equal((await shell.exited).code, 3);
  assert.match(desk.text, /early/);
  await desk.until(/late/);
});

test('output ends without an error after close(), with all that was printed before', async () => {
  await using desk = new Desk();
  const ended = new Promise((resolve, reject) => {
    desk.terminal.output.once('end', resolve).once('error', reject);
  });
  const child = await desk.sh('echo x');
  await child.exited;
  await sleep(50);
  await desk.terminal.close();
  await ended;
  assert.equal(desk.text, 'x\r\n');
});

test('close() loses nothing that was printed before, although nobody has read it', async () => {
  for (let round = 0; round < 20; round++) {
    await using terminal = openTerminal({ modes: { opost: false } });
    const child = await spawn('sh', ['-c', 'head -c 10000 /dev/zero; exec sleep 60'], { terminal });
    await until('all is printed', () => nameOf(child.pid) === 'sleep');
    await terminal.close();
    let size = 0;
    for await (const chunk of terminal.output) size += (chunk as Buffer).length;
    assert.equal(size, 10_000, `round ${round}`);
    assert.equal((await child.exited).signal, 'SIGHUP');
  }
});

test('64 Terminals keep their own bytes', async () => {
  const desks = Array.from({ length: 64 }, () => new Desk());
  try {
    await Promise.all(
      desks.map(async (desk, n) => {
        const child = await desk.sh(`for i in 1 2 3; do echo terminal ${n}; sleep 0.01; done`);
        await child.exited;
      }),
    );
    for (const [n, desk] of desks.entries()) {
      assert.equal(desk.text, `terminal ${n}\r\n`.repeat(3));
    }
  } finally {
    await Promise.all(desks.map((desk) => desk[Symbol.asyncDispose]()));
  }
});
