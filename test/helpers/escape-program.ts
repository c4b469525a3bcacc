// Tries all escapes from sandboxes of this process, which is a user without rights: for tests of users who have
// namespaces and of users who have none.
//
//   node escape-program.js STRENGTH         prints what became of them
//   node escape-program.js probe            prints why this user has no namespaces, or an empty line
//   node escape-program.js without WORDS…   root of a user namespace of its own: allows no more user namespaces
//                                           in it, and does WORDS there as another user

import { writeFileSync } from 'node:fs';
import { namespacesRefusal } from '#dist/command/sandbox-surroundings.js';
import { run } from '#dist/index.js';
import { resultsOf } from './calls.js';
import { tryAll } from './escapes.js';
import { SYSTEM } from './system.js';

const [strength = 'best', ...words] = process.argv.slice(2);

if (strength === 'probe') console.log(namespacesRefusal() ?? '');
else if (strength === 'without') {
  writeFileSync('/proc/sys/user/max_user_namespaces', '0');
  const credential = { uid: 65534, gid: 65534, groups: [] };
  const again = [process.argv[1] as string, ...words];
  console.log((await run(process.execPath, again, { credential, cwd: '/' })).stdout);
} else {
  const policy = { read: SYSTEM, strength: strength as 'best' };
  // A sandbox that is refused is no escape: it is told, and nothing else is tried.
  const refusal = await run('/bin/true', { sandbox: policy, cwd: '/usr' }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (refusal !== undefined) {
    console.log(refusal);
    process.exit();
  }
  const results = await tryAll((calls, program, inside) => {
    const options = { sandbox: { ...policy, write: [inside] }, cwd: '/usr' };
    return resultsOf(calls, options, program);
  });
  console.log(JSON.stringify(results));
}
