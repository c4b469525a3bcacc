/**
 * Pseudo-terminals.
 *
 * @module
 */
import { type Readable, Writable } from 'node:stream';
import { Channel } from '../command/channel.js';
import { ownOptions } from '../launch/values.js';
import { call, close } from '../syscall/call.js';
import { checkInteger, checkSignal, invalid } from '../syscall/check.js';
import { E, LAYOUT, TIOC } from '../syscall/constants.js';
import { SystemError } from '../syscall/errors.js';
import { readStruct, writeStruct } from '../syscall/layout.js';
import type { Signal } from '../syscall/signals.js';
import { type Foreground, watchForeground } from './foreground.js';
import { changeModes, checkModes, type ModesWhen, modesOf, RAW, type Termios } from './modes.js';
import { checkSize } from './options.js';
import { Output } from './output.js';
import { foregroundGroupOf, signalTerminal, type TerminalScope } from './signal.js';

/** The size of a terminal. */
export interface TerminalSize {
  /** Characters in a line. */
  readonly columns: number;
  /** Lines. */
  readonly rows: number;
  /** 0 where it is not known. */
  readonly pixelWidth: number;
  /** 0 where it is not known. */
  readonly pixelHeight: number;
}

/**
 * A pseudo-terminal: this process has the side that a person would sit at, and children have the
 * other one as their terminal.
 *
 * It stays open until `close`, however many programs run on it one after another or at once.
 */
export class Terminal implements AsyncDisposable {
  /** The file that children can open it as: `'/dev/pts/3'`. */
  readonly path: string;
  /** TERM of children that are started on it; undefined is that of this process. */
  readonly name: string | undefined;
  /**
   * What programs print, as bytes; `setEncoding('utf8')` makes it text. It ends when the terminal is
   * closed. A reader that pauses stops the programs that print, once the kernel's memory is full.
   */
  readonly output: Readable;
  readonly #master: number;
  readonly #childFd: number;
  readonly #channel: Channel;
  readonly #output: Output;
  /** What ends the watch of each listener. */
  readonly #watches = new Map<(foreground: Foreground) => void, () => void>();
  /** Children that run on it. */
  #children = 0;
  #isOpen = true;
  #input: Writable | undefined;
  #hasChildFd = true;
  #cooked: Termios | undefined;

  /** @internal */
  constructor(master: number, childFd: number, path: string, name: string | undefined) {
    this.#master = master;
    this.#childFd = childFd;
    this.path = path;
    this.name = name;
    this.#channel = new Channel(master);
    this.#output = new Output(master, this.#channel, () => void this.close());
    this.output = this.#output.stream;
  }

