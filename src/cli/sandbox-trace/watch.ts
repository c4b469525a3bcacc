/**
 * What a traced program does, worked into what it used.
 *
 * @module
 */
import { accessSync, constants } from 'node:fs';
import { imageFiles, machineAt } from '../../launch/reason.js';
import { attempt, close } from '../../syscall/call.js';
import { AT, SOCK } from '../../syscall/constants.js';
import { keepsLink, type Need, needOf, openFlags, PATH_CALLS, type PathUse } from './calls.js';
import { callName, isAlwaysRefused } from './filter.js';
import { bytesAt, callOf, int, pathAt } from './memory.js';
import { type Found, follow, linkOf, type Place, processOf } from './paths.js';
import type { Used } from './policy.js';

const { R_OK, W_OK, X_OK } = constants;

const SOCKET_CALLS: readonly string[] = ['socket', 'connect', 'bind'];

/** Whether a traced program stops at a call. */
export function isWatched(name: string): boolean {
  return PATH_CALLS.has(name) || SOCKET_CALLS.includes(name) || isAlwaysRefused(name);
}

/** The type of a socket of another process; streams where it can't be told. */
function socketType(process: number, descriptor: number): number {
  const pidfd = attempt('pidfd_open', process, 0);
  if (pidfd < 0) return SOCK.SOCK_STREAM;
  const copy = attempt('pidfd_getfd', pidfd, descriptor, 0);
  close(pidfd);
  if (copy < 0) return SOCK.SOCK_STREAM;
  const type = new Int32Array([SOCK.SOCK_STREAM]);
  attempt('getsockopt', copy, SOCK.SOL_SOCKET, SOCK.SO_TYPE, type, Int32Array.of(4));
  close(copy);
  return type[0] as number;
}

const MAPPED = Buffer.from('00000000000000000000ffff', 'hex');

/** Whether an address is of this machine alone: 127.0.0.0/8, ::1, or any. */
function isOwnMachine(family: number, address: Buffer): boolean {
  if (family === SOCK.AF_INET) return address[4] === 127 || address.readUInt32BE(4) === 0;
  const ip = address.subarray(8, 24);
  if (ip.subarray(0, 12).equals(MAPPED)) return ip[12] === 127;
  return ip.subarray(0, 15).every((byte) => byte === 0);
}

/** Follows the calls of one program and of all that it starts. */
export class Watch {
  readonly #used: Used;
  readonly #onlyLandlock: boolean;
  /** What no policy allows, each once. */
  readonly #notes = new Set<string>();
  /** Abstract sockets that the program itself has made. */
  readonly #abstract = new Set<string>();

  constructor(used: Used, onlyLandlock: boolean) {
    this.#used = used;
    this.#onlyLandlock = onlyLandlock;
  }

