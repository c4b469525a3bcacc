/**
 * `--results`: the output of each job in files of its own.
 *
 * @module
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { encodeText } from '../../syscall/text.js';
import { now, timeOrigin } from '../../time.js';
import { Failure } from '../exit.js';
import { expand, parseTemplate, type Values } from './replace.js';

/** Milliseconds by which the clock of files is behind, at most. */
const CLOCK_TICK = 20;

/** The longest name that file systems take. */
const LONGEST_NAME = 255;

/**
 * An item as the name of a directory. As GNU parallel has it, with `/` as `\_`, a TAB as `\t`, NUL as `\0` and `\`
 * as `\\`; but no name leads out of the directory, or to the directory itself.
 */
function nameOf(item: string): string {
  const escaped = item
    .replaceAll('\\', '\\\\')
    .replaceAll('\t', '\\t')
    .replaceAll('\0', '\\0')
    .replaceAll('/', '\\_');
  if (escaped === '') return '\\e';
  if (escaped === '.' || escaped === '..') return escaped.replaceAll('.', '\\.');
  if (encodeText(escaped).length <= LONGEST_NAME) return escaped;
  return `${[...escaped].slice(0, 50).join('')}\\~`; // another item may have the same: `Results` sees to it
}

/** A path as text where it can be one: Deno makes no directories whose path is bytes. */
function pathOf(text: string): string | Buffer {
  const bytes = encodeText(text);
  return bytes.toString() === text ? text : bytes;
}

/** The files of one job. */
export class ResultFiles {
  readonly #fds: readonly [stdout: number, stderr: number];

  constructor(stdout: number, stderr: number) {
    this.#fds = [stdout, stderr];
  }

  write(fd: 1 | 2, bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fds[fd - 1] as number, bytes, at);
    } catch (error) {
      throw new Failure(`--results: ${(error as Error).message}`);
    }
  }

  /** The job is run again. */
  empty(): void {
    for (const fd of this.#fds) ftruncateSync(fd, 0);
  }

  close(): void {
    for (const fd of this.#fds) closeSync(fd);
  }
}

/** A directory, or a template of file names. */
export class Results {
  readonly #target: string;
  readonly #isTemplate: boolean;
  /** Files that are not older are of this run; it writes over what an earlier one left. */
  readonly #since = timeOrigin + now() - CLOCK_TICK;

  constructor(target: string) {
    this.#target = target;
    this.#isTemplate = parseTemplate(target, {}).replaces;
  }

  /** Makes the files of a job. */
  open(values: Values): ResultFiles {
    const stem = this.#stemOf(values);
    const isFolder = stem.endsWith('/');
    try {
      mkdirSync(pathOf(isFolder ? stem : dirname(stem)), { recursive: true });
      // Emptied where they are, since what appends to them has no place of its own.
      const open = (name: string): number => openSync(pathOf(stem + name), 'a');
      const stdout = open(isFolder ? 'stdout' : '');
      const stderr = open(isFolder ? 'stderr' : '.err');
      const files = new ResultFiles(stdout, stderr);
      files.empty();
      const seq = openSync(pathOf(stem + (isFolder ? 'seq' : '.seq')), 'w');
      writeSync(seq, String(values.seq));
      closeSync(seq);
      return files;
    } catch (error) {
      throw new Failure(`--results: ${(error as Error).message}`);
    }
  }

  #stemOf(values: Values): string {
    if (this.#isTemplate) return this.#free(this.#expanded(values), values.seq);
    const names = values.items.flatMap((item, index) => [String(index + 1), nameOf(item)]);
    return this.#free(`${join(this.#target, ...names)}/`, values.seq);
  }

  #expanded(values: Values): string {
    // An item in a template is one name too.
    const items = values.items.map((item) => nameOf(item));
    const path = expand(parseTemplate(this.#target, {}), { ...values, items });
    return path;
  }

  /** A name that no other job of this run has: no list of them, which would grow with their number. */
  #free(path: string, seq: number): string {
    const isFolder = path.endsWith('/');
    const plain = isFolder ? path.slice(0, -1) : path;
    const mark = statSync(encodeText(`${plain}${isFolder ? '/seq' : '.seq'}`), {
      throwIfNoEntry: false,
    });
    const isTaken = mark !== undefined && mark.mtimeMs >= this.#since;
    const name = isTaken ? `${plain}\\#${seq}` : plain;
    return isFolder ? `${name}/` : name;
  }
}
