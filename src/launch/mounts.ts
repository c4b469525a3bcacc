import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { checkMounts, type MountEntry, targetOf } from '../sandbox/mount-entries.js';
import { refused } from '../syscall/check.js';
import { AT, MNT, SYS } from '../syscall/constants.js';
import type { Attribute } from './attribute.js';
import { attach } from './mount-attach.js';
import {
  bindOf,
  type MountProgram,
  newFileSystem,
  type Prepared,
  STEPS,
  setAttributes,
} from './mount-prepare.js';
import type { NamespaceOptions } from './namespaces.js';
import type { Slot } from './program.js';

/** The files that the process sees. */
export interface MountOptions {
  /**
   * The files that the process sees, in a mount namespace and a root of its own: bind mounts, file
   * systems in memory, files and links, each put on those before it. What no entry names is not there.
   * Takes CAP_SYS_ADMIN, or a user namespace. Default: the files of this process.
   */
  mounts?: readonly MountEntry[] | undefined;
}

/** What /dev has of the devices of the system. */
const DEVICES = ['null', 'zero', 'full', 'random', 'urandom', 'tty'] as const;

function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory();
  } catch {
    return false; // not there: the step open_tree says so
  }
}

/** Escapes what separates the directories of an overlay. */
function escaped(path: string): string {
  return resolve(path).replace(/[\\:]/g, '\\$&');
}

function prepare(
  program: MountProgram,
  entry: MountEntry,
  index: number,
  inUserNamespace: boolean,
): Prepared {
  const target = targetOf(
    'bind' in entry && entry.to === undefined ? { ...entry, to: resolve(entry.bind) } : entry,
  );
  const argument = `mounts[${index}] ${'bind' in entry ? entry.bind : target}`;
  const known = {
    option: `mounts[${index}] ${target}`,
    target,
    entry,
    devices: [],
    terminals: undefined,
  };
  const make = (type: string, options: Readonly<Record<string, string | true>>, flags = {}): Slot =>
    newFileSystem(program, argument, type, options, flags);
  if ('bind' in entry) {
    const file = isFile(entry.bind);
    return { ...known, mounted: bindOf(program, argument, entry.bind, entry), isFile: file };
  }
  if ('tmpfs' in entry) {
    const { size, mode = target === '/tmp' ? 0o1777 : 0o755 } = entry;
    const sized: Record<string, string> = size === undefined ? {} : { size: String(size) };
    // Read-only only after the entries that are put into it.
    const flags = { ...entry, readOnly: false };
    const mounted = make('tmpfs', { mode: mode.toString(8), ...sized }, flags);
    return { ...known, mounted, isFile: false };
  }
  if ('proc' in entry)
    return { ...known, mounted: make('proc', {}, { noExec: true }), isFile: false };
  if ('overlay' in entry) {
    const { lower, upper, work } = entry;
    const writable: Record<string, string> =
      upper === undefined || work === undefined
        ? {}
        : { upperdir: resolve(upper), workdir: resolve(work) };
    const options = {
      lowerdir: lower.map(escaped).join(':'),
      ...writable,
      ...(inUserNamespace ? { userxattr: true as const } : {}),
    };
    return { ...known, mounted: make('overlay', options, entry), isFile: false };
  }
  if (!('dev' in entry)) return { ...known, mounted: undefined, isFile: false };
  const mounted = make('tmpfs', { mode: '755' });
  const devices = DEVICES.map((name) => {
    const path = `/dev/${name}`;
    return [name, bindOf(program, `mounts[${index}] ${path}`, path, { devices: true })] as const;
  });
  const terminals = make('devpts', { mode: '620', ptmxmode: '666' }, { devices: true });
  return { ...known, mounted, isFile: false, devices, terminals };
}

