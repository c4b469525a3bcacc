// Limits of a sandbox, and what it takes for an option, in the strengths that the
// situations name; the numbers are those of the list that they come from.

import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { usableCpus } from '#dist/command/sandbox-surroundings.js';
import { type RunOptions, run, spawn } from '#dist/index.js';
import { outcomesOf } from '../helpers/calls.js';
import {
  API,
  inSandbox,
  lackInSystem,
  lackOfProgram,
  noSandbox,
  once,
  PROGRAMS,
  test,
} from '../helpers/sandbox.js';
import { helper } from '../helpers/state.js';
import { test as anyTest } from '../helpers/test.js';

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
    await assert.rejects(inSandbox(script, { ...sandbox, strength: 'kernel' }), {
      message: /^sandbox\.processes cannot be held with strength 'kernel': /,
    });
  },
);

test('a limit of memory counts what is used, and not reserved addresses (cases 40 and 41)', async (strength) => {
  const read = [...PROGRAMS, '/proc', realpathSync(process.execPath)];
  const sandbox = { read, write: ['/dev/null'], memory: '512M', strength };
  const script = 'new WebAssembly.Memory({ initial: 1 }); console.log(1)';
  const { stdout } = await run(process.execPath, ['-e', script], { sandbox });
  assert.equal(stdout, '1');
  const large = 'Buffer.alloc(900 << 20, 1); console.log(2)';
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
  const read = [...PROGRAMS, '/proc', realpathSync(process.execPath)];
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
