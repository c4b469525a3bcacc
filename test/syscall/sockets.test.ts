// Messages with descriptors through local sockets.

import assert from 'node:assert/strict';
import { readFileSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import {
  close,
  pipe2,
  read,
  receiveMessage,
  SOCK,
  SocketChannel,
  sendMessage,
  shutdown,
  socketpair,
  write,
} from '#dist/syscall.js';
import { test } from '../helpers/test.js';

const target = (fd: number): string => readlinkSync(`/proc/self/fd/${fd}`);

/** A pair of sockets, closed after `body`. */
async function withPair(
  body: (first: number, second: number) => unknown,
  ...args: Parameters<typeof socketpair>
): Promise<void> {
  const [first, second] = socketpair(...args);
  try {
    await body(first, second);
  } finally {
    close(first);
    close(second);
  }
}

test('a descriptor that is sent with bytes arrives as another number of the same file', () =>
  withPair((first, second) => {
    const [reader, writer] = pipe2();
    assert.equal(sendMessage(first, Buffer.from('with a pipe'), [writer, reader]), 11);
    close(writer);
    const bytes = Buffer.alloc(64);
    const { length, fds, flags } = receiveMessage(second, bytes);
    assert.deepEqual([bytes.toString('utf8', 0, length), fds.length, flags], ['with a pipe', 2, 0]);
    const [copy = -1, other = -1] = fds;
    assert.equal(target(copy), target(reader));
    assert.match(readFileSync(`/proc/self/fdinfo/${copy}`, 'latin1'), /^flags:\s+02/m, 'O_CLOEXEC');
    write(copy, Buffer.from('x'));
    assert.equal(read(reader, bytes), 1);
    for (const fd of [copy, other, reader]) close(fd);
  }));

test('descriptors beyond the number that the receiver takes are closed', () =>
  withPair((first, second) => {
    sendMessage(first, Buffer.of(1), [0, 1, 2]);
    const before = target(second);
    const { fds, flags } = receiveMessage(second, Buffer.alloc(1), 1);
    assert.equal(fds.length, 1);
    assert.notEqual(flags & SOCK.MSG_CTRUNC, 0);
    close(fds[0] as number);
    assert.equal(target(second), before);
  }));

test('as many descriptors as the kernel takes arrive at once', () =>
  withPair((first, second) => {
    const list = Array<number>(253).fill(first);
    sendMessage(first, Buffer.of(1), list);
    const { fds } = receiveMessage(second, Buffer.alloc(1), 253);
    assert.equal(new Set(fds).size, 253);
    for (const fd of fds) close(fd);
    assert.throws(() => sendMessage(first, Buffer.of(1), [...list, first]), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /fds\.length/,
    });
  }));

test('messages of SOCK_SEQPACKET keep their boundaries, and a short buffer truncates one', () =>
  withPair((first, second) => {
    sendMessage(first, Buffer.from('one'));
    sendMessage(first, Buffer.from('second'));
    const bytes = Buffer.alloc(4);
    assert.equal(receiveMessage(second, bytes).length, 3);
    const { length, flags } = receiveMessage(second, bytes);
    assert.deepEqual([length, flags & SOCK.MSG_TRUNC], [4, SOCK.MSG_TRUNC]);
  }, SOCK.SOCK_SEQPACKET | SOCK.SOCK_CLOEXEC));

test('a socket pair has the buffers that were asked for', async () => {
  const fill = (fd: number): number => {
    let sent = 0;
    for (;;) {
      try {
        sent += sendMessage(fd, Buffer.alloc(1024), [], SOCK.MSG_DONTWAIT);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'EAGAIN');
        return sent;
      }
    }
  };
  const sizes: number[] = [];
  for (const size of [8 * 1024, 128 * 1024]) {
    await withPair((first) => sizes.push(fill(first)), undefined, {
      sendBuffer: size,
      receiveBuffer: size,
    });
  }
  const [small = 0, large = 0] = sizes;
  assert.ok(small > 0 && small * 4 < large, `${sizes}`);
});

