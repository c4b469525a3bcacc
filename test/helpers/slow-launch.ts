// A launch that stays at its execve as long as it is needed there.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startProcess } from '#dist/process/index.js';
import { call, close } from '#dist/syscall/call.js';
import { F, O, SIG } from '#dist/syscall/constants.js';
import { withFolder } from './state.js';

const AT_FDCWD = -100;

/**
 * Calls `use` while the thread that launches waits for an execve: this process has a lease of the
 * program, and a process that opens the file waits until it is given back. See fcntl(2).
 */
export function slowLaunch(use: () => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const file = join(folder, 'true');
    copyFileSync('/bin/true', file);
    const fd = call('openat', AT_FDCWD, file, O.O_RDONLY | O.O_CLOEXEC, 0);
    try {
      // When a process opens it: instead of SIGIO, which would end this process.
      call('fcntl', fd, F.F_SETSIG, SIG.SIGURG);
      call('fcntl', fd, F.F_SETLEASE, F.F_WRLCK);
      const launch = startProcess(file, ['true']);
      await sleep(50);
      await use();
      call('fcntl', fd, F.F_SETLEASE, F.F_UNLCK);
      await (await launch).wait();
    } finally {
      close(fd);
    }
  });
}
