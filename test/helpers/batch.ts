// What tests of batches have in common: agents of the command, and looking for processes.

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CustomOptions, Engine } from '#dist/batch/index.js';
import { custom } from '#dist/batch/index.js';
import { bin } from './cli.js';
import { patience } from './patience.js';

/** The argv of an agent on this machine. */
export const agentArgv: readonly string[] = [process.execPath, bin, 'agent'];

/** A slot whose agent is a process of its own. */
export function agentHere(options: CustomOptions = {}): Engine {
  return custom(agentArgv, { name: 'here', ...options });
}

/** Waits until something holds; fails after a while. */
export async function until(holds: () => boolean, what: string, ms = 30_000): Promise<void> {
  const deadline = Date.now() + patience(ms);
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await sleep(5);
  }
}

/** The processes whose command line holds a text, as a word of its own. */
export function processesWith(word: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return [];
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0');
      return words.includes(word) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

let last = 0;

/** Seconds for sleep(1) that no other process sleeps for: by them it is found. */
export function uniqueSleep(): string {
  last += 1;
  return `${10_000 + process.pid}.${last}`;
}
