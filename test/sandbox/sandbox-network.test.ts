// Which network a sandbox lets a program use, in the strengths that the
// situations name; the numbers are those of the list that they come from.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { spawn } from '#dist/index.js';
import { SOCK } from '#dist/syscall/constants.js';
import { outcomesOf } from '../helpers/calls.js';
import { asRoot } from '../helpers/identity.js';
import { inSandbox, PROGRAMS, RUNTIME, test } from '../helpers/sandbox.js';
import { helper } from '../helpers/state.js';

test('with ports, TCP goes to these alone and datagrams to none (case 36)', async (strength) => {
  const sandbox = { read: [...PROGRAMS, helper('calls')], network: { connect: [443] }, strength };
  const to = (family: number, size: number): Uint8Array => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt16LE(family, 0);
    bytes.writeUInt16BE(9, 2);
    if (family === SOCK.AF_INET) bytes.writeUInt32BE(0x7f00_0001, 4);
    else bytes.writeUInt8(1, 23);
    return bytes;
  };
  const calls = [
    ['socket', SOCK.AF_INET, SOCK.SOCK_DGRAM, 0],
    ['socket', SOCK.AF_INET, SOCK.SOCK_STREAM, 0],
    ['connect', { result: 1 }, to(SOCK.AF_INET, 16), 16],
    ['socket', SOCK.AF_INET6, SOCK.SOCK_STREAM, 0],
    ['connect', { result: 3 }, to(SOCK.AF_INET6, 28), 28],
    ['socket', SOCK.AF_INET, SOCK.SOCK_STREAM, 262], // MPTCP, which Landlock does not know
  ] as const;
  const [datagram, , four, v6, six, other] = await outcomesOf(calls, { sandbox });
  assert.deepEqual([datagram, four, other], ['EAFNOSUPPORT', 'EACCES', 'EAFNOSUPPORT']);
  assert.ok(v6 !== 'ok' || six === 'EACCES', six);
});

test('a unix socket with a path is reached or not, and the report says so (case 37)', async (strength, d) => {
  const path = join(d, 's');
  const server = createServer((socket) => socket.destroy()).listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    const address = Buffer.alloc(110);
    address.writeUInt16LE(SOCK.AF_UNIX, 0);
    address.write(path, 2);
    const calls = [
      ['socket', SOCK.AF_UNIX, SOCK.SOCK_STREAM, 0],
      ['connect', { result: 0 }, address, 110],
    ] as const;
    const sandbox = { read: [...PROGRAMS, helper('calls')], network: false, strength };
    const [, outcome] = await outcomesOf(calls, { sandbox });
    const child = await spawn('/bin/true', { sandbox });
    await child.exited;
    const isTold = child.sandbox?.layers.some(
      ({ restricts, holds }) => restricts === 'unix sockets with a path' && !holds,
    );
    if (strength === 'namespaces') assert.equal(outcome, 'ENOENT');
    else assert.ok(outcome === 'EACCES' || (outcome === 'ok' && isTold === true), outcome);
  } finally {
    server.close();
  }
});

test("network 'loopback' is a network of its own, or is refused", async (strength) => {
  const sandbox = { read: PROGRAMS, network: 'loopback', strength } as const;
  const script = `cat /proc/net/dev | wc -l; node -e "
    require('net').createServer((c) => c.end('hi')).listen(0, '127.0.0.1', function () {
      require('net').connect(this.address().port, '127.0.0.1').on('data', (d) => { console.log(String(d)); process.exit(); });
    });"`;
  if (strength === 'kernel') {
    await assert.rejects(inSandbox(script, sandbox), {
      message: /^sandbox\.network cannot be 'loopback'/,
    });
    return;
  }
  const read = [...PROGRAMS, '/proc', ...RUNTIME];
  const output = await inSandbox(script, { ...sandbox, read, write: ['/dev/null'] });
  assert.match(output, /^hi$/m);
  assert.match(output, /^3$/m);
});

test(
  'a network takes nothing from a tree of settings that may be written',
  async (strength) => {
    const read = PROGRAMS.filter((path) => path !== '/etc');
    const sandbox = { read, write: ['/etc'], network: true, strength };
    assert.equal(await inSandbox('test -w /etc/hosts && echo writable', sandbox), 'writable');
  },
  asRoot.skip || (!existsSync('/etc/hosts') && 'there is no /etc/hosts'),
);
