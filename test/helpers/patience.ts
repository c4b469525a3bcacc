/** How many times as long as elsewhere things may take: scripts/test-arm64 emulates the processor. */
const SLOWNESS = Number(process.env['FORKEXEC_TEST_SLOWNESS'] ?? 1);

/** How long to wait for something that takes no longer than this on a busy machine. */
export function patience(ms: number): number {
  return ms * SLOWNESS;
}
