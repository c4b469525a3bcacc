import { runCompiled } from '../helpers/compiled.js';
import { test } from '../helpers/test.js';

test('completions are discarded in their order while their environment closes', () =>
  runCompiled('test/native/environment.c', 'native/environment.c', 'native/owned.c'));
