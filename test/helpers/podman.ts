// A container of podman over the files of this machine, in namespaces of its own, so that nothing stays.

import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { container, type Engine } from '#dist/batch/index.js';
import { runSync } from '#dist/index.js';
import { agentArgv, until } from './batch.js';
import { bin } from './cli.js';
import { contained } from './engines.js';
import { childrenOf } from './other.js';
import { withFolder } from './state.js';

const PODMAN = '/usr/bin/podman';
/** Where this process may not raise limits, podman's own are refused. */
const LIMITS = ['--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=4096:4096'];
/** Of crun and runc, each refuses some layouts of control groups. */
const RUNTIMES = ['crun', 'runc'];

/** The words before a command of podman. */
function podman(folder: string, runtime: string): string[] {
  const folders = ['--root', `${folder}/root`, '--runroot', `${folder}/run`];
  const quiet = ['--cgroup-manager', 'cgroupfs', '--events-backend', 'none'];
  return [PODMAN, ...folders, '--tmpdir', `${folder}/tmp`, '--runtime', runtime, ...quiet];
}

/** The words of a container whose files are those of this machine, with a layer of its own over them. */
const box = (words: readonly string[]): string[] => [
  ...['run', ...words, '--network', 'none', '--cgroupns', 'host', ...LIMITS],
  ...['--rootfs', '/:O'],
];

let found: Promise<{ runtime: string } | { lack: string }> | undefined;

async function find(): Promise<{ runtime: string } | { lack: string }> {
  if (!existsSync(PODMAN)) return { lack: `${PODMAN} not found: install podman, and crun or runc` };
  let lack = '';
  for (const runtime of RUNTIMES) {
    const why = await withFolder((folder) => {
      const words = [...podman(folder, runtime), ...box(['--rm'])];
      const probe = [...words, process.execPath, '-e', `require('fs').accessSync('${bin}')`];
      const space = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
      const { status, stderr } = runSync('unshare', [...space, ...probe], { reject: false });
      return status.ok ? undefined : `${runtime}: ${status}: ${stderr}`;
    });
    if (why === undefined) return { runtime };
    lack += `no container of podman runs with ${why}\n`;
  }
  return { lack };
}

/** Why no container can be run here; undefined where one can. */
export async function lackOfPodman(): Promise<string | undefined> {
  found ??= find();
  const result = await found;
  return 'lack' in result ? result.lack : undefined;
}

/** Calls `use` with an engine for a container that runs. */
export function withPodman<T>(use: (engine: (jobs: number) => Engine) => Promise<T>): Promise<T> {
  return withFolder(async (folder) => {
    found ??= find();
    const result = await found;
    if ('lack' in result) throw new Error(result.lack);
    const words = podman(folder, result.runtime);
    const ready = join(folder, 'ready');
    const run = [...words, ...box(['--detach', '--name', 'box']), 'sleep', 'infinity'];
    const script = `${run.join(' ')} && : >${ready} && exec sleep infinity`;
    await using space = await contained(script, folder);
    await until(() => existsSync(ready), 'the container runs', 60_000);
    const [first] = childrenOf(space.pid);
    const tool = join(folder, 'podman');
    const enter = `nsenter --target ${first} --mount --pid`;
    writeFileSync(tool, `#!/bin/sh\nexec ${enter} ${words.join(' ')} "$@"\n`);
    chmodSync(tool, 0o755);
    return await use((jobs) => container(tool, 'box', jobs, { agent: agentArgv }));
  });
}
