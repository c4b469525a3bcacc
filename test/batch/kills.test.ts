// kill -9 of each process that takes part in a batch, at random moments. FORKEXEC_KILLS says how often, and
// FORKEXEC_SEED repeats a run; `npm run test:kills` kills 200 times.

import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { run, runSync } from '#dist/index.js';
import { lackOf } from '../helpers/engines.js';
import { patience } from '../helpers/patience.js';
import { test } from '../helpers/test.js';

/** Deno takes several times as long to start, and each round starts it some ten times. */
const COUNT = Number(process.env['FORKEXEC_KILLS'] ?? (process.versions['deno'] ? 4 : 10));
const SEED = Number(process.env['FORKEXEC_SEED'] ?? Math.floor(Math.random() * 2 ** 31));

const program = fileURLToPath(new URL('../helpers/kill-rounds.js', import.meta.url));
/** A pid namespace, whose first process reaps what is left to it, as `init` does. */
const words = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const reaper = ['sh', '-c', '"$@"; exit $?', 'sh'];

function lack(): string | false {
  if (process.platform !== 'linux') return 'pid namespaces are of Linux';
  const tools = 'flock -n / true && setsid true && bash -c true';
  const { status, stderr } = runSync('unshare', [...words, ...reaper, 'sh', '-c', tools], {
    reject: false,
  });
  return status.ok ? false : `no pid namespace with flock, setsid and bash: ${stderr}`;
}

const timeout = patience(120_000 + COUNT * 30_000);

test(
  `kill -9 at ${COUNT} random moments leaves no process, and runs no job twice at once`,
  async (context) => {
    for (const engine of ['sshd', 'slurm'] as const) {
      const why = lackOf(engine);
      if (why !== undefined) context.diagnostic(`without ${engine}: ${why}`);
    }
    // A round waits most of its time for a heartbeat.
    const programs = COUNT < 20 ? 2 : 2 * availableParallelism();
    const runs = Array.from({ length: programs }, async (_, n) => {
      const count = Math.floor((COUNT + n) / programs);
      const seed = (SEED + n) % 2 ** 31;
      context.diagnostic(`kill-rounds ${count} ${seed}`);
      const argv = [process.execPath, program, String(count), String(seed)];
      const { status, stdout, stderr } = await run('unshare', [...words, ...reaper, ...argv], {
        reject: false,
        timeout,
      });
      for (const line of stdout.split('\n')) context.diagnostic(line);
      return { ok: status.ok, stderr };
    });
    for (const { ok, stderr } of await Promise.all(runs)) assert.ok(ok, stderr);
  },
  { skip: lack(), timeout },
);
