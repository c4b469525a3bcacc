/**
 * What restricts a process, and what does not.
 *
 * @module
 */

/** What restricts a process. */
export type SandboxLayerName =
  | 'noNewPrivileges'
  | 'landlock'
  | 'seccomp'
  | 'mounts'
  | 'namespaces'
  | 'limits';

/** One thing that was asked for, and whether it is enforced. */
export interface SandboxLayer {
  /** What enforces it, or would. */
  readonly layer: SandboxLayerName;
  /** What is restricted: `'files'`, `'TCP ports'`, `'signals'`. */
  readonly restricts: string;
  /** Whether it is enforced as asked for. */
  readonly holds: boolean;
  /** Why it is not enforced, or how; empty if there is nothing to add. */
  readonly reason: string;
}

/** What restricts a process that was started with `sandbox`, `landlock`, `seccomp` or `mounts`. */
export interface SandboxReport {
  /** One for each thing that was asked for. */
  readonly layers: readonly SandboxLayer[];
}
