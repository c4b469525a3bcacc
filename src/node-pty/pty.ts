/**
 * One program on one terminal, as node-pty's IPty has it.
 *
 * @module
 */
import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import { lookPath } from '../command/look-path.js';
import { ownOptions } from '../launch/values.js';
import type { Process } from '../process/process.js';
import { startProcessSync } from '../process/start.js';
import type { ExitStatus } from '../process/status.js';
import { invalid } from '../syscall/check.js';
import { findSignal, type SignalName } from '../syscall/signals.js';
import { foregroundOf } from '../terminal/foreground.js';
import { openTerminal } from '../terminal/open.js';
import type { Terminal } from '../terminal/terminal.js';
import { setTimeout } from '../time.js';
import { credentialOf, environmentOf, type IPtyForkOptions } from './options.js';

/** What undoes a subscription. */
export interface IDisposable {
  /** Ends the subscription. */
  dispose(): void;
}

/** An event: called with a listener it subscribes it. */
export type IEvent<T> = (listener: (event: T) => unknown) => IDisposable;

/** How the program ended: a signal is its number, and the code is 0 then. */
export interface IExitEvent {
  /** The exit code; 0 where a signal ended it. */
  exitCode: number;
  /** The number of the signal that ended it; else 0. */
  signal: number;
}

/** Milliseconds after the end of the program for which the event loop waits for more output. */
const LINGER = 200;

function exitEventOf({ code, signal }: ExitStatus): IExitEvent {
  const number = signal === null ? 0 : (findSignal(signal) ?? 0);
  return { exitCode: code ?? 0, signal: number };
}

/** A program on a terminal of its own. */
export class Pty {
  /** Whether `write` takes the characters of flow control for itself. */
  handleFlowControl: boolean;
  readonly #terminal: Terminal;
  readonly #process: Process | undefined;
  readonly #file: string;
  readonly #events: EventEmitter = new EventEmitter();
  readonly #pauseWord: string;
  readonly #resumeWord: string;
  #cols: number;
  #rows: number;
  #status: ExitStatus | undefined;

