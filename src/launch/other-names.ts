/**
 * Options of other libraries and what to use instead, for "Unknown option 'uid'. Use
 * 'credential.uid' instead." People who come from another library write its names first.
 *
 * @module
 */
export const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  // node:child_process
  ['gid', "'credential.gid'"],
  ['killSignal', "'stop.signal'"],
  ['shell', "run('sh', ['-c', …])"],
  ['stdio', "'stdin', 'stdout', 'stderr' or 'fds'"],
  ['uid', "'credential.uid'"],
  // execa, zx, tinyexec
  ['all', '\'stderr: "stdout"\''],
  ['buffer', '\'stdout: "pipe"\' of spawn'],
  ['cancelSignal', "'signal'"],
  ['cleanup', "'lifetime'"],
  ['extendEnv', "'clearEnv'"],
  ['forceKillAfterDelay', "'stop.grace'"],
  ['inputFile', "'stdin.file'"],
  ['killDescendants', "'stop.scope'"],
  ['nothrow', "'reject'"],
  ['preferLocal', "'path'"],
  ['throwOnError', "'reject'"],
  // Go
  ['ctty', "'controllingTerminal'"],
  ['dir', "'cwd'"],
  ['noctty', "'detachTerminal'"],
  ['pdeathsig', "'parentDeathSignal'"],
  ['setctty', "'controllingTerminal'"],
  ['setpgid', "'processGroup'"],
  ['setsid', "'session'"],
  // other names that people try
  ['groups', "'credential.groups'"],
  ['user', "'credential.user'"],
]);
