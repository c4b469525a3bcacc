/**
 * What an agent says of itself and of its machine.
 *
 * @module
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { version } from '../version.js';
import { type AgentInfo, PROTOCOL } from './protocol.js';

function readSafely(read: () => string): string {
  try {
    return read().trim();
  } catch {
    return '';
  }
}

/** Tells this machine, as long as it runs, and which processes can be seen from here. */
export function placeOf(): string {
  const boot = readSafely(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'));
  const namespace = readSafely(() => readlinkSync('/proc/self/ns/pid'));
  return boot === '' || namespace === '' ? '' : `${boot} ${namespace}`;
}

/** The agent that is this process. */
export function describeAgent(marker: string, capabilities: readonly string[]): AgentInfo {
  return {
    protocol: PROTOCOL,
    version,
    pid: process.pid,
    host: hostname(),
    platform: process.platform,
    arch: process.arch,
    runtime: `${process.release.name} ${process.version}`,
    processors: availableParallelism(),
    capabilities,
    marker,
    place: placeOf(),
  };
}
