// This package where every user can read it, for programs of it that another user is to run.

import { chmodSync, cpSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** All that a launcher or the command loads. */
const PARTS = [
  'bin',
  'build/native',
  'build/test/helpers',
  'dist',
  'lib',
  'node_modules/commander',
  'package.json',
  'prebuilds',
];

const OTHERS_MAY_ENTER = 0o001;

/** Whether others may enter each directory on the way to the package: that of root's clone is often closed. */
function isOpen(path: string): boolean {
  if ((statSync(path).mode & OTHERS_MAY_ENTER) === 0) return false;
  const above = dirname(path);
  return above === path || isOpen(above);
}

let openRoot: string | undefined;

function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'forkexec-open-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  for (const part of PARTS) cpSync(join(root, part), join(folder, part), { recursive: true });
  return folder;
}

/** A file of this package where anybody can read it: as it is, or in a copy for the time of the tests. */
export function openPath(file: string): string {
  openRoot ??= isOpen(root) ? root : copy();
  return join(openRoot, relative(root, file));
}

/** The environment in which such a program loads the addon that this process was told to load. */
export function openAddon(): { FORKEXEC_ADDON?: string } {
  const { FORKEXEC_ADDON: addon } = process.env;
  return addon === undefined ? {} : { FORKEXEC_ADDON: openPath(addon) };
}
