/**
 * The option that this module has beyond Node's.
 *
 * @module
 */
import type { LaunchOptions } from '../launch/order.js';

/** What is true of a new process, beyond what Node's options say. */
export interface DropInOptions extends LaunchOptions {
  /**
   * `'parent'`: the process and what it starts end with this one, however this one ends. Default:
   * undefined, they run on.
   */
  lifetime?: 'parent' | undefined;
}

declare module 'node:child_process' {
  interface ProcessEnvOptions {
    /**
     * Attributes of the new process, for the functions of `@forkexec/core/child_process`. Those of
     * `node:child_process` ignore it.
     */
    forkexec?: DropInOptions | undefined;
  }
}
