/**
 * What options of other libraries are called here: who comes from there writes them first, and one
 * that nobody looked at would leave out what it is for.
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
  // what one may try
  ['groups', "'credential.groups'"],
  ['user', "'credential.user'"],
]);
