#!/bin/sh
# script(1) of util-linux 2.38.1, asked with -e to return the exit status of its command, returns 0 and
# records COMMAND_EXIT_CODE="0" when SIGTERM ends it together with a command that was not done: a job that
# was cancelled looks like one that succeeded. The same signal to the command itself gives 143.
#
# A supervisor that wraps a job in script(1) to keep its terminal output must note itself that it stopped
# the job.
set -eu

version=2.38.1-5+deb12u3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "bsdutils=1:$version"
dpkg-deb -x bsdutils_*.deb .
script=$folder/usr/bin/script
"$script" --version

# $1: whom to signal, script or its command. Prints the exit status of script.
ended_by_sigterm() {
  rm -f log pid
  "$script" -qefc 'echo $$ >pid; exec sleep 30' log </dev/null >/dev/null 2>&1 &
  until [ -s pid ]; do sleep 0.05; done
  if [ "$1" = script ]; then kill -TERM $!; else kill -TERM "$(cat pid)"; fi
  status=0
  wait $! || status=$?
  echo "$status"
}

of_script=$(ended_by_sigterm script)
recorded=$(sed -n 's/.*COMMAND_EXIT_CODE="\([0-9]*\)".*/\1/p' log)
of_command=$(ended_by_sigterm command)
echo "SIGTERM to script: exit status $of_script, recorded $recorded"
echo "SIGTERM to its command: exit status $of_command"
[ "$of_script $recorded $of_command" = "0 0 143" ]
