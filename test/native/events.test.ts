import { backend } from '#dist/backend.js';
import { attempt, close } from '#dist/syscall/call.js';
import { runCompiled } from '../helpers/compiled.js';
import { test } from '../helpers/test.js';

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
    () => runCompiled('test/native/events.c', ...sources),
    {
      skip:
        name === 'kqueue' &&
        pidfd < 0 &&
        backend === 'linux' &&
        'the kqueue of the tests needs pidfd_open',
    },
  );
}