  /** What is typed: bytes or text for whoever reads the terminal. */
  get input(): Writable {
    // Not before: programs that nobody types at need none.
    this.#input ??= new Writable({
      highWaterMark: 64 * 1024,
      write: (chunk: Uint8Array, _encoding, done) => this.#write(chunk, done),
    });
    if (!this.#isOpen) this.#input.destroy();
    return this.#input;
  }

  /** The side of the children, as a descriptor of this process: for `stdin`, `stdout` and `stderr`. */
  get childFd(): number {
    this.#checkOpen();
    if (!this.#hasChildFd) throw new SystemError('ioctl', E.EBADF);
    return this.#childFd;
  }

  /** The side of this process, for `ioctl`; -1 once it is closed. @internal */
  get masterFd(): number {
    return this.#isOpen ? this.#master : -1;
  }

  /** How large it is: TIOCGWINSZ, ioctl_tty(2). */
  get size(): TerminalSize {
    this.#checkOpen();
    const bytes = new Uint8Array(LAYOUT.winsize.size);
    call('ioctl', this.#master, TIOC.TIOCGWINSZ, bytes);
    const { col, row, xpixel, ypixel } = readStruct(LAYOUT.winsize, bytes);
    return { columns: col, rows: row, pixelWidth: xpixel, pixelHeight: ypixel };
  }

  /**
   * Changes the size; the foreground group gets SIGWINCH if it is another one. Pixels that are not
   * given are not known.
   *
   * @throws SystemError EBADF once the terminal is closed.
   */
  resize(columns: number, rows: number, pixels: { width?: number; height?: number } = {}): void {
    checkInteger('columns', columns, 1, 0xffff);
    checkInteger('rows', rows, 1, 0xffff);
    const { width, height } = ownOptions(pixels);
    checkSize('pixels.width', width, 0);
    checkSize('pixels.height', height, 0);
    this.#checkOpen();
    const [xpixel, ypixel] = [width ?? 0, height ?? 0];
    const size = writeStruct(LAYOUT.winsize, { col: columns, row: rows, xpixel, ypixel });
    call('ioctl', this.#master, TIOC.TIOCSWINSZ, size);
  }

  /** The process group in the foreground; 0 where there is none: TIOCGPGRP, ioctl_tty(2). */
  get foregroundGroup(): number {
    this.#checkOpen();
    return foregroundGroupOf(this.#master);
  }

  /**
   * Sends a signal to all of the foreground group, or with the scope `'session'` to all on the terminal:
   * the processes of its session, background jobs included. False where there is none.
   *
   * @throws SystemError EPERM where this process may not signal any of them.
   */
  signal(signal: Signal, options: { scope?: TerminalScope | undefined } = {}): boolean {
    const number = checkSignal('signal', signal);
    const { scope = 'group' } = ownOptions(options);
    if (scope !== 'group' && scope !== 'session') {
      throw invalid('scope', scope, "'group' or 'session'");
    }
    this.#checkOpen();
    return signalTerminal(this.#master, number, scope);
  }

  /**
   * Calls `listener` with the program in the foreground, and again whenever it is another one or has
   * another name or working directory. They are looked at ten times a second while there is a
   * listener, and not otherwise.
   */
  on(event: 'foreground', listener: (foreground: Foreground) => void): this {
    if (event !== 'foreground') throw invalid('event', event, "'foreground'");
    this.#checkOpen();
    this.off(event, listener);
    this.#watches.set(
      listener,
      watchForeground(() => this.foregroundGroup, listener),
    );
    return this;
  }

  /** Calls `listener` no more. */
  off(event: 'foreground', listener: (foreground: Foreground) => void): this {
    if (event !== 'foreground') throw invalid('event', event, "'foreground'");
    this.#watches.get(listener)?.();
    this.#watches.delete(listener);
    return this;
  }

  /** Its modes: TCGETS2, ioctl_tty(2). */
  attributes(): Termios {
    this.#checkOpen();
    return modesOf(this.#master);
  }

  /** Changes the modes that are given, and leaves all others: TCSETS2, ioctl_tty(2). */
  setAttributes(modes: Partial<Termios>, when: ModesWhen = 'now'): void {
    checkModes('modes', modes);
    this.#checkOpen();
    changeModes(this.#master, modes, when);
  }

  /** Raw mode, in which every byte is passed on as it is; or the modes before it. */
  setRawMode(on: boolean): void {
    this.#checkOpen();
    if (on) this.#cooked ??= modesOf(this.#master);
    const modes = on ? RAW : this.#cooked;
    if (!on) this.#cooked = undefined;
    if (modes !== undefined) changeModes(this.#master, modes);
  }

  /**
   * Hangs up: programs on the terminal get SIGHUP and SIGCONT, and the end of their input. What they
   * printed before is still in `output`, which ends then; input that no program has read is lost.
   */
  async close(): Promise<void> {
    if (!this.#isOpen) return;
    for (const listener of this.#watches.keys()) this.off('foreground', listener);
    this.#output.end();
    this.#isOpen = false;
    this.#input?.destroy();
    // Ours of the child's side first: the hang-up is for the others who have it.
    this.#channel.close(this.#hasChildFd ? this.#childFd : -1);
    this.#hasChildFd = false;
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
    this.output.destroy();
  }

  /**
   * Puts all that was printed until now into `output`, whether it is read or not. The kernel's read
   * waits for what is still on its way between the two sides. @internal
   */
  drain(): void {
    this.#output.drain();
  }

  /**
   * As `drain`, at the end of a child. Resolves once a reader that flows has had it all; one that has
   * paused is not waited for. @internal
   */
  async settle(): Promise<void> {
    this.drain();
    this.#children -= 1;
    if (this.#children === 0) this.reference(false);
    await this.flowed();
  }

  /** Resolves once a reader that flows has had all that is in the stream. @internal */
  flowed(): Promise<void> {
    return this.#output.flowed();
  }

  /** A child runs on it: waiting for output keeps the event loop alive until `settle`. @internal */
  begin(): void {
    this.#children += 1;
    this.reference(true);
  }

  /**
   * Closes this process' copy of the children's side: from then on the terminal ends when the last
   * program has closed it. @internal
   */
  releaseChild(): void {
    if (this.#hasChildFd) close(this.#childFd);
    this.#hasChildFd = false;
  }

  /** Whether waiting for output keeps the event loop alive. @internal */
  reference(referenced: boolean): void {
    this.#channel.reference(referenced);
  }

  /** Input that no program can read any more is dropped: that is no mistake of who types. */
  #write(bytes: Uint8Array, done: (error?: Error | null) => void): void {
    try {
      const count = this.#isOpen ? this.#channel.write(bytes) : -1;
      if (count < 0 || count === bytes.length) done();
      else this.#channel.onceWritable(() => this.#write(bytes.subarray(count), done));
    } catch (error) {
      done(error as Error);
    }
  }

  #checkOpen(): void {
    if (!this.#isOpen) throw new SystemError('ioctl', E.EBADF);
  }
}
