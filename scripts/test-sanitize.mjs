// Builds the addon with AddressSanitizer and UndefinedBehaviorSanitizer and runs tests with it, then looks for
// faults with the analyzer of GCC. Other names of tests than those below can be given as arguments.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const addon = `${root}build/native/forkexec-sanitized.node`;
const TESTS = [
  'process/terminated',
  'process/stops',
  'launch/failures',
  'command/pipeline',
  'signal/storm',
];

function must(file, args, env = {}) {
  const { status, stdout } = spawnSync(file, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['inherit', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  process.stdout.write(stdout);
  if (status !== 0) process.exit(status ?? 1);
  return stdout;
}

must('scripts/build-native', ['--out', addon], {
  CFLAGS: '-fsanitize=address,undefined -fno-omit-frame-pointer',
});
// The runtime is not instrumented: the libraries have to be there before it.
const preload = ['libasan.so', 'libubsan.so']
  .map((name) => must('cc', [`-print-file-name=${name}`]).trim())
  .join(' ');
const tests = process.argv.length > 2 ? process.argv.slice(2) : TESTS;
must(process.execPath, ['scripts/test.mjs', ...tests], {
  FORKEXEC_ADDON: addon,
  LD_PRELOAD: preload,
  // What the runtime leaves at its end is not a leak of ours; the tests compare memory themselves.
  ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
});
// What is put into a list outlives its function, which the analyzer takes for a leak.
must('scripts/build-native', ['--out', `${root}build/native/forkexec-analyzed.node`], {
  CFLAGS: '-fanalyzer -Wno-analyzer-malloc-leak',
});
