/**
 * What is told of a program: the usage after its end, and the lines of `--status-fd`.
 *
 * @module
 */
import type { Child } from '../command/child.js';
import type { LaunchError } from '../launch/error.js';
import type { ExitStatus, ResourceUsage } from '../process/status.js';
import type { SignalName } from '../syscall/signals.js';

/** As plain JSON; a maxRss of null is one that is not known. */
function statusObject(status: ExitStatus): object {
  const { code, signal, coreDumped, reason, usage } = status;
  return { code, signal, coreDumped, reason, usage: { ...usage, maxRss: usage.maxRss ?? null } };
}

export function startedLine({ pid, process: { id } }: Child): string {
  return `${JSON.stringify({ event: 'started', pid, id })}\n`;
}

/** A stop or continue by a signal; `signal` is the one that stopped it. */
export function changedLine(event: 'stopped' | 'continued', signal?: SignalName): string {
  return `${JSON.stringify({ event, signal })}\n`;
}

export function failedLine({ step, code, argument }: LaunchError): string {
  return `${JSON.stringify({ event: 'failed', step, code, argument })}\n`;
}

export function exitedLine(status: ExitStatus): string {
  return `${JSON.stringify({ event: 'exited', ...statusObject(status) })}\n`;
}

export function usageJson(status: ExitStatus): string {
  return `${JSON.stringify({ status: String(status), ...statusObject(status) })}\n`;
}

function seconds(microseconds: number): string {
  return `${(microseconds / 1e6).toFixed(3)} s`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** The kernel starts to count a child's memory at its parent's peak: below that nothing is known. */
function memory({ maxRss }: ResourceUsage): string {
  if (maxRss !== undefined) return mebibytes(maxRss);
  const own = mebibytes(process.resourceUsage().maxRSS * 1024);
  return `unknown: not clearly above the ${own} of forkexec itself`;
}

export function usageTable(status: ExitStatus): string {
  const { usage } = status;
  const rows = {
    status: status.reason === 'timeout' ? `timed out, ${status}` : String(status),
    wall: seconds(usage.wallTime),
    user: seconds(usage.userTime),
    system: seconds(usage.systemTime),
    'max rss': memory(usage),
    faults: `${usage.minorFaults} minor, ${usage.majorFaults} major`,
    switches: `${usage.voluntarySwitches} voluntary, ${usage.involuntarySwitches} involuntary`,
  };
  const lines = Object.entries(rows).map(([name, value]) => `${name.padEnd(10)}${value}\n`);
  return lines.join('');
}
