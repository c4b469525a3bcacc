/**
 * Pseudo-terminals, and the terminal of this process.
 *
 * @module
 */
export type { Foreground } from './foreground.js';
export type { ModesWhen, Termios } from './modes.js';
export { openTerminal } from './open.js';
export type { TerminalOptions } from './options.js';
export { type RawModeOptions, setForegroundGroup, withRawMode } from './own.js';
export type { TerminalScope } from './signal.js';
export { Terminal, type TerminalSize } from './terminal.js';