  get notes(): readonly string[] {
    return [...this.#notes];
  }

  /** A program that was executed, with what the kernel reads for it. */
  executed(place: Place, path: string, descriptor: number): void {
    const found = follow(place, path, descriptor, true);
    if (!found?.stats?.isFile()) return;
    this.#use({ read: found.names });
    const file = found.names.at(-1) as string;
    const root = (linkOf(`/proc/${place.thread}/root`) ?? '/').replace(/\/$/, '');
    for (const each of imageFiles(file.slice(root.length), { root, cwd: '/' })) {
      const part = follow(place, each, AT.AT_FDCWD, true);
      if (part?.stats?.isFile()) this.#use({ read: part.names });
    }
    if (machineAt(file) === 'i386') {
      this.#notes.add(`${file} is a program of 32 bits, whose calls are not traced`);
    }
  }

  /** The thread has stopped at a call. */
  stopped(thread: number): void {
    const call = callOf(thread);
    const process = processOf(thread);
    const name = call === undefined ? undefined : callName(call.number);
    if (call === undefined || process === undefined || name === undefined) return;
    const place = { thread, process };
    for (const use of PATH_CALLS.get(name) ?? []) this.#usePath(place, name, call.args, use);
    if (name === 'socket') this.#used.socket(int(call.args[0]), int(call.args[1]) & 0xf);
    else if (name === 'connect' || name === 'bind') this.#useAddress(place, name, call.args);
    else if (isAlwaysRefused(name)) {
      this.#notes.add(`the program called ${name}, which every sandbox refuses`);
    }
  }

  /** What its user may not use is refused without a policy as well. */
  #use({ read = [], write = [] }: Need): void {
    if (isAllowed(read, R_OK) || isAllowed(read, X_OK)) this.#used.read(read);
    if (write.includes('/proc')) {
      this.#notes.add(
        'the program writes files of processes in /proc: its policy does not allow it',
      );
    } else if (isAllowed(write, W_OK)) this.#used.write(write);
  }

  #usePath(place: Place, name: string, args: readonly bigint[], use: PathUse): void {
    const argument = (index: number | undefined): bigint =>
      index === undefined ? 0n : (args[index] ?? 0n);
    const path = pathAt(place.thread, argument(use.path));
    if (path === undefined) return;
    const directory = use.directory === undefined ? AT.AT_FDCWD : int(args[use.directory]);
    const given = argument(use.flags);
    const flags =
      name === 'openat2'
        ? Number(`0x${bytesAt(place.thread, given, 8).reverse().toString('hex') || '0'}`)
        : openFlags(name, int(given));
    const descriptor = linkOf(`/proc/${place.thread}/fd/${directory}`);
    // The descriptor itself, which was opened before.
    if (path === '' && use.purpose !== 'execute') return;
    if (use.purpose === 'execute') {
      this.executed(place, path === '' && descriptor ? descriptor : path, directory);
      return;
    }
    const found = follow(place, path, directory, use.follows && !keepsLink(use.purpose, flags));
    if (found === undefined) return;
    this.#use(needOf(name, use.purpose, found, flags, this.#onlyLandlock));
  }

  #useAddress(place: Place, name: 'connect' | 'bind', args: readonly bigint[]): void {
    const address = bytesAt(place.thread, args[1] ?? 0n, Math.min(Math.max(int(args[2]), 0), 128));
    if (address.length < 3) return;
    const family = address.readUInt16LE(0);
    if (family === SOCK.AF_UNIX) this.#useUnix(place, name, address.subarray(2));
    const least = family === SOCK.AF_INET ? 8 : 24;
    if (family !== SOCK.AF_INET && family !== SOCK.AF_INET6) return;
    if (address.length < least) return;
    if (socketType(place.process, int(args[0])) !== SOCK.SOCK_STREAM) return;
    const port = address.readUInt16BE(2);
    if (name === 'bind') this.#used.bind(port);
    else this.#used.connect(port, isOwnMachine(family, address));
  }

  #useUnix(place: Place, name: 'connect' | 'bind', address: Buffer): void {
    if (address[0] === 0) {
      const shown = `@${address.subarray(1).toString('latin1')}`;
      if (name === 'bind') this.#abstract.add(shown);
      else if (!this.#abstract.has(shown)) {
        this.#notes.add(
          `the program connects to the abstract socket ${shown}, which no policy allows`,
        );
      }
      return;
    }
    const end = address.indexOf(0);
    const path = address.toString('utf8', 0, end < 0 ? address.length : end);
    const found: Found | undefined = follow(place, path, AT.AT_FDCWD, true);
    if (found === undefined) return;
    if (name === 'bind') this.#use(found.stats === undefined ? { write: [found.parent] } : {});
    else if (found.stats !== undefined) this.#use({ write: found.names });
  }
}

/** Whether this process may do something with what a path leads to, the last of its names. */
function isAllowed(names: readonly string[], mode: number): boolean {
  try {
    accessSync(names.at(-1) as string, mode);
    return true;
  } catch {
    return false;
  }
}
