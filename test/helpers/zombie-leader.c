/* A process whose first thread has ended while another goes on, for a thousand seconds. */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static void *go_on(void *unused) {
  sleep(1000);
  return unused;
}

int main(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, go_on, NULL) != 0)
    return 1;
  pthread_exit(NULL);
}
