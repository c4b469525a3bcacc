// The watcher reads a descriptor for JavaScript, which takes what is there.

import assert from 'node:assert/strict';
import { Channel } from '#dist/command/channel.js';
import { attempt, close, setNonblocking } from '#dist/syscall/call.js';
import { pipe2 } from '#dist/syscall/descriptors.js';
import { until } from '../helpers/streams.js';
import { test } from '../helpers/test.js';

/** A channel that reads a pipe, and the descriptor that is written to. */
function pumped(): { channel: Channel; writer: number; write(text: string): number } {
  const [reader, writer] = pipe2();
  setNonblocking(reader);
  setNonblocking(writer);
  const channel = new Channel(reader);
  const write = (text: string): number => {
    const bytes = Buffer.from(text);
    return attempt('write', writer, bytes, bytes.length);
  };
  return { channel, writer, write };
}

/** Takes until there is nothing, and waits for more until the end. */
async function takeAll(channel: Channel): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (;;) {
    const bytes = channel.take();
    if (bytes === null) return Buffer.concat(chunks);
    if (bytes === undefined) await new Promise<void>((resolve) => channel.onceReadable(resolve));
    else chunks.push(bytes);
  }
}

test('the watcher reads on while JavaScript does not, and all of it is taken, once and in order', async () => {
  const { channel, writer, write } = pumped();
  assert.equal(channel.take(), undefined);
  const sent: string[] = [];
  for (let line = 0; line < 5000; line++) {
    // More than a pipe holds, so the watcher has to read for it to go on.
    const text = `line ${line} ${'x'.repeat(line % 40)}\n`;
    while (write(text) < 0) await new Promise((resolve) => setImmediate(resolve));
    sent.push(text);
  }
  close(writer);
  assert.equal(String(await takeAll(channel)), sent.join(''));
  assert.equal(channel.take(), null);
  channel.close();
  assert.equal(channel.take(), null);
});

test('the watcher stops reading when nothing is taken, and goes on when something is', async () => {
  const { channel, writer, write } = pumped();
  assert.equal(channel.take(), undefined);
  const block = 'x'.repeat(4096);
  let [size, isFull] = [0, false];
  await until('nothing more is read', () => {
    const count = write(block);
    if (count > 0) size += count;
    // The watcher has what it keeps at the most, and the pipe is full besides.
    isFull = count < 0 && size >= 256 * 1024 + 64 * 1024;
    return isFull;
  });
  assert.equal(write(block) < 0, true);
  assert.ok((channel.take()?.length ?? 0) > 0);
  await until('it is read again', () => {
    const count = write(block);
    if (count > 0) size += count;
    return count > 0;
  });
  close(writer);
  const first = 64 * 1024;
  assert.equal((await takeAll(channel)).length + first, size);
  channel.close();
});

test('nothing is read behind the back of one who takes the last of it', async () => {
  const { channel, writer, write } = pumped();
  for (let round = 0; round < 200; round++) {
    assert.equal(channel.take(), undefined);
    write(`a${round}`);
    let text = '';
    for (let bytes = channel.take(true); bytes instanceof Uint8Array; bytes = channel.take(true)) {
      text += String(bytes);
    }
    write(`b${round}`);
    // The watcher has it, or it is in the pipe; in no case is it lost or out of order.
    const left = channel.read();
    text += left instanceof Uint8Array ? String(left) : '';
    assert.equal(text, `a${round}b${round}`);
  }
  close(writer);
  assert.equal((await takeAll(channel)).length, 0);
  channel.close();
});
