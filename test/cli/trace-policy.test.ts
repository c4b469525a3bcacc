// What a traced program has used, made into a policy.

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Used } from '#dist/cli/sandbox-trace/policy.js';
import { once } from '../helpers/sandbox.js';

once(
  'many files of a directory become the directory, and what is written covers what is read',
  async (folder) => {
    const directory = join(folder, 'many');
    mkdirSync(directory);
    const files = Array.from({ length: 20 }, (_, index) => join(directory, `f${index}`));
    for (const file of files) writeFileSync(file, '');
    writeFileSync(join(folder, 'one'), '');
    symlinkSync('many/f0', join(folder, 'link'));
    const used = new Used();
    used.read([...files, join(folder, 'one'), join(folder, 'gone'), '/etc/passwd', '/usr/bin/env']);
    const read = ['/etc/passwd', directory, join(folder, 'one'), '/usr'];
    assert.deepEqual(used.policy(undefined), { read: read.sort(), write: [], network: false });
    // A link needs its name, and nothing in a tree that may be written can be read-only.
    used.read([join(folder, 'link')]);
    used.write([directory]);
    assert.deepEqual(used.policy('kernel'), {
      read: ['/etc/passwd', join(folder, 'one'), '/usr'].sort(),
      write: [join(folder, 'link'), directory].sort(),
      network: false,
      strength: 'kernel',
    });
  },
);

once('sockets become the network that allows them', async () => {
  const [INET, STREAM, DATAGRAM] = [2, 1, 2];
  const networkOf = (use: (used: Used) => void, strength?: 'kernel') => {
    const used = new Used();
    use(used);
    return used.policy(strength).network;
  };
  assert.equal(
    networkOf((used) => used.socket(1, STREAM)),
    false,
  );
  assert.deepEqual(
    networkOf((used) => used.socket(INET, DATAGRAM)),
    { connect: [53] },
  );
  const stream = (used: Used): void => {
    used.socket(INET, STREAM);
    used.connect(443, false);
    used.connect(80, false);
  };
  assert.deepEqual(networkOf(stream), { connect: [80, 443] });
  const own = (used: Used): void => {
    used.socket(INET, STREAM);
    used.bind(0);
    used.connect(40_000, true);
  };
  assert.equal(networkOf(own), 'loopback');
  assert.equal(networkOf(own, 'kernel'), true);
  assert.equal(
    networkOf((used) => used.socket(40, STREAM)),
    true,
  );
});
