/**
 * What JavaScript wrote to the standard streams and the runtime did not yet.
 *
 * @module
 */
import { sinkOf } from '../runtime.js';

type Output = typeof process.stdout | typeof process.stderr;

/** Of Bun: resolves once its sink has written all; undefined where it has. */
function sinking(stream: Output): Promise<unknown> | undefined {
  const rest = sinkOf(stream)?.flush();
  // A reader that is gone is told by the stream.
  return typeof rest === 'object' ? rest.catch(() => {}) : undefined;
}

/** Whether bytes wait. */
export function isWaiting(stream: Output): boolean {
  return stream.writableLength > 0 || sinking(stream) !== undefined;
}

/** Gives what was held back by cork() to the runtime; returns what corks again as often. */
function uncork(stream: Output): () => void {
  const times = stream.writableCorked ?? 0;
  for (let n = 0; n < times; n++) stream.uncork();
  return () => {
    for (let n = 0; n < times; n++) stream.cork();
  };
}

/**
 * Writes what can be written at once: what a corked stream holds, if its descriptor blocks and the
 * runtime has nothing of it already. What the runtime has, nobody can take from it, and it writes by
 * its event loop alone: so not before exec, but after an await.
 */
export function flushCorked(stream: Output): void {
  uncork(stream)();
}

function nextWrite(stream: Output): Promise<unknown> {
  return new Promise((resolve) => {
    if (stream.writableEnded) {
      // One of them comes; a failure is followed by the second.
      stream.once('finish', resolve);
      stream.once('close', resolve);
    } else {
      // Called when all before it was written, or failed, which the stream tells by itself.
      stream.write('', resolve);
    }
  });
}

async function flushStream(stream: Output): Promise<void> {
  const corkAgain = uncork(stream);
  try {
    while (stream.writableLength > 0 && !stream.destroyed) await nextWrite(stream);
    await sinking(stream);
  } finally {
    corkAgain();
  }
}

/**
 * Resolves once everything that was written to process.stdout and process.stderr has left this
 * process, or there is nobody to read it: `await flushed()` before `exec`. What was held back by
 * `cork()` is written too. In a Worker: once the main thread has it.
 *
 * @see write(2)
 */
export async function flushed(): Promise<void> {
  await Promise.all([flushStream(process.stdout), flushStream(process.stderr)]);
}
