#!/bin/sh
# GNU parallel 20221122 ends with exit status 0 after SIGHUP, although most of its jobs were never started:
# the terminal that is closed, or the ssh session that is cut, leaves a script that goes on as if all was
# done. Only the joblog, and two lines on stderr, show that jobs are missing.
set -eu

version=20221122+ds-2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "parallel=$version"
dpkg-deb -x parallel_*.deb .
parallel=$folder/usr/bin/parallel
"$parallel" --version | sed 1q

# In a session of its own: the signal is for parallel alone.
seq 20 | setsid "$parallel" -j1 --joblog log 'echo started >>started; sleep 0.3' 2>complaints &
until [ -s started ]; do sleep 0.05; done
kill -HUP $!
status=0
wait $! || status=$?
started=$(wc -l <started)
echo "exit status $status, $started of 20 jobs started"
cat complaints
[ "$status" -eq 0 ] && [ "$started" -lt 20 ]
