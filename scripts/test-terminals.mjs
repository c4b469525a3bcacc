// Reads the output of terminals many times over, on every runtime: test/terminal/repeats.test.ts.
//
// scripts/test-terminals.mjs [--repeat N] [RUNTIME…]
//   --repeat N   how often each (500)
//   RUNTIME      as scripts/test-runtimes.mjs takes them
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  options: { repeat: { type: 'string', default: '500' } },
  allowPositionals: true,
});
const repeats = Number(values.repeat);
if (!Number.isInteger(repeats) || repeats < 1) {
  console.error(`--repeat ${values.repeat}: how often, from 1 on`);
  process.exit(2);
}
const script = fileURLToPath(new URL('test-runtimes.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [script, ...positionals, '--', 'terminal/repeats'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    FORKEXEC_TERMINAL_REPEATS: String(repeats),
    FORKEXEC_TEST_FILE_MINUTES: String(6 + Math.ceil(repeats / 10)),
  },
});
process.exitCode = status ?? 1;
