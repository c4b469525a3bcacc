# The same rows in Python: loops.py HOW LANES MS. HOW is run, or output for echo, collected.
import subprocess
import sys
import threading
import time

how, lanes, ms = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
counts = [0] * lanes
begin = time.monotonic()


def lane(index):
    while (time.monotonic() - begin) * 1000 < ms:
        if how == 'output':
            subprocess.run(['echo', 'hello'], stdout=subprocess.PIPE, check=True)
        else:
            null = subprocess.DEVNULL
            subprocess.run(['/bin/true'], stdin=null, stdout=null, stderr=null, check=True)
        counts[index] += 1


threads = [threading.Thread(target=lane, args=[index]) for index in range(lanes)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(f'{sum(counts) / (time.monotonic() - begin):.1f}')
