// Limits of a sandbox, and what it takes for an option, in the strengths that the
// situations name; the numbers are those of the list that they come from.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupPlace } from '#dist/command/sandbox-group.js';
import { usableCpus } from '#dist/command/sandbox-surroundings.js';
import { type RunOptions, run, runSync, spawn } from '#dist/index.js';
import { outcomesOf } from '../helpers/calls.js';
import { ownGroup } from '../helpers/cgroups.js';
import { asRoot } from '../helpers/identity.js';
import { patience } from '../helpers/patience.js';
import {
  API,
  inSandbox,
  lackInSystem,
  lackOfProgram,
  noSandbox,
  once,
  PROGRAMS,
  RUNTIME,
  test,
} from '../helpers/sandbox.js';
import { helper } from '../helpers/state.js';
import { test as anyTest } from '../helpers/test.js';

const ownCgroup = ownGroup();

function noGroup(controller: 'pids' | 'memory'): string | false {
  if (noSandbox) return noSandbox;
  const place = groupPlace(controller);
  return typeof place === 'string' && place;
}

once(
  'a limit of processes is held or told, and refused where it was to be held (case 39)',
  async () => {
    const sandbox = { read: PROGRAMS, write: ['/dev/null'], processes: 20 };
    const script = 'for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.2 & done; wait; echo all';
    assert.equal(await inSandbox(script, sandbox), 'all');
    const child = await spawn('/bin/true', { sandbox });
    await child.exited;
    const told = child.sandbox?.layers.find(({ restricts }) => restricts === 'processes');
    assert.ok(told !== undefined && (told.holds || told.reason !== ''), JSON.stringify(told));
    if (typeof groupPlace('pids') !== 'string') return;
    await assert.rejects(inSandbox(script, { ...sandbox, strength: 'kernel' }), {
      message: /^sandbox\.processes cannot be held with strength 'kernel': /,
    });
  },
);

const SLEEPS = (count: number): string =>
  `for i in $(seq ${count}); do sleep 0.3 & done; wait; echo all`;

once('processes outside of a sandbox are not counted in its limit (case 39)', async () => {
  const user = asRoot.skip === false ? { credential: { uid: 61_234, gid: 61_234 } } : {};
  const others = await Promise.all(
    Array.from({ length: 15 }, () => spawn('/bin/sleep', ['1000'], { ...user, cwd: '/' })),
  );
  try {
    const sandbox = { read: PROGRAMS, write: ['/dev/null'], processes: 20 };
    assert.equal(await inSandbox(SLEEPS(10), sandbox, { ...user, cwd: '/' }), 'all');
  } finally {
    for (const other of others) other.kill('SIGKILL');
    await Promise.all(others.map((other) => other.exited));
  }
});

test(
  'a control group counts the processes of a sandbox, and its directory is gone afterwards (case 39)',
  async (strength) => {
    const sandbox = { read: PROGRAMS, write: ['/dev/null'], processes: 20, strength };
    assert.equal(await inSandbox(SLEEPS(10), sandbox), 'all');
    assert.match(await inSandbox(SLEEPS(40), sandbox), /[Cc]annot fork/);
    // All that is left ends with the sandbox, whatever it did to its session and its environment.
    const script = 'env -i setsid sleep 1234 >/dev/null 2>&1 & cat /proc/self/cgroup';
    const within = { ...sandbox, read: [...PROGRAMS, '/proc'] };
    const child = await spawn('/bin/sh', ['-c', script], { sandbox: within, stdout: 'pipe' });
    const lines: string[] = [];
    for await (const line of child.lines()) lines.push(line);
    const own = child.sandbox?.layers.filter(({ restricts }) => /^processes/.test(restricts));
    assert.deepEqual(
      own?.map(({ holds }) => holds),
      [true, true],
    );
    const name = /forkexec-sandbox-[^/\n]*/.exec(lines.join('\n'))?.[0] as string;
    assert.ok(name !== undefined, lines.join('\n'));
    await child.exited;
    const { directory } = groupPlace('pids') as { directory: string };
    const deadline = Date.now() + patience(10_000);
    while (existsSync(join(directory, name))) {
      assert.ok(Date.now() < deadline, readFileSync(join(directory, name, 'cgroup.procs'), 'utf8'));
      await sleep(5);
    }
  },
  noGroup('pids'),
);

