import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { run } from '#dist/index.js';
import { needsLinux } from '../helpers/backend.js';
import { patience } from '../helpers/patience.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const dist = new URL('../../../dist/', import.meta.url).href;

/** Why a process here can't be kept from having more threads, or false. */
function withoutUsers(): string | false {
  return process.getuid?.() === 0 ? false : 'only root can become a user without processes';
}

const NOBODY = 2_000_123_456;

/** What is first to need a thread of the library, and how it fails. */
const FIRST_USES: Readonly<Record<string, string>> = {
  "spawn('true', { stdout: 'pipe' })": 'LaunchError clone EAGAIN',
  "spawn('true', { stdin: 'null', stdout: 'null', stderr: 'null' })": 'LaunchError clone EAGAIN',
  "spawn('true', { stdin: { file: '/dev/null' } })": 'LaunchError clone EAGAIN',
  "run('true')": 'LaunchError clone EAGAIN',
  "new Promise((resolve) => resolve(runSync('true')))": 'LaunchError clone EAGAIN',
  "startProcess('/bin/true', ['true'])": 'LaunchError clone EAGAIN',
  'Process.open(process.ppid).wait()': 'SystemError pthread_create EAGAIN',
  'forkLock.read(() => {})': 'SystemError pthread_create EAGAIN',
  'syscall(39)': 'SystemError pthread_create EAGAIN',
  "(async () => notify('SIGUSR2'))()": 'SystemError pthread_create EAGAIN',
};

test(
  'a call for the tracer that can have no thread fails, and a later one succeeds',
  () =>
    withFolder(async (folder) => {
      needsLinux('RLIMIT_NPROC of threads');
      const program = join(folder, 'program.mjs');
      writeFileSync(
        program,
        `import { setTimeout } from 'node:timers/promises';
        import { run } from '${dist}index.js';
        import { prlimit, RLIMIT, setuid, SYS } from '${dist}syscall.js';
        import { syscallOnTracer } from '${dist}syscall/raw.js';
        await run('true'); // the thread that is to refuse runs
        await setTimeout(200); // and has nothing to do any more: no other event may bring the answer
        setuid(${NOBODY});
        const limit = prlimit(0, RLIMIT.RLIMIT_NPROC);
        prlimit(0, RLIMIT.RLIMIT_NPROC, { ...limit, cur: 1 });
        const { errno } = await syscallOnTracer(SYS.getpid);
        prlimit(0, RLIMIT.RLIMIT_NPROC, limit);
        const later = await syscallOnTracer(SYS.getpid);
        console.log(errno, later.errno);
        process.exit();`,
      );
      const { stdout } = await run(process.execPath, [program], { timeout: 60_000 });
      assert.equal(stdout, `${constants.errno.EAGAIN} 0`);
    }),
  { skip: withoutUsers() },
);

test(
  'a first use that can have no thread says so, and a later one that can succeeds',
  () =>
    withFolder(async (folder) => {
      needsLinux('RLIMIT_NPROC of threads');
      for (const [use, expected] of Object.entries(FIRST_USES)) {
        const program = join(folder, 'program.mjs');
        // The limit counts threads, and those that the runtime needs later are there by then.
        writeFileSync(
          program,
          `import { run, runSync, spawn } from '${dist}index.js';
          import { Process, startProcess } from '${dist}process/index.js';
          import { notify } from '${dist}signal/index.js';
          import { forkLock, prlimit, RLIMIT, setuid, syscall } from '${dist}syscall.js';
          import { readFile } from 'node:fs/promises';
          await readFile('/dev/null');
          setuid(${NOBODY});
          const limit = prlimit(0, RLIMIT.RLIMIT_NPROC);
          prlimit(0, RLIMIT.RLIMIT_NPROC, { ...limit, cur: 1 });
          const failed = await (${use}).then(() => 'succeeded', (error) => error);
          console.log(failed.name, failed.step ?? failed.syscall, failed.code);
          prlimit(0, RLIMIT.RLIMIT_NPROC, limit);
          console.log((await run('echo', ['later'])).stdout.trim());
          process.exit();`,
        );
        const { stdout } = await run(process.execPath, [program], { timeout: patience(60_000) });
        assert.equal(stdout, `${expected}\nlater`, use);
      }
    }),
  { skip: withoutUsers() },
);

test(
  'a stop is reported where no thread can be had to wait for it',
  () =>
    withFolder(async (folder) => {
      needsLinux('RLIMIT_NPROC of threads');
      const program = join(folder, 'program.mjs');
      writeFileSync(
        program,
        `import { setTimeout } from 'node:timers/promises';
        import { spawn } from '${dist}index.js';
        import { prlimit, RLIMIT, setuid } from '${dist}syscall.js';
        const child = await spawn('sleep', ['60'], { credential: { uid: ${NOBODY}, gid: ${NOBODY} } });
        setuid(${NOBODY});
        await setTimeout(200); // no thread of the pool is left
        prlimit(0, RLIMIT.RLIMIT_NPROC, { ...prlimit(0, RLIMIT.RLIMIT_NPROC), cur: 1 });
        const stopped = new Promise((resolve) => child.on('stopped', resolve));
        child.kill('SIGSTOP');
        console.log(await stopped);
        child.kill('SIGKILL');
        console.log((await child.exited).signal);`,
      );
      const { stdout } = await run(process.execPath, [program], { timeout: patience(60_000) });
      assert.equal(stdout, 'SIGSTOP\nSIGKILL');
    }),
  { skip: withoutUsers() },
);
