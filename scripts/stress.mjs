// Runs test/helpers/long-stress.ts: npm run stress -- --minutes 10 --seed 1

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '10' }, seed: { type: 'string' } },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
if (!(minutes > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run stress -- [--minutes N] [--seed N]');
  process.exit(2);
}
console.log(`${minutes} minutes with seed ${seed}`);
const program = fileURLToPath(new URL('../build/test/helpers/long-stress.js', import.meta.url));
const args = ['--expose-gc', program, String(minutes * 60), String(seed)];
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
process.exit(status ?? 1);
