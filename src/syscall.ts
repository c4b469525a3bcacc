/**
 * The kernel from TypeScript, as Go's syscall package is to its os: raw calls, typed calls,
 * constants of the running platform, struct layouts, and the launch core under Go's names.
 *
 * @module
 */
export { SocketChannel, type SocketMessage } from './command/socket-channel.js';
export { LaunchError } from './launch/error.js';
export { exec, forkExec, forkExecSync, type ProcAttr } from './process/fork-exec.js';
export * from './syscall/attributes.js';
export * from './syscall/constants.js';
export { W as WAIT } from './syscall/constants.js';
export * from './syscall/descriptors.js';
export { errorMessage, errorName, SystemError } from './syscall/errors.js';
export { forkLock } from './syscall/fork-lock.js';
export * from './syscall/groups.js';
export * from './syscall/identity.js';
export * from './syscall/layout.js';
export * from './syscall/limits.js';
export * from './syscall/namespaces.js';
export * from './syscall/pidfd.js';
export * from './syscall/priority.js';
export * from './syscall/ptrace.js';
export { rawSyscall, type SyscallArg, type SyscallResult, syscall } from './syscall/raw.js';
export {
  findSignal,
  type Signal,
  type SignalName,
  signalDescription,
  signalName,
} from './syscall/signals.js';
export * from './syscall/sockets.js';
export { tables } from './syscall/tables.js';
export * from './syscall/wait.js';
