// What a child says of itself: the JSON of helpers/state.c.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ProcessAttributes, startProcess } from '#dist/process/index.js';

/** A C helper's path. */
export function helper(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

export interface State {
  argv: string[];
  env: string[];
  cwd: string;
  root: string;
  exe: string;
  fds: Record<string, { target: string; flags: number; cloexec: boolean }>;
  status: Record<string, string>;
  rlimits: [soft: number, hard: number][];
  scheduler: {
    policy: number;
    flags: number;
    nice: number;
    priority: number;
    runtime: number;
    deadline: number;
    period: number;
  };
  ioPriority: number;
  cpus: number[];
  uids: [real: number, effective: number, saved: number];
  gids: [real: number, effective: number, saved: number];
  groups: number[];
  namespaces: Record<string, string>;
  dispositions: Record<string, number>;
  cgroup: string;
  oomScoreAdj: string;
  uidMap: string;
  gidMap: string;
  setgroups: string;
  netDevices: string[];
  mounts: number;
  sharedMounts: number;
  /** CLOCK_BOOTTIME, seconds. */
  bootTime: number;
  hostname: string;
  pid: number;
  ppid: number;
  pgid: number;
  sid: number;
  umask: number;
  parentDeathSignal: number;
  subreaper: number;
  securebits: number;
  hasTerminal: boolean;
  foregroundGroup: number;
}

/** Calls `use` with a folder that is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => T | Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'forkexec-'));
  try {
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The state of a child that was started with these attributes. */
export function stateOf(attributes: ProcessAttributes = {}, args: string[] = []): Promise<State> {
  return withFolder(async (folder) => {
    const file = join(folder, 'state.json');
    const child = await startProcess(helper('state'), ['state', file, ...args], attributes);
    const status = await child.wait();
    if (!status.ok) throw new Error(`the helper ended with ${status}`);
    return JSON.parse(readFileSync(file, 'utf8')) as State;
  });
}
