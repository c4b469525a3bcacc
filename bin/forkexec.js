#!/bin/sh
":" /*
# The launcher of forkexec: a shell script up to the end of this comment, JavaScript from there on.
#
# A JavaScript runtime resets the signals that it was started with, raises the limit of open files
# and opens descriptors of its own, before any code of ours runs. So this script records the signals,
# the limit and the descriptors in the environment, where src/signal/record.ts reads them. For speed
# it uses builtins of the shell only. Its variables have unusual names, because a variable that is in
# the environment already would be changed there.
if [ "$1" = init ]; then
  # A program that needs no JavaScript: of a checkout, or of the package.
  shift
  _fx_self=$(readlink -f "$0")
  case $(uname -m) in x86_64) _fx_key=x64 ;; *) _fx_key=arm64 ;; esac
  for _fx_value in build/native/init "prebuilds/linux-$_fx_key.init"; do
    _fx_value=${_fx_self%/*}/../$_fx_value
    if test -x "$_fx_value"; then exec "$_fx_value" "$@"; fi
  done
  set -- init "$@"
fi
_fx_open=
trap : QUIT # bash ignores it by itself; where it was ignored before, this has no effect
{
  while read -r _fx_key _fx_value _fx_rest; do
    case $_fx_key in
      SigBlk:) _fx_blocked=$_fx_value ;;
      SigIgn:) _fx_ignored=$_fx_value; break ;;
    esac
  done </proc/self/status
  while read -r _fx_key _fx_value _fx_rest _fx_soft _fx_hard _fx_unit; do
    case "$_fx_key $_fx_value $_fx_rest" in 'Max open files') break ;; esac
  done </proc/self/limits
  for _fx_key in /proc/self/fd/*; do
    test -h "$_fx_key" || continue # the list itself, which is closed by now
    _fx_key=${_fx_key#/proc/self/fd/}
    case $_fx_key in
      ??*) # From 10 on the shell has descriptors of its own, which are close-on-exec: 02000000.
        while read -r _fx_value _fx_rest; do
          case $_fx_value$_fx_rest in flags:*[2367]??????) continue 2 ;; esac
        done </proc/self/fdinfo/"$_fx_key" ;;
    esac
    _fx_open=$_fx_open,$_fx_key
  done
} 2>/dev/null
# Functions that bash has exported, which dash leaves out of its environment: jobs may call them.
if [ "$1" = parallel ]; then
  FORKEXEC_FUNCTIONS=$(grep -az '^BASH_FUNC_' /proc/$$/environ 2>/dev/null | tr '\0' '\1')
  [ -n "$FORKEXEC_FUNCTIONS" ] && export FORKEXEC_FUNCTIONS
fi
export FORKEXEC_INHERITED="$_fx_ignored:$_fx_blocked:$_fx_soft:$_fx_hard:$_fx_open"
if [ "$1" != node ]; then exec node "$0" "$@"; fi
# forkexec node app.js: the runtime itself, which loads this file before app.js begins.
shift
case $0 in
  /*) _fx_self=$0 ;;
  *) _fx_self=$PWD/$0 ;; # also for Workers and forks, which load it again
esac
exec node --require "$_fx_self" "$@"
*/
// A CommonJS module, which Node loads sooner than an ECMAScript module, and synchronously.
if (require.main === module) require('../lib/cli.cjs');
else require('../lib/register.cjs');
