// A Worker that posts the signals it gets.

import { parentPort, workerData } from 'node:worker_threads';
import { ignored, inherited, mask, notify, type SignalName } from '#dist/signal/index.js';

const signals = workerData as SignalName[];
const stream = notify(...signals).on('signal', (info) => parentPort?.postMessage(info));
parentPort?.on('message', () => {
  stream.stop();
  // Deno's can not be closed.
  if (parentPort?.close) parentPort.close();
  else process.exit();
});
parentPort?.postMessage({ inherited, mask: mask(), ignored: ignored('SIGHUP') });
