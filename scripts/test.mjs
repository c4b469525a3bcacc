// Runs the compiled tests with node:test. Arguments: parts of file names, to run only those.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const built = join(root, 'build', 'test');
const wanted = process.argv.slice(2);
const files = readdirSync(built, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.test.js'))
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .map((file) => join(built, file))
  .sort();
// One file after another: each asserts that it left no process, thread or descriptor behind, and a
// machine that is busy with another file's stress would stretch every wait of this one.
const args = ['--test', '--test-concurrency=1', '--test-reporter=spec', ...files];
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit', cwd: root });
process.exitCode = status ?? 1;
