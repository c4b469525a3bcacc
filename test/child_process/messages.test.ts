// Messages and handles between the drop-in's children and their parent.

import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type ForkOptions, fork } from '#dist/child_process/index.js';
import { needsHandles } from '../helpers/drop-in.js';
import { test } from '../helpers/test.js';

/** A child that runs `script`. */
function start(script: string, options: ForkOptions = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'forkexec-'));
  const file = join(folder, 'child.cjs');
  writeFileSync(file, script);
  const child = fork(file, [], options);
  const closed = new Promise<[number | null, string | null]>((resolve) => {
    child.on('close', (...how) => {
      rmSync(folder, { recursive: true });
      resolve(how);
    });
  });
  return { child, closed };
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

for (const serialization of ['json', 'advanced'] as const) {
  test(`ten thousand messages come back in order, as ${serialization}`, async () => {
    needsHandles();
    const { child, closed } = start(
      `process.on('message', (n) => n < 0 ? process.disconnect() : process.send(n));`,
      { serialization },
    );
    const got: number[] = [];
    const all = new Promise<void>((resolve) => {
      child.on('message', (n) => {
        got.push(n as number);
        if (got.length === 10_000) resolve();
      });
    });
    for (let n = 0; n < 10_000; n++) child.send(n);
    await all;
    child.send(-1);
    assert.deepEqual(got, [...Array(10_000).keys()]);
    assert.deepEqual(await closed, [0, null]);
  });
}

test('a channel that nobody reads from fills up, and send says so', async () => {
  needsHandles();
  const { child, closed } = start(`process.channel.ref(); process.send('here');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);`);
  await once(child, 'message');
  let sent = 0;
  while (child.send('x'.repeat(40_000)) && sent < 100) sent += 1;
  assert.ok(sent > 1 && sent < 20, `${sent} messages of 40 kB were taken`);
  child.kill('SIGKILL');
  assert.deepEqual(await closed, [null, 'SIGKILL']);
});

test('a listening server is served by the child that it was sent to', async () => {
  needsHandles();
  const { child, closed } = start(`process.once('message', (_, server) => {
    server.on('connection', (socket) => {
      socket.end('from ' + process.pid);
      server.close(() => process.disconnect());
    });
    process.send('ready');
  });`);
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  child.send('server', server);
  await once(child, 'message');
  server.close();
  assert.equal(await text(connect(port, '127.0.0.1')), `from ${child.pid}`);
  assert.deepEqual(await closed, [0, null]);
});

test('a connection goes to the child and comes back', async () => {
  needsHandles();
  const { child, closed } = start(`process.once('message', (_, socket) => {
    socket.write('child ');
    process.send('back', socket, { keepOpen: false }, () => process.disconnect());
  });`);
  const server = createServer((socket) => child.send('socket', socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(portOf(server), '127.0.0.1');
  const [, socket] = (await once(child, 'message')) as [string, Socket];
  socket.end('parent');
  assert.equal(await text(client), 'child parent');
  server.close();
  assert.deepEqual(await closed, [0, null]);
});

test('a datagram socket is bound in the child too', async () => {
  needsHandles();
  const { child, closed } = start(`process.once('message', (_, socket) => {
    socket.once('message', (bytes) => {
      process.send(String(bytes));
      socket.close();
      process.disconnect();
    });
    process.send('ready');
  });`);
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  child.send('socket', socket as never);
  await once(child, 'message');
  socket.close();
  const sender = createSocket('udp4');
  sender.send('datagram', port, '127.0.0.1');
  assert.deepEqual((await once(child, 'message'))[0], 'datagram');
  sender.close();
  assert.deepEqual(await closed, [0, null]);
});

test('an unreferenced child with an unreferenced channel does not hold the event loop', async () => {
  needsHandles();
  const module = JSON.stringify(import.meta.resolve('#dist/child_process/index.js'));
  const { child, closed } = start(`import(${module}).then(({ fork, spawn }) => {
    const other = fork(__filename, ['wait'], { execArgv: ['-e', 'setInterval(() => {}, 1000)'] });
    other.unref();
    other.channel.unref();
    const last = spawn('sleep', ['1000'], { stdio: 'ignore' });
    last.unref();
    process.on('exit', () => { other.kill('SIGKILL'); last.kill('SIGKILL'); });
  });`);
  assert.deepEqual(await closed, [0, null]);
  assert.equal(child.connected, false);
});