  /** @internal */
  constructor(file: string | undefined, args: readonly string[], given: IPtyForkOptions) {
    const options = ownOptions(given);
    const { cols = 80, rows = 24, encoding = 'utf8', cwd } = options;
    [this.#cols, this.#rows] = [cols, rows];
    this.#file = file ?? '';
    this.handleFlowControl = options.handleFlowControl ?? false;
    this.#pauseWord = options.flowControlPause ?? '\x13';
    this.#resumeWord = options.flowControlResume ?? '\x11';
    // Erasing takes whole characters where text is what is exchanged.
    const modes = { iutf8: encoding === 'utf8' };
    this.#terminal = openTerminal({ columns: cols, rows, modes });
    const { output } = this.#terminal;
    if (encoding !== null) output.setEncoding(encoding as BufferEncoding);
    output.on('data', (chunk) => this.#events.emit('data', chunk));
    output.on('close', () => this.#events.emit('close'));
    if (file === undefined) return;
    try {
      const env = environmentOf(options);
      const path = env['PATH'];
      const found = lookPath(file, {
        ...(path === undefined ? {} : { path }),
        ...(cwd === undefined ? {} : { cwd }),
      });
      const fd = this.#terminal.childFd;
      this.#process = startProcessSync(found, [file, ...args], {
        files: [fd, fd, fd],
        session: true,
        controllingTerminal: 0,
        clearEnv: true,
        env,
        cwd,
        ...credentialOf(options),
      });
    } catch (error) {
      output.destroy();
      throw error;
    }
    // From here on the terminal's end is when the last program has closed it.
    this.#terminal.releaseChild();
    void this.#process.wait().then((status) => this.#end(status));
  }

  #end(status: ExitStatus): void {
    this.#terminal.drain();
    this.#status = status;
    // Others may have the terminal for ever: what they print is awaited no longer than by node-pty.
    setTimeout(() => this.#terminal.reference(false), LINGER);
    const { exitCode, signal } = exitEventOf(status);
    this.#events.emit('exit', exitCode, signal);
  }

  /** The number of the program's process. */
  get pid(): number {
    return this.#process?.pid ?? -1;
  }

  get cols(): number {
    return this.#cols;
  }

  get rows(): number {
    return this.#rows;
  }

  /** The name of the program in the foreground. */
  get process(): string {
    try {
      return foregroundOf(this.#terminal.foregroundGroup).name ?? this.#file;
    } catch {
      return this.#file;
    }
  }

  /** What the program prints. */
  readonly onData: IEvent<string> = (listener) => this.#subscribe('data', listener);

  /** How it ended, once all that it printed has been told. */
  readonly onExit: IEvent<IExitEvent> = (listener) =>
    this.#subscribe('exit', (exitCode: number, signal: number) => listener({ exitCode, signal }));

  #subscribe(event: string, listener: (...values: never[]) => unknown): IDisposable {
    const known = listener as (...values: unknown[]) => void;
    this.#events.on(event, known);
    return { dispose: () => void this.#events.off(event, known) };
  }

  /** Types. What comes after the end is dropped. */
  write(data: string | Uint8Array): void {
    if (this.handleFlowControl && data === this.#pauseWord) this.pause();
    else if (this.handleFlowControl && data === this.#resumeWord) this.resume();
    else this.#terminal.input.write(data);
  }

  /**
   * Changes the size.
   *
   * @throws Error for sizes that are not whole numbers from 1 to 65535, and after the end.
   */
  resize(cols: number, rows: number, pixels?: { width: number; height: number }): void {
    this.#terminal.resize(cols, rows, pixels);
    [this.#cols, this.#rows] = [cols, rows];
  }

  /** For Windows alone: nothing. */
  clear(): void {}

  /**
   * Sends a signal to the program; nothing once it has ended.
   *
   * @throws Error for a signal that there is not.
   */
  kill(signal: string | number = 'SIGHUP'): void {
    if (this.#status === undefined) this.#process?.signal(signal as SignalName);
  }

  /** The program waits once the kernel's memory is full. */
  pause(): void {
    this.#terminal.output.pause();
  }

  resume(): void {
    if (!this.#terminal.output.destroyed) this.#terminal.output.resume();
  }

  /** Hangs up. */
  destroy(): void {
    this.#terminal.output.destroy();
  }

  /** Types `data` and closes the input. */
  end(data?: string | Uint8Array): void {
    if (data !== undefined) this.write(data);
  }

  pipe<T extends NodeJS.WritableStream>(target: T, options?: { end?: boolean }): T {
    return this.#terminal.output.pipe(target, options);
  }

  setEncoding(encoding: BufferEncoding | null): void {
    if (encoding !== null) this.#terminal.output.setEncoding(encoding);
  }

  /** The file of the terminal. */
  get ptsName(): string {
    return this.#terminal.path;
  }

  /** The descriptor of this process' side. -1 once it is closed. */
  get fd(): number {
    return this.#terminal.masterFd;
  }

  /** What `open` gives: the side of this process. */
  get master(): Readable {
    return this.#terminal.output;
  }

  /** @deprecated Use `onData` and `onExit`. */
  on(event: string, listener: (...values: never[]) => void): this {
    this.#events.on(checkEvent(event), listener as (...values: unknown[]) => void);
    return this;
  }

  /** @deprecated Use `onData` and `onExit`. */
  addListener(event: string, listener: (...values: never[]) => void): this {
    return this.on(event, listener);
  }

  /** @deprecated Use `onData` and `onExit`. */
  once(event: string, listener: (...values: never[]) => void): this {
    this.#events.once(checkEvent(event), listener as (...values: unknown[]) => void);
    return this;
  }

  removeListener(event: string, listener: (...values: never[]) => void): this {
    this.#events.off(event, listener as (...values: unknown[]) => void);
    return this;
  }

  removeAllListeners(event?: string): this {
    this.#events.removeAllListeners(event);
    return this;
  }

  listeners(event: string): unknown[] {
    return this.#events.listeners(event);
  }

  emit(event: string, ...values: unknown[]): boolean {
    return this.#events.emit(event, ...values);
  }
}

function checkEvent(event: unknown): string {
  if (typeof event !== 'string') throw invalid('event', event, "'data', 'exit' or 'close'");
  return event;
}
