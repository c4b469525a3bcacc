/**
 * Output that is JSON.
 *
 * @module
 */

/**
 * The value of a command's output.
 *
 * @throws SyntaxError that names the command.
 */
export function parseJson<T>(command: string, text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch (cause) {
    const { message } = cause as SyntaxError;
    throw new SyntaxError(`${command}: stdout is not JSON: ${message}`, { cause });
  }
}
