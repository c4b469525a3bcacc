/**
 * A control group for each launch of a sandbox, which counts all of its processes together.
 *
 * @module
 */
import { accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Controller, ownGroup } from '../launch/cgroup.js';
import { LaunchError } from '../launch/error.js';
import { E } from '../syscall/constants.js';
import { setTimeout } from '../time.js';

/** What is counted for all processes of a sandbox together: tasks, and bytes. */
export interface GroupLimits {
  readonly processes?: number;
  readonly memory?: number;
}

/** A directory in which groups can be made, and the version of its hierarchy. */
interface Place {
  readonly directory: string;
  readonly version: 1 | 2;
}

/** What is written for a limit, the first of which has to be there. */
const FILES: Readonly<Record<Controller, Readonly<Record<1 | 2, readonly string[]>>>> = {
  pids: { 1: ['pids.max'], 2: ['pids.max'] },
  memory: {
    1: ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'],
    2: ['memory.max'],
  },
};

/** Where a group may be made that counts something: beside the own one, which has processes, or in it. */
function candidates(controller: Controller): Place[] {
  const places: Place[] = [];
  const unified = ownGroup('unified');
  for (const directory of unified === undefined ? [] : [unified, dirname(unified)]) {
    try {
      const enabled = readFileSync(join(directory, 'cgroup.subtree_control'), 'latin1');
      // Who moves a process needs the right at the group that is above both.
      accessSync(join(directory, 'cgroup.procs'), constants.W_OK);
      if (enabled.trim().split(' ').includes(controller)) places.push({ directory, version: 2 });
    } catch {
      // above the mount, or not ours to change
    }
  }
  const own = ownGroup(controller);
  if (own !== undefined) places.push({ directory: own, version: 1 });
  return places;
}

/** A name that no other launch has, of another Worker or in another pid namespace. */
function newDirectory({ directory }: Place): string {
  return join(directory, `forkexec-sandbox-${process.pid}-${Math.random().toString(36).slice(2)}`);
}

function tryPlace(controller: Controller, place: Place): void {
  const directory = newDirectory(place);
  mkdirSync(directory);
  try {
    const [file = ''] = FILES[controller][place.version];
    accessSync(join(directory, file), constants.W_OK);
  } finally {
    rmdirSync(directory);
  }
}

const known = new Map<Controller, Place | string>();

/** Where groups can be made that count something, or why there are none. Found out once, by trying. */
export function groupPlace(controller: Controller): Place | string {
  const before = known.get(controller);
  if (before !== undefined) return before;
  let found: Place | string = `no control group here has the controller ${controller}`;
  try {
    for (const place of candidates(controller)) {
      tryPlace(controller, place);
      found = place;
      break;
    }
  } catch (error) {
    found = `no control group can be made: ${(error as NodeJS.ErrnoException).code}`;
  }
  known.set(controller, found);
  return found;
}

/** How long to wait for the end of what was killed, and how often to look. */
const PATIENCE_MS = 5000;
const LOOK_MS = 10;

/** Removes a group once nothing is left in it; one that stays is empty, and does no harm. */
function removeSoon(directory: string, patience = PATIENCE_MS): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || patience <= 0) return;
    // Not unreferenced: a process that ends meanwhile would leave it behind.
    setTimeout(() => removeSoon(directory, patience - LOOK_MS), LOOK_MS);
  }
}

/** The groups of one launch. */
export class SandboxGroup {
  readonly #directories: string[] = [];
  /** Groups of version 1, which the process enters itself. */
  readonly joins: readonly string[];
  /** The group that it is born in. */
  readonly cgroup: string | undefined;

  constructor(limits: GroupLimits) {
    const joins: string[] = [];
    try {
      const places = new Map<string, string>();
      for (const [controller, limit] of [
        ['pids', limits.processes],
        ['memory', limits.memory],
      ] as const) {
        const place = groupPlace(controller);
        if (limit === undefined || typeof place === 'string') continue;
        const directory = places.get(place.directory) ?? this.#make(place);
        if (!places.has(place.directory)) {
          places.set(place.directory, directory);
          if (place.version === 2) this.cgroup = directory;
          else joins.push(directory);
        }
        this.#limit(directory, FILES[controller][place.version], limit);
      }
    } catch (error) {
      this.remove();
      throw error;
    }
    this.joins = joins;
  }

  #make(place: Place): string {
    const directory = newDirectory(place);
    mkdirSync(directory);
    this.#directories.push(directory);
    return directory;
  }

  #limit(directory: string, files: readonly string[], limit: number): void {
    for (const [index, file] of files.entries()) {
      try {
        writeFileSync(join(directory, file), String(limit));
      } catch (error) {
        // Without an account of swap there is no such file.
        if (index === 0) throw error;
      }
    }
    try {
      // What does not fit into memory is not to go to swap instead.
      if (files[0] === 'memory.max') writeFileSync(join(directory, 'memory.swap.max'), '0');
    } catch {
      // no account of swap
    }
  }

  /** Removes the groups, at once or when what is in them has ended. */
  remove(): void {
    for (const directory of this.#directories) removeSoon(directory);
  }
}

/** The groups of a launch. @throws LaunchError of the step `cgroup` */
export function makeGroup(
  limits: GroupLimits | undefined,
  file: string,
  args: readonly string[],
): SandboxGroup | undefined {
  if (limits === undefined) return undefined;
  try {
    return new SandboxGroup(limits);
  } catch (error) {
    const { errno = -E.EIO, path } = error as NodeJS.ErrnoException;
    throw new LaunchError({ name: 'cgroup', argument: path }, Math.abs(errno), file, args);
  }
}