test(
  'two processes that need more memory together than the limit do not both get it (case 41)',
  async (strength) => {
    const sandbox = { read: PROGRAMS, write: ['/dev/null'], memory: '256M', strength };
    // Both hold their memory until each has written all of it, or the other has ended.
    const script = `allocate() { python3 -c '
import sys
held = bytearray(200 << 20)
for page in range(0, len(held), 4096): held[page] = 1
print("has", flush=True)
sys.stdin.read()
'; echo "ended $?"; }
sleep 1000 | allocate & sleep 1000 | allocate & wait`;
    const child = await spawn('/bin/sh', ['-c', script], {
      sandbox,
      stdout: 'pipe',
      stderr: 'null',
    });
    const lines: string[] = [];
    for await (const line of child.lines()) {
      lines.push(line);
      if (lines.length === 2) break;
    }
    child.kill('SIGKILL', { scope: 'cgroup' });
    await child.exited;
    const told = child.sandbox?.layers.find(({ restricts }) => restricts === 'memory');
    assert.deepEqual([told?.holds, lines.sort()], [true, ['ended 137', 'has']]);
  },
  noGroup('memory') || lackOfProgram('python3'),
);

test(
  'where no control group counts memory, each of two processes has its own limit, and that is told (case 41)',
  async (strength) => {
    const sandbox = { read: PROGRAMS, write: ['/dev/null'], memory: '256M', strength };
    const half = "python3 -c 'print(len(bytearray(200 << 20)))'";
    // A control group that is given takes the place of one of the sandbox.
    const options = { sandbox, cgroup: ownCgroup as string };
    const printed = await inSandbox(`${half} & ${half} & wait`, sandbox, options);
    // A number and the end of its line may be written one after the other.
    assert.equal(printed.replaceAll('\n', ''), '209715200209715200');
    const child = await spawn('/bin/true', options);
    await child.exited;
    const told = child.sandbox?.layers.find(({ restricts }) => restricts === 'memory');
    assert.equal(told?.holds, false);
    assert.match(told?.reason ?? '', /each process on its own.*; the option cgroup is given$/);
  },
  (ownCgroup === undefined && 'no control groups of version 2 are mounted') ||
    asRoot.skip ||
    lackOfProgram('python3'),
);

test('a limit of memory counts what is used, and not reserved addresses (cases 40 and 41)', async (strength) => {
  const read = [...PROGRAMS, '/proc', ...RUNTIME];
  const script = 'new WebAssembly.Memory({ initial: 1 }); console.log(1)';
  // Node 26 reserves 512 MB that may be written and executed, which the kernel counts as used.
  const starts = runSync(process.execPath, ['-e', ''], {
    rlimits: { data: 512 << 20 },
    reject: false,
  });
  const size = starts.status.ok ? 512 : 1024;
  const sandbox = { read, write: ['/dev/null'], memory: `${size}M`, strength };
  const { stdout } = await run(process.execPath, ['-e', script], { sandbox });
  assert.equal(stdout, '1');
  const large = `Buffer.alloc(${size + 388} * 2 ** 20, 1); console.log(2)`;
  const result = await run(process.execPath, ['-e', large], { sandbox, reject: false });
  assert.equal(result.status.ok, false);
  const child = await spawn('/bin/true', { sandbox });
  await child.exited;
  const told = child.sandbox?.layers.find(({ restricts }) => restricts === 'memory');
  assert.match(told?.reason ?? '', /each process/);
});

test(
  'Java runs below a limit of memory, though it reserves more addresses (case 40)',
  async (strength, d) => {
    const read = [...PROGRAMS, '/proc'];
    const sandbox = { read, write: [d, '/dev/null'], memory: '512M', strength };
    const output = await inSandbox('java -Xmx64m -version', sandbox, {
      cwd: d,
      env: { TMPDIR: d },
    });
    assert.match(output, /version/);
  },
  lackInSystem('java'),
);

test(
  'Python gets no more memory than the limit (case 41)',
  async (strength) => {
    const sandbox = { read: PROGRAMS, write: ['/dev/null'], memory: '256M', strength };
    const options = { sandbox, reject: false } as const;
    const script = 'bytearray(600 << 20)';
    const { status, stderr } = await run('python3', ['-c', script], options);
    assert.equal(status.code, 1);
    assert.match(stderr, /MemoryError/);
    assert.equal(
      await inSandbox("python3 -c 'print(len(bytearray(9 << 20)))'", sandbox),
      '9437184',
    );
  },
  lackOfProgram('python3'),
);

