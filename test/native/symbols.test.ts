import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, runSync } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

/** What the child's code may need from elsewhere, where system calls are made without libc. */
const ALLOWED: readonly string[] = [];

const root = fileURLToPath(new URL('../../../', import.meta.url));
const objects = 'build/native/forkexec.objects';

/** What nm says of a file: `'U memcpy'`, `'T launch_child'`. */
async function symbols(file: string, nm = 'nm'): Promise<string[]> {
  const { stdout } = await run(nm, ['--format=posix', file], { cwd: root });
  return stdout.split('\n').map((line) => {
    const [name, type] = line.split(' ');
    return `${type} ${name}`;
  });
}

/** Checks the object of launch.c: no libc, no memory of its own but constants. */
async function assertStandsAlone(folder: string, nm?: string): Promise<void> {
  const all = await symbols(join(folder, 'launch.o'), nm);
  const needed = all.filter((symbol) => symbol.startsWith('U '));
  assert.deepEqual(
    needed.map((symbol) => symbol.slice(2)).filter((name) => !ALLOWED.includes(name)),
    [],
  );
  assert.ok(all.includes('T launch_child'), 'it is the file that the child runs');
  const writable = all.filter((symbol) => /^[BbDdCcGgSs] /.test(symbol));
  assert.deepEqual(writable, [], 'the child would write to memory of the parent');
  // The same of a file that does need libc, so that an empty list means something.
  const others = await symbols(join(folder, 'start_linux.o'), nm);
  assert.ok(others.includes('U mmap'));
}

test('the code of the child refers to no symbol of libc', () => assertStandsAlone(objects), {
  skip:
    process.arch === 'x64' || process.arch === 'arm64'
      ? false
      : `libc makes calls on ${process.arch}`,
});

/** The lines of a file of native/, and the files that it includes. */
function sourceOf(name: string): { lines: number; includes: string[] } {
  const text = readFileSync(join(root, 'native', name), 'utf8');
  const includes = [...text.matchAll(/#include (.*)/g)].map(([, what]) => what as string);
  return { lines: text.split('\n').length, includes };
}

test('the interpreter has fewer than 300 lines and includes no header of libc', () => {
  const [interpreter, child, calls] = [
    sourceOf('launch.c'),
    sourceOf('child_linux.h'),
    sourceOf('calls_linux.h'),
  ];
  assert.ok(interpreter.lines + child.lines < 300);
  for (const name of interpreter.includes)
    assert.match(name, /^"(launch|child_linux|child_posix)\.h"/);
  for (const name of child.includes) assert.match(name, /^"(launch|calls_linux)\.h"/);
  // Where there is an assembler for it; on other architectures libc makes the calls.
  assert.deepEqual(calls.includes.slice(0, 2), ['<stdint.h>', '<sys/syscall.h>']);
});

const CROSS = 'aarch64-linux-gnu-gcc';

/** Why the addon can't be built for arm64 here, or false. */
function withoutCrossCompiler(): string | false {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  if (!folders.some((folder) => existsSync(join(folder, CROSS)))) return `there is no ${CROSS}`;
  const probe = { input: '#include <stdint.h>\n', reject: false } as const;
  const { status, stderr } = runSync(CROSS, ['-E', '-x', 'c', '-'], probe);
  return !status.ok && `${CROSS} has no C library: ${stderr.trim()}`;
}

test(
  'the addon builds for arm64, where the code of the child refers to no symbol of libc',
  () =>
    withFolder(async (folder) => {
      const out = join(folder, 'arm64.node');
      const args = ['--out', out];
      const { stdout, stderr } = await run('scripts/build-native', args, {
        cwd: root,
        env: { CC: CROSS },
      });
      assert.equal(stdout + stderr, '', 'without a warning');
      const elf = readFileSync(out);
      assert.equal(elf.readUInt16LE(18), 183, 'EM_AARCH64');
      await assertStandsAlone(join(folder, 'arm64.objects'), CROSS.replace('gcc', 'nm'));
    }),
  { skip: withoutCrossCompiler() },
);
