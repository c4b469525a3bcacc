// The trees of this system that every program needs.

import { existsSync } from 'node:fs';

/** The trees of the programs and libraries of the system. */
export const SYSTEM: readonly string[] = ['/usr', '/lib', '/lib64', '/bin', '/sbin'].filter(
  existsSync,
);
