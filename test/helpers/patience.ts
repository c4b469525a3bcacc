/**
 * How many times as long as on a quiet machine things may take. A test that fails for a busy one says
 * nothing of the code, and where something never comes, to learn it later costs nothing but time.
 * scripts/test-arm64, which emulates the processor, sets more.
 */
const SLOWNESS = Number(process.env['FORKEXEC_TEST_SLOWNESS'] ?? 3);

/** How long to wait for something that takes no longer than this on a quiet machine. */
export function patience(ms: number): number {
  return ms * SLOWNESS;
}
