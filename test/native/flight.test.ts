import { needsLinux } from '../helpers/backend.js';
import { runCompiled } from '../helpers/compiled.js';
import { test } from '../helpers/test.js';

test('a launch that is given up signals its own child, and no process that has its number or its pidfd', () => {
  needsLinux('pidfds');
  return runCompiled(
    'test/native/flight.c',
    'native/flight.c',
    'native/help_linux.c',
    'native/clock.c',
  );
});
