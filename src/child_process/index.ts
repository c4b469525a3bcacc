/**
 * The module `node:child_process`, with the launches of this library.
 *
 * @module
 */
import { childProcess } from './module.js';
import type { NodeModule } from './node.js';

export type * from 'node:child_process';
export type { DropInOptions } from './options.js';

/** As Node's, with the option `forkexec`. */
export const ChildProcess: NodeModule['ChildProcess'] = childProcess.ChildProcess;
/** As Node's, with the option `forkexec`. */
export const exec: NodeModule['exec'] = childProcess.exec;
/** As Node's, with the option `forkexec`. */
export const execFile: NodeModule['execFile'] = childProcess.execFile;
/** As Node's, with the option `forkexec`. */
export const execFileSync: NodeModule['execFileSync'] = childProcess.execFileSync;
/** As Node's, with the option `forkexec`. */
export const execSync: NodeModule['execSync'] = childProcess.execSync;
/** As Node's, with the option `forkexec`. */
export const fork: NodeModule['fork'] = childProcess.fork;
/** As Node's, with the option `forkexec`. */
export const spawn: NodeModule['spawn'] = childProcess.spawn;
/** As Node's, with the option `forkexec`. */
export const spawnSync: NodeModule['spawnSync'] = childProcess.spawnSync;
/** Node's own: what makes the messages of a process that was forked. @internal */
export const _forkChild: unknown = childProcess._forkChild;

// biome-ignore lint/style/noDefaultExport: node:child_process has one.
export default childProcess;