anyTest(
  'values that cannot be are refused by the path of the option (case 63)',
  async () => {
    const refused: readonly (readonly [sandbox: object, path: string])[] = [
      [{ network: { connect: [70000] } }, 'sandbox.network.connect[0] must be'],
      [{ network: 'none' }, 'sandbox.network must be'],
      [{ network: { connect: ['https'] } }, 'sandbox.network.connect[0] must be'],
      [{ network: { listen: [1] } }, "Unknown option 'sandbox.network.listen'"],
      [{ memory: 'lots' }, 'sandbox.memory must be'],
      [{ memory: 0 }, 'sandbox.memory must be'],
      [{ memory: `${'9'.repeat(400)}G` }, 'sandbox.memory must be'],
      [{ time: -1 }, 'sandbox.time must be'],
      [{ time: '10 parsecs' }, 'sandbox.time must be'],
      [{ strength: 'max' }, 'sandbox.strength must be'],
      [{ reads: [] }, "Unknown option 'sandbox.reads'"],
      [{ read: '/usr' }, 'sandbox.read must be'],
      [{ write: [5] }, 'sandbox.write[0] must be'],
      [{ processes: 0 }, 'sandbox.processes must be'],
      [{ cpu: 1.5 }, 'sandbox.cpu must be'],
      [{ keep: 'PATH' }, 'sandbox.keep must be'],
    ];
    for (const [sandbox, message] of refused) {
      await assert.rejects(run('/bin/true', { sandbox } as RunOptions), (error: Error) => {
        assert.equal((error as { code?: string }).code, 'ERR_INVALID_ARG_VALUE');
        assert.ok(error.message.startsWith(message), error.message);
        return true;
      });
    }
  },
  { skip: noSandbox },
);

test('the environment has what is kept, and what is given', async (strength) => {
  const sandbox = { read: PROGRAMS, keep: ['PATH', 'NOT_THERE'], strength };
  const { stdout } = await run('/usr/bin/env', { sandbox, env: { A: '1' }, lines: true });
  const names = stdout
    .map((line) => line.split('=')[0])
    .filter((name) => !/^FORKEXEC_/.test(name ?? ''));
  assert.deepEqual(names.sort(), ['A', 'PATH']);
});

test('the shorter of time and timeout ends the program', async (strength) => {
  const sandbox = { read: PROGRAMS, time: 100, strength };
  const options = { sandbox, timeout: 60_000, reject: false, stop: { signal: 'SIGKILL' } } as const;
  const { status } = await run('/bin/sleep', ['50'], options);
  assert.equal(status.reason, 'timeout');
});

test('less than a millisecond is a limit of time', async (strength) => {
  const sandbox = { read: PROGRAMS, time: 0.4, strength };
  const options = { sandbox, reject: false, stop: { signal: 'SIGKILL' } } as const;
  const { status } = await run('/bin/sleep', ['50'], options);
  assert.equal(status.reason, 'timeout');
});

once('names that every object has are not variables to keep', async () => {
  const sandbox = { read: PROGRAMS, keep: ['PATH', 'constructor', '__proto__', 'toString'] };
  const { stdout } = await run('/usr/bin/env', { sandbox, lines: true });
  const names = stdout.map((line) => line.split('=')[0]);
  assert.deepEqual(
    names.filter((name) => !/^FORKEXEC_/.test(name ?? '')),
    ['PATH'],
  );
});

test('a program gets processors that its parent may use, and no others', async (strength) => {
  const last = usableCpus().at(-1) as number;
  const read = [...PROGRAMS, '/proc', ...RUNTIME];
  const sandbox = { read, write: ['/dev/null'], cpu: 1, strength };
  const args = JSON.stringify(['Cpus_allowed_list', '/proc/self/status']);
  const script = `import { run } from ${API};
    const { stdout } = await run('grep', ${args}, { sandbox: ${JSON.stringify(sandbox)} });
    console.log(stdout);`;
  const words = ['--input-type=module', '-e', script];
  const { stdout } = await run(process.execPath, words, { cpuAffinity: [last] });
  assert.match(stdout, new RegExp(`:\\s+${last}$`));
});

test('a program keeps the processors that it was given', async (strength) => {
  const sandbox = { read: [...PROGRAMS, helper('calls')], strength };
  const [first = 0] = usableCpus();
  const mask = Buffer.alloc(1024);
  mask[first >> 3] = 1 << (first & 7);
  const calls = [['sched_setaffinity', 0, mask.length, mask]] as const;
  assert.deepEqual(await outcomesOf(calls, { sandbox }), ['ok']);
  assert.deepEqual(await outcomesOf(calls, { sandbox: { ...sandbox, cpu: 1 } }), ['EPERM']);
});
