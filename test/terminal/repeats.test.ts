// Not a byte is lost at the end of a program, however its terminal is read: many times over.
//
// `npm run test:terminals -- --repeat 500` sets how often, on every runtime.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { spawn } from '#dist/index.js';
import { openTerminal, type Terminal } from '#dist/terminal/index.js';
import { test } from '../helpers/test.js';

const REPEATS = Number(process.env['FORKEXEC_TERMINAL_REPEATS'] ?? 3);
/** So many terminals at once: reading in bursts mostly waits. */
const LANES = 8;

/** Reads until the program has ended and all is read; returns how many bytes came, or -1 for a wrong one. */
type Reader = (terminal: Terminal, exited: Promise<unknown>) => Promise<number>;

const sizeOf = (chunk: Buffer): number =>
  chunk.equals(Buffer.alloc(chunk.length, 'x')) ? chunk.length : Number.NaN;

const readers: Record<string, Reader> = {
  async fast({ output }, exited) {
    let size = 0;
    output.on('data', (chunk: Buffer) => {
      size += sizeOf(chunk);
    });
    // All of it has been read by then.
    await exited;
    return size;
  },

  async slow({ output }, exited) {
    let [size, ended] = [0, false];
    void exited.then(() => {
      ended = true;
    });
    while (!ended || output.readableLength > 0) {
      const chunk: Buffer | null = output.read();
      if (chunk !== null) size += sizeOf(chunk);
      await sleep(2);
    }
    return size;
  },

  /** For 20 ms of every 100. */
  async bursting({ output }, exited) {
    let [size, ended] = [0, false];
    void exited.then(() => {
      ended = true;
    });
    while (!ended || output.readableLength > 0) {
      for (const until = performance.now() + 20; performance.now() < until; ) {
        const chunk: Buffer | null = output.read();
        if (chunk === null) await sleep(1);
        else size += sizeOf(chunk);
      }
      await sleep(80);
    }
    return size;
  },
};

const SIZES = [200_000, 3_000_000];

for (const [name, read] of Object.entries(readers)) {
  for (const bytes of SIZES) {
    test(
      `a ${name} reader gets all of ${bytes.toLocaleString('en')} bytes each time`,
      async () => {
        const script = `head -c ${bytes} /dev/zero | tr '\\0' x`;
        let left = REPEATS;
        const lane = async (): Promise<void> => {
          while (left-- > 0) {
            await using terminal = openTerminal({ modes: { opost: false } });
            const child = await spawn('sh', ['-c', script], { terminal });
            assert.equal(await read(terminal, child.exited), bytes);
          }
        };
        await Promise.all(Array.from({ length: Math.min(LANES, REPEATS) }, lane));
      },
      { timeout: 60_000 + REPEATS * 4000 },
    );
  }
}
