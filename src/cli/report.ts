/**
 * What is told of a program: the usage after its end, and the lines of `--status-fd`.
 *
 * @module
 */
import type { Child } from '../command/child.js';
import type { LaunchError } from '../launch/error.js';
import type { ExitStatus, ResourceUsage } from '../process/status.js';
import type { SignalName } from '../syscall/signals.js';

/** As plain JSON; what is not known of the usage is null. */
function statusObject(status: ExitStatus): object {
  const { code, signal, coreDumped, reason } = status;
  const members = Object.entries(status.usage).map(([name, value]) => [name, value ?? null]);
  return { code, signal, coreDumped, reason, usage: Object.fromEntries(members) };
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

function seconds(microseconds: number | undefined): string {
  if (microseconds === undefined) return 'unknown';
  return `${(microseconds / 1e6).toFixed(3)} s`;
}

function count(value: number | undefined): string {
  return value === undefined ? 'unknown' : String(value);
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

/** The kernel starts to count a child's memory at its parent's peak: below that nothing is known. */
function memory({ maxRss, userTime }: ResourceUsage): string {
  if (maxRss !== undefined) return mebibytes(maxRss);
  if (userTime === undefined) return 'unknown';
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
    faults: `${count(usage.minorFaults)} minor, ${count(usage.majorFaults)} major`,
    switches: `${count(usage.voluntarySwitches)} voluntary, ${count(usage.involuntarySwitches)} involuntary`,
  };
  const lines = Object.entries(rows).map(([name, value]) => `${name.padEnd(10)}${value}\n`);
  return lines.join('');
}
