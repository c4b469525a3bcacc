// Real engines for tests: sshd and Slurm, each in a mount and pid namespace of its own, so that nothing stays.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Engine, slurm, ssh } from '#dist/batch/index.js';
import { type Child, run, runSync, spawn } from '#dist/index.js';
import { agentArgv, until } from './batch.js';
import { withFolder } from './state.js';

/** Why an engine cannot be tested here; undefined where it can. */
export function lackOf(engine: 'sshd' | 'slurm'): string | undefined {
  if (process.platform !== 'linux') return `${engine} is tested on Linux`;
  const programs = engine === 'sshd' ? SSH : SLURM;
  const missing = programs.filter((path) => !existsSync(path));
  if (missing.length > 0) {
    const packages = engine === 'sshd' ? 'openssh-server' : 'slurmctld slurmd slurm-client munge';
    return `${missing.join(', ')} not found: install ${packages}`;
  }
  const root = engine === 'sshd' ? rootLine() : '';
  if (root.startsWith('root:!')) return 'the account of root is locked, and sshd refuses it';
  const { status, stderr } = runSync('unshare', ['--mount', '--pid', '--fork', 'true'], {
    reject: false,
  });
  return status.ok ? undefined : `no namespaces of our own: ${stderr}`;
}

function rootLine(): string {
  try {
    return readFileSync('/etc/shadow', 'latin1');
  } catch {
    return '';
  }
}

const SSH = ['/usr/sbin/sshd', '/usr/bin/ssh', '/usr/bin/ssh-keygen'];
const SLURM = ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/srun', '/usr/sbin/munged'];

/** Runs a script in namespaces of its own, which end with it. */
export function contained(script: string, folder: string): Promise<Child> {
  const words = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script];
  const log = { file: join(folder, 'log'), append: true };
  return spawn('unshare', words, {
    stdin: 'null',
    stdout: log,
    stderr: log,
    stop: { signal: 'SIGKILL' },
  });
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Calls `use` with the words for ssh and an engine for this machine through an sshd. */
export function withSshd<T>(
  use: (engine: (jobs: number) => Engine, words: readonly string[]) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    for (const name of ['host', 'user']) {
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)]);
    }
    const port = await freePort();
    const config = {
      Port: port,
      ListenAddress: '127.0.0.1',
      HostKey: join(folder, 'host'),
      AuthorizedKeysFile: join(folder, 'user.pub'),
      StrictModes: 'no',
      UsePAM: 'no',
      PermitRootLogin: 'yes',
      PidFile: 'none',
      MaxStartups: 100,
    };
    const lines = Object.entries(config).map(([key, value]) => `${key} ${value}\n`);
    writeFileSync(join(folder, 'sshd_config'), lines.join(''));
    // /run/sshd is in a tmpfs of its own.
    const script = `mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd -D -e -f ${folder}/sshd_config`;
    await using server = await contained(script, folder);
    const options = {
      UserKnownHostsFile: '/dev/null',
      StrictHostKeyChecking: 'no',
      LogLevel: 'ERROR',
    };
    const words = ['-p', String(port), '-i', join(folder, 'user'), '-F', 'none'];
    for (const [key, value] of Object.entries(options)) words.push('-o', `${key}=${value}`);
    const probe = ['-o', 'BatchMode=yes', ...words, '127.0.0.1', 'true'];
    await until(() => runSync('ssh', probe, { reject: false }).status.ok, 'sshd answers');
    const result = await use(
      (jobs) => ssh('127.0.0.1', jobs, { args: words, agent: agentArgv }),
      words,
    );
    void server;
    return result;
  });
}

/** Calls `use` with an engine for this machine through Slurm. */
export function withSlurm<T>(
  use: (engine: (jobs: number) => Engine[], env: Record<string, string>) => Promise<T>,
): Promise<T> {
  return withFolder(async (folder) => {
    const host = hostname();
    for (const name of ['state', 'spool', 'munge']) mkdirSync(join(folder, name), { mode: 0o755 });
    const [controller, daemon] = [await freePort(), await freePort()];
    const config = `
ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmdPort=${daemon}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge/socket
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName=${host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES State=UP
`;
    writeFileSync(join(folder, 'slurm.conf'), config);
    writeFileSync(join(folder, 'key'), Buffer.alloc(128, 'throw-away '), { mode: 0o400 });
    const env = { SLURM_CONF: join(folder, 'slurm.conf') };
    const munged = `/usr/sbin/munged --force --socket ${folder}/munge/socket --key-file ${folder}/key --pid-file ${folder}/munge/pid --log-file ${folder}/munge.log --seed-file ${folder}/munge/seed`;
    const script = `export SLURM_CONF=${folder}/slurm.conf
chmod 755 ${folder}; ${munged} && slurmctld && slurmd && exec sleep infinity`;
    await using cluster = await contained(script, folder);
    const idle = (): boolean => {
      const { stdout } = runSync('sinfo', ['-h', '-o', '%T'], { env, reject: false });
      return stdout === 'idle';
    };
    await until(idle, 'the node of Slurm is idle', 60_000);
    const args = [`--export=ALL,SLURM_CONF=${env.SLURM_CONF}`];
    const result = await use(
      (jobs) => slurm({ jobs, args, agent: agentArgv, connectTimeout: 30_000 }),
      env,
    );
    void cluster;
    return result;
  });
}
