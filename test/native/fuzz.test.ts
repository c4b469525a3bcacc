import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, runSync } from '#dist/index.js';
import { withFolder } from '../helpers/state.js';
import { test } from '../helpers/test.js';

const ITERATIONS = 500_000;

const root = fileURLToPath(new URL('../../../', import.meta.url));
const compiler = process.env['CC'] ?? 'cc';
const flags = ['-std=c11', '-g', '-O1', '-Wall', '-Wextra', '-Werror'];
const sanitizers = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
// LeakSanitizer would need ptrace, which a container may not have; nothing here is about leaks.
const env = { ASAN_OPTIONS: 'detect_leaks=0', UBSAN_OPTIONS: 'print_stacktrace=1' };

/** Why nothing can be built with sanitizers here, or false. */
async function withoutSanitizers(): Promise<string | false> {
  return withFolder((folder) => {
    const [source, program] = [join(folder, 'probe.c'), join(folder, 'probe')];
    writeFileSync(source, 'int main(void) { return 0; }\n');
    try {
      runSync(compiler, [...sanitizers, source, '-o', program]);
      runSync(program, { env });
      return false;
    } catch (error) {
      return `no program with sanitizers can be built and run: ${(error as Error).message}`;
    }
  });
}

test(
  'program_load stays within its allocation for any bytes',
  (context) =>
    withFolder(async (folder) => {
      const program = join(folder, 'fuzz_program');
      const sources = ['test/native/fuzz_program.c', 'native/program.c'];
      const args = [...flags, ...sanitizers, '-Inative', ...sources, '-o', program];
      await run(compiler, args, { cwd: root });
      const seed = String(Math.floor(Math.random() * 2 ** 48));
      context.diagnostic(`fuzz_program ${seed} ${ITERATIONS}`);
      const { stdout } = await run(program, [seed, String(ITERATIONS)], { env });
      const answers = new Map(
        stdout.split('\n').map((line) => {
          const [, count, text] = /^(\d+) (.*)$/.exec(line) ?? assert.fail(line);
          return [text as string, Number(count)];
        }),
      );
      let total = 0;
      for (const count of answers.values()) total += count;
      assert.equal(total, ITERATIONS);
      assert.ok((answers.get('accepted') ?? 0) > ITERATIONS / 10, stdout);
      // The mutations are good enough to reach every check there is.
      const source = readFileSync(join(root, 'native/program.c'), 'utf8');
      const checks = [...source.matchAll(/return "([^"]+)"/g)].map(([, text]) => text as string);
      assert.ok(checks.length > 10);
      for (const text of checks) assert.ok(answers.has(text), `never answered: ${text}`);
    }),
  { skip: await withoutSanitizers() },
);