/** The working directory, if the runtime can tell it. */
function currentDirectory(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

/**
 * After all that reads files of the system or writes to /proc and before all paths of the process
 * itself. What is mounted is made first, while the old root is there; then the root is changed, so
 * that no link in a tree leads out of it; then all is put into place, in the order of the entries.
 */
export const mounts: Attribute<MountOptions, typeof STEPS, NamespaceOptions> = {
  options: ['mounts'],
  steps: STEPS,
  on: ['linux'],
  check({ mounts, namespaces }) {
    if (mounts === undefined) return;
    checkMounts('mounts', mounts);
    const mount = namespaces?.mount;
    if (mount === undefined || mount === true) return;
    throw refused('mounts', 'cannot be combined with namespaces.mount that is joined or false');
  },
  emit(program, { options: { mounts, namespaces } }) {
    if (mounts === undefined) return;
    const inUserNamespace = namespaces?.user !== undefined && namespaces.user !== false;
    const all = mounts.map((entry, index) => prepare(program, entry, index, inUserNamespace));
    const own = all[0]?.target === '/' && all[0].mounted !== undefined ? all[0] : undefined;
    const argument = own?.option ?? 'the new root';
    const root = own?.mounted ?? newFileSystem(program, argument, 'tmpfs', { mode: '755' }, {});
    const [here, empty, top] = ['.', '', '/'].map((text) => program.string(text)) as [
      ReturnType<typeof program.string>,
      ReturnType<typeof program.string>,
      ReturnType<typeof program.string>,
    ];
    const MOVE_EMPTY = 4; // MOVE_MOUNT_F_EMPTY_PATH
    program.must(
      { name: 'move_mount', argument },
      SYS.move_mount,
      root,
      empty,
      AT.AT_FDCWD,
      top,
      MOVE_EMPTY,
    );
    program.must({ name: 'fchdir', argument }, SYS.fchdir, root);
    program.must({ name: 'pivot_root', argument }, SYS.pivot_root, here, here);
    program.must({ name: 'umount2', argument }, SYS.umount2, here, MNT.MNT_DETACH);
    program.must({ name: 'chdir', argument: '/' }, SYS.chdir, top);
    program.ignore({ name: 'close' }, SYS.close, root);
    for (const prepared of all) if (prepared !== own) attach(program, prepared);
    for (const { entry, target, option } of all) {
      if ('tmpfs' in entry && entry.readOnly) {
        setAttributes(program, option, AT.AT_FDCWD, target, { readOnly: true });
      }
    }
    if (own === undefined) setAttributes(program, argument, AT.AT_FDCWD, '/', { readOnly: true });
    // The working directory is the same where it is there, as without mounts.
    const cwd = program.string(currentDirectory());
    program.ignore({ name: 'chdir' }, SYS.chdir, cwd);
    program.layers.push({
      layer: 'mounts',
      restricts: 'files',
      holds: true,
      reason: '',
    });
  },
  flags: [
    {
      flags: '--mount <entry>',
      description:
        'what the program sees: bind=/usr,ro, bind=/src:/work, tmpfs=/tmp,size=1048576, proc=/proc, dev=/dev, symlink=/lib:usr/lib or directory=/run',
      repeatable: true,
      apply: ({ mounts = [] }, value) => ({ mounts: [...mounts, entryOf(value)] }),
    },
  ],
  trials: () => {
    const all = { mounts: [{ bind: '/', devices: true }] };
    const user = { user: true };
    return {
      mounts: [
        { options: all },
        {
          options: { ...all, namespaces: user },
          limit: 'only together with namespaces.user',
        },
      ],
    };
  },
};

/** `bind=/usr,ro` as an entry; what can't be one is refused by its name. */
function entryOf(text: string): MountEntry {
  const [first = '', ...flags] = text.split(',');
  const [kind = '', path = ''] = first.split(/=(.*)/s);
  const [inner = '', outer] = path.split(':');
  const entry: Record<string, unknown> = { [kind]: inner };
  if (outer !== undefined) entry['to'] = outer;
  for (const flag of flags) {
    const [name = '', value] = flag.split('=');
    const known = { ro: 'readOnly', dev: 'devices', noexec: 'noExec' }[name] ?? name;
    const isNumber = value !== undefined && /^\d+$/.test(value);
    entry[known] = value === undefined ? true : isNumber ? Number(value) : value;
  }
  return entry as unknown as MountEntry;
}
