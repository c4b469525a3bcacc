import assert from 'node:assert/strict';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backend } from '#dist/backend.js';
import { run } from '#dist/index.js';
import { attempt, close } from '#dist/syscall/call.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const compiler = process.env['CC'] ?? 'cc';
const flags = ['-std=c11', '-g', '-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-Inative'];

/** Probed with a process that there is: this one. */
const pidfd = attempt('pidfd_open', process.pid, 0);
if (pidfd >= 0) close(pidfd);

const builds = {
  epoll: ['native/events_linux.c'],
  kqueue: [
    '-DFORKEXEC_POSIX',
    '-Itest/helpers/kqueue',
    'native/events_posix.c',
    'test/helpers/kqueue/kqueue.c',
  ],
};

for (const [name, sources] of Object.entries(builds)) {
  test(
    `descriptors and children are watched through ${name} as events.h says`,
    () =>
      withFolder(async (folder) => {
        const program = join(folder, 'events');
        const args = [...flags, 'test/native/events.c', ...sources, '-o', program];
        await run(compiler, args, { cwd: root });
        const { stdout } = await run(program, { timeout: 50_000 });
        assert.equal(stdout, 'ok');
      }),
    {
      skip:
        name === 'kqueue' &&
        pidfd < 0 &&
        backend === 'linux' &&
        'the kqueue of the tests needs pidfd_open',
    },
  );
}
