/**
 * Commands: starting programs, talking to them, and awaiting them.
 *
 * @module
 */
export { Child } from './command/child.js';
export { Command, command } from './command/command.js';
export { ExitError } from './command/error.js';
export { type Limit, limitTo } from './command/limit.js';
export { lookPath } from './command/look-path.js';
export type {
  FileStdio,
  MaxBuffer,
  ReadyOptions,
  RunOptions,
  Shown,
  SpawnOptions,
  Stdio,
  StopOptions,
  TextOptions,
} from './command/options.js';
export { Pipeline, type PipelineResult } from './command/pipeline.js';
export type { Outcome, Result } from './command/result.js';
export { run } from './command/run.js';
export { runSync } from './command/run-sync.js';
export { spawn } from './command/spawn.js';
export { $, type ScriptCommand, type ScriptPipeline, type Template } from './command/template.js';
export type { Sink, Source } from './command/transfer.js';
export { type WithOptions, withOptions } from './command/with-options.js';
export { LaunchError } from './launch/error.js';
export type { LaunchOptions, StepName } from './launch/order.js';
export { explain } from './process/explain.js';
export type { Process } from './process/process.js';
export type { Scope } from './process/scope.js';
export type { ExitReason, ExitStatus, ResourceUsage } from './process/status.js';
export type { LandlockPolicy, LandlockRule } from './sandbox/landlock-policy.js';
export type {
  LandlockFileRight,
  LandlockLog,
  LandlockPortRight,
  LandlockRight,
  LandlockScope,
} from './sandbox/landlock-rights.js';
export type {
  BindMount,
  DevMount,
  DirectoryEntry,
  FileEntry,
  MountEntry,
  OverlayMount,
  ProcMount,
  SymlinkEntry,
  TmpfsMount,
} from './sandbox/mount-entries.js';
export type { SandboxOptions, SandboxPorts } from './sandbox/options.js';
export type { SandboxLayer, SandboxLayerName, SandboxReport } from './sandbox/report.js';
export type {
  SeccompAction,
  SeccompArchitecture,
  SeccompArgument,
  SeccompFilter,
  SeccompRule,
} from './sandbox/seccomp-filter.js';
export type { SeccompProfile } from './sandbox/seccomp-profiles.js';
export type { Signal, SignalName } from './syscall/signals.js';
