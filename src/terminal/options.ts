/**
 * What a terminal is opened with.
 *
 * @module
 */
import { checkKeys } from '../launch/values.js';
import { checkInteger, invalid } from '../syscall/check.js';
import { checkModes, type Termios } from './modes.js';

/** What a terminal is opened with. */
export interface TerminalOptions {
  /** Characters in a line, 1 to 65535. Default: 80. */
  columns?: number | undefined;
  /** Lines, 1 to 65535. Default: 24. */
  rows?: number | undefined;
  /** The width in pixels, 0 where it is not known. Default: 0. */
  pixelWidth?: number | undefined;
  /** The height in pixels, 0 where it is not known. Default: 0. */
  pixelHeight?: number | undefined;
  /** Modes that differ from those of a new terminal, which has IUTF8 set here. */
  modes?: Partial<Termios> | undefined;
  /** TERM of a child that is started on the terminal. Default: that of this process. */
  name?: string | undefined;
}

const NAMES: Record<keyof TerminalOptions, true> = {
  columns: true,
  rows: true,
  pixelWidth: true,
  pixelHeight: true,
  modes: true,
  name: true,
};

/** Refuses a number of characters or pixels that a terminal can't have. */
export function checkSize(name: string, value: number | undefined, least: number): void {
  if (value !== undefined) checkInteger(name, value, least, 0xffff);
}

/**
 * Refuses unknown options of a terminal and values that they can't have.
 *
 * @param prefix The option that holds them, for messages; empty for `openTerminal`.
 */
export function checkTerminalOptions(options: TerminalOptions, prefix = ''): void {
  checkKeys(prefix, options, Object.keys(NAMES));
  const path = prefix === '' ? '' : `${prefix}.`;
  checkSize(`${path}columns`, options.columns, 1);
  checkSize(`${path}rows`, options.rows, 1);
  checkSize(`${path}pixelWidth`, options.pixelWidth, 0);
  checkSize(`${path}pixelHeight`, options.pixelHeight, 0);
  if (options.modes !== undefined) checkModes(`${path}modes`, options.modes);
  const { name } = options;
  if (name !== undefined && (typeof name !== 'string' || name === '' || name.includes('\0'))) {
    throw invalid(`${path}name`, name, "the name of a terminal, such as 'xterm-256color'");
  }
}
