#!/bin/sh
":" /*
# The launcher of forkexec: a shell script up to the end of this comment, JavaScript from there on.
#
# A JavaScript runtime resets the signals that it was started with, and raises the limit of open
# files, before any code of ours runs. So they are looked at here and left in the environment; the
# file src/signal/inherited.ts reads them. Nothing but the shell's own words is used, for speed.
while read -r key value rest; do
  case $key in
    SigBlk:) blocked=$value ;;
    SigIgn:) ignored=$value; break ;;
  esac
done </proc/self/status
while read -r one two three soft hard rest; do
  case "$one $two $three" in 'Max open files') break ;; esac
done </proc/self/limits
export FORKEXEC_INHERITED="$ignored:$blocked:$soft:$hard"
# forkexec node app.js: the runtime itself, with what it undoes put back before app.js begins.
if [ "$1" = node ]; then
  shift
  folder=$(dirname "$(readlink -f "$0")")
  exec node --import "$folder/../dist/signal/register.js" "$@"
fi
exec node "$0" "$@"
*/
import '../dist/cli/main.js';
