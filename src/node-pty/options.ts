/**
 * The options of node-pty, and what a launch has in their place.
 *
 * @module
 */
import type { CredentialOptions } from '../launch/credential.js';

/** What a program is started with. */
export interface IPtyForkOptions {
  /** TERM. Default: TERM of `env`, else `'xterm'`. */
  name?: string | undefined;
  /** Default: 80. */
  cols?: number | undefined;
  /** Default: 24. */
  rows?: number | undefined;
  /** Default: that of this process. */
  cwd?: string | undefined;
  /** All variables of the program. Default: those of this process. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** The user, without groups of this process. Default: that of this process. */
  uid?: number | undefined;
  /** The group. Default: that of this process. */
  gid?: number | undefined;
  /** null is Buffers instead of text. Default: `'utf8'`. */
  encoding?: string | null | undefined;
  /** Whether what is written is looked at for `flowControlPause` and `flowControlResume`. */
  handleFlowControl?: boolean | undefined;
  /** Default: `'\x13'`. */
  flowControlPause?: string | undefined;
  /** Default: `'\x11'`. */
  flowControlResume?: string | undefined;
}

/** Variables of a terminal that this process runs on, which say nothing of the new one. */
const OF_ANOTHER_TERMINAL = [
  'TMUX',
  'TMUX_PANE',
  'STY',
  'WINDOW',
  'WINDOWID',
  'TERMCAP',
  'COLUMNS',
  'LINES',
];

/** All variables of the program. */
export function environmentOf({ env, name, cwd }: IPtyForkOptions): Record<string, string> {
  const result: Record<string, string> = {};
  for (const [key, value] of Object.entries(env ?? process.env)) {
    if (value === undefined) continue;
    if (env === undefined && OF_ANOTHER_TERMINAL.includes(key)) continue;
    result[key] = value;
  }
  result['PWD'] = cwd ?? process.cwd();
  result['TERM'] = name ?? result['TERM'] ?? 'xterm';
  return result;
}

/** The option `credential`, if one is asked for. */
export function credentialOf({ uid, gid }: IPtyForkOptions): CredentialOptions {
  if (uid === undefined && gid === undefined) return {};
  const credential: { uid?: number; gid?: number } = {};
  if (uid !== undefined) credential.uid = uid;
  if (gid !== undefined) credential.gid = gid;
  return { credential };
}
