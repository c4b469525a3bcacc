/**
 * What the runtime permits: Node's --permission, and Deno's --allow-run.
 *
 * An addon is not held to these permissions by the runtime, and asks for them itself.
 *
 * @module
 */
import { deno } from '../runtime.js';

/** Taken when this is loaded, before a program could put another in its place. */
const node = (process as { permission?: { has(scope: string): boolean } }).permission;

/**
 * Throws the error of node:child_process or of Deno.Command where the runtime does not permit to start
 * `file`. Deno may ask the user first.
 *
 * @param command What Deno is to permit: a path; undefined for programs of any path.
 */
export function checkRun(file: string, command: string | undefined): void {
  if (node !== undefined && !node.has('child')) {
    throw Object.assign(
      new Error(
        'Access to this API has been restricted. Use --allow-child-process to manage permissions.',
      ),
      { code: 'ERR_ACCESS_DENIED', permission: 'ChildProcess', resource: file },
    );
  }
  if (deno === undefined) return;
  const descriptor = { name: 'run', ...(command !== undefined && { command }) } as const;
  if (deno.permissions.requestSync(descriptor).state === 'granted') return;
  const what = command === undefined ? 'run access' : `run access to "${command}"`;
  const { NotCapable, PermissionDenied = Error } = deno.errors; // NotCapable: Deno 2
  throw new (NotCapable ?? PermissionDenied)(
    `Requires ${what}, run again with the --allow-run flag`,
  );
}

/** Whether the runtime tells programs apart by their paths. */
export const permitsByPath: boolean = deno !== undefined;