test('shutdown ends one direction', () =>
  withPair((first, second) => {
    shutdown(first, SOCK.SHUT_WR);
    assert.equal(receiveMessage(second, Buffer.alloc(1)).length, 0);
    assert.equal(sendMessage(second, Buffer.of(7)), 1);
    assert.throws(() => sendMessage(first, Buffer.of(7)), { code: 'EPIPE' });
  }));

test('values that are no messages are refused', () =>
  withPair((first) => {
    const refusal = { code: 'ERR_INVALID_ARG_VALUE' };
    assert.throws(() => sendMessage(first, 'text' as never), refusal);
    assert.throws(() => sendMessage(first, Buffer.of(1), [-1]), refusal);
    assert.throws(() => sendMessage(first, Buffer.of(1), 5 as never), refusal);
    assert.throws(() => receiveMessage(first, Buffer.of(1), 254), refusal);
    assert.throws(() => socketpair(undefined, { sendBuffer: 0 }), refusal);
    assert.throws(() => sendMessage(987, Buffer.of(1)), { code: 'EBADF' });
  }));

test('a channel queues what there is no room for, with its descriptors', async () => {
  const [first, second] = socketpair(undefined, { sendBuffer: 8192, receiveBuffer: 8192 });
  const [sender, receiver] = [new SocketChannel(first), new SocketChannel(second)];
  const parts = Array.from({ length: 50 }, (_, index) => Buffer.alloc(5000, index + 1));
  const taken = parts.map((part, index) => sender.send(part, index % 10 === 0 ? [first] : []));
  assert.ok(taken.includes(true) && taken.includes(false));
  assert.ok(sender.waiting > 0);
  const got: Buffer[] = [];
  let fds = 0;
  const size = 50 * 5000;
  for (let length = 0; length < size; ) {
    const message = await receiver.receive();
    assert.ok(message);
    got.push(message.bytes);
    length += message.bytes.length;
    fds += message.fds.length;
    for (const fd of message.fds) close(fd);
  }
  await sender.drained();
  assert.equal(sender.waiting, 0);
  assert.equal(fds, 5);
  assert.ok(Buffer.concat(got).equals(Buffer.concat(parts)));
  sender.close();
  assert.equal(await receiver.receive(), undefined);
  receiver.close();
});

test('a channel waits for messages, and gives them one after another up to the end', async () => {
  const [first, second] = socketpair(SOCK.SOCK_SEQPACKET | SOCK.SOCK_CLOEXEC);
  const [sender, receiver] = [new SocketChannel(first), new SocketChannel(second)];
  const all = (async () => {
    const texts: string[] = [];
    for await (const { bytes } of receiver) texts.push(String(bytes));
    return texts;
  })();
  for (const text of ['one', 'two', 'three']) {
    await setImmediate();
    sender.send(Buffer.from(text));
  }
  sender.close();
  assert.deepEqual(await all, ['one', 'two', 'three']);
  assert.throws(() => sender.send(Buffer.of(1)), { code: 'ERR_INVALID_ARG_VALUE' });
  receiver.close();
});

test('what cannot be sent any more is an error of the channel', async () => {
  const [first, second] = socketpair(undefined, { sendBuffer: 8192, receiveBuffer: 8192 });
  const sender = new SocketChannel(first);
  while (sender.send(Buffer.alloc(5000)));
  const drained = sender.drained();
  close(second);
  await assert.rejects(drained, { code: /^(EPIPE|ECONNRESET)$/ });
  assert.throws(() => sender.send(Buffer.of(1)), { code: /^(EPIPE|ECONNRESET)$/ });
  sender.close();
  assert.ok(sender.closed);
});

test('an unreferenced channel gives a receiver the end when it is closed', async () => {
  const [first, second] = socketpair();
  const channel = new SocketChannel(first);
  channel.unref();
  const received = channel.receive();
  channel.ref();
  channel.close();
  assert.equal(await received, undefined);
  assert.throws(() => new SocketChannel(second + 900), { code: 'EBADF' });
  close(second);
});
