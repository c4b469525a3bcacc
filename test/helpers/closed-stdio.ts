// A program of its own, since it closes its standard descriptors: launches children with every kind
// of stdio and writes what each of them had.
//
//   closed-stdio FOLDER CLOSED    CLOSED '02' closes 0 and 2; the others are the files FOLDER/0 to 2

import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [folder, closed] = process.argv.slice(2) as [string, string];
const program = fileURLToPath(new URL('state', import.meta.url));

/** The paths behind the open descriptors of a child, by number; or the error. */
export type Outcome =
  | { targets: Record<string, string> }
  | { step: string; code: string; argument: string };

export interface Report {
  /** What each child had whose `files` are the key, as JSON. */
  files: Record<string, Outcome>;
  /** What children had that were started all at once, from this thread and the launching threads. */
  crowd: Outcome[];
  /** What a command had with each of its stdio such. */
  pipe: Outcome;
  socket: Outcome;
  ran: { stdout: string; stderr: string };
  ranSync: { stdout: string; stderr: string };
  /** The number that the handle of an opened process has, where there are handles. */
  handle?: number;
  /** What descriptors 0 to 2 of this process were before and after all that. */
  before: (string | null)[];
  after: (string | null)[];
  error?: string;
}

function standard(): (string | null)[] {
  return [0, 1, 2].map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return null;
    }
  });
}

/** Before anything of the library is loaded, so that what it opens could get a low number. */
function prepare(): void {
  for (const fd of [0, 1, 2]) closeSync(fd);
  for (const fd of [0, 1, 2]) assert.equal(openSync(join(folder, `${fd}`), 'w+'), fd);
  for (const fd of closed) closeSync(Number(fd));
}

/**
 * Bun keeps the files of modules open, at the lowest numbers, and Deno's fs neither closes nor opens
 * these: there the library is loaded first, and calls the system.
 */
async function prepareOtherRuntime(): Promise<void> {
  await Promise.all([import('#dist/index.js'), import('#dist/process/index.js')]);
  const { call } = await import('#dist/syscall/call.js');
  const { AT, O } = await import('#dist/syscall/constants.js');
  for (const fd of [0, 1, 2]) call('close', fd);
  for (const fd of [0, 1, 2]) {
    const flags = O.O_RDWR | O.O_CREAT | O.O_TRUNC | O.O_CLOEXEC;
    assert.equal(call('openat', AT.AT_FDCWD, join(folder, `${fd}`), flags, 0o666), fd);
  }
  for (const fd of closed) call('close', Number(fd));
}

let states = 0;

function stateFile(): string {
  return join(folder, `state-${states++}`);
}

/** Calls `start` with the file that the child writes its state to. */
async function outcome(start: (file: string) => Promise<unknown>): Promise<Outcome> {
  const file = stateFile();
  try {
    await start(file);
  } catch (error) {
    const { step, code, argument } = error as { step?: string; code: string; argument: string };
    if (step === undefined) throw error;
    return { step, code, argument };
  }
  return targetsIn(file);
}

function targetsIn(file: string): Outcome {
  const { fds } = JSON.parse(readFileSync(file, 'utf8')) as {
    fds: Record<string, { target: string }>;
  };
  return {
    targets: Object.fromEntries(Object.entries(fds).map(([fd, { target }]) => [fd, target])),
  };
}

async function look(report: Report): Promise<void> {
  const { startProcess, startProcessSync, Process } = await import('#dist/process/index.js');
  const { run, runSync, spawn } = await import('#dist/index.js');
  const { refusalOf } = await import('#dist/syscall/facilities.js');
  type Files = NonNullable<Parameters<typeof startProcess>[2]>['files'] & {};
  const withFiles = (files: Files): Promise<Outcome> =>
    outcome(async (file) => (await startProcess(program, ['state', file], { files })).wait());

  const sources = [0, 1, 2, null];
  for (const a of sources) {
    for (const b of sources) {
      for (const c of sources) {
        report.files[JSON.stringify([a, b, c])] = await withFiles([a, b, c]);
      }
    }
  }
  for (const files of [
    ['inherit', 'inherit', 'inherit'],
    ['null', 'null', 'null'],
    ['inherit', 'null', 'inherit'],
    ['null', 'inherit', 2],
  ] as const) {
    report.files[JSON.stringify(files)] = await withFiles(files);
  }

  // Their files are read when all have ended: while one is, it has the lowest number itself.
  const crowd = Array.from({ length: 80 }, stateFile);
  const inherit: Files = ['inherit', 'inherit', 'inherit'];
  await Promise.all(
    crowd.map(async (file, index) => {
      const start = index % 2 === 0 ? startProcess : startProcessSync;
      const child = await start(program, ['state', file], { files: inherit });
      await child.wait();
    }),
  );
  report.crowd = crowd.map(targetsIn);

  const spawned = (stdio: 'pipe' | 'socket'): Promise<Outcome> =>
    outcome(async (file) => {
      const options = { stdin: stdio, stdout: stdio, stderr: stdio } as const;
      await using child = await spawn(program, [file], options);
      await child.exited;
    });
  report.pipe = await spawned('pipe');
  report.socket = await spawned('socket');
  const script = ['-c', 'cat; echo err >&2'];
  const { stdout, stderr } = await run('sh', script, { input: 'through a pipe' });
  report.ran = { stdout, stderr };
  const sync = runSync('sh', script, { input: 'through a pipe' });
  report.ranSync = { stdout: sync.stdout, stderr: sync.stderr };
  if (refusalOf('pidfd_open') !== 0) return;
  try {
    using self = Process.open(process.pid);
    report.handle = self.withHandle((pidfd) => pidfd);
  } catch (error) {
    // A test that looks at it is skipped then.
    if (!['ENOSYS', 'EPERM'].includes((error as { code: string }).code)) throw error;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.versions['bun'] || process.versions['deno']) await prepareOtherRuntime();
  else prepare();
  const report = { files: {}, before: standard() } as unknown as Report;
  try {
    await look(report);
  } catch (error) {
    report.error = (error as Error).stack ?? String(error);
  }
  report.after = standard();
  writeFileSync(join(folder, 'report.json'), JSON.stringify(report));
}
