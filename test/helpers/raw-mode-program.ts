// A program that is in raw mode until the way out that its argument names.
import { setTimeout as sleep } from 'node:timers/promises';
import { withRawMode } from '#dist/terminal/index.js';

const ways: Record<string, () => unknown> = {
  return: () => {},
  throw: () => {
    throw new Error('thrown');
  },
  exit: () => process.exit(3),
  uncaught: () => {
    setImmediate(() => {
      throw new Error('uncaught');
    });
    return sleep(60_000);
  },
  rejected: () => {
    setImmediate(() => void Promise.reject(new Error('rejected')));
    return sleep(60_000);
  },
  wait: () => sleep(60_000),
  listen: () =>
    new Promise<void>((resolve) => {
      process.on('SIGTERM', () => process.stdout.write(' heard'));
      // Listeners of signals do not keep the event loop alive.
      const alive = setInterval(() => {}, 1000);
      process.on('SIGHUP', () => {
        clearInterval(alive);
        resolve();
      });
      process.stdout.write(' listens');
    }),
};

/** Not at the top level: Bun ends at an error that nothing catches only once the module has been awaited. */
async function main(way: string): Promise<void> {
  process.stdout.write('ready');
  await withRawMode(async () => {
    process.stdout.write(' raw');
    await sleep(50);
    await ways[way]?.();
  });
  process.stdout.write(' left');
}

void main(process.argv[2] as string);
