/*
 * For binaries that are published: included before all else, it asks for the oldest version of what
 * glibc has had since its beginning and gave a new version number when libpthread became part of
 * libc. Without it a binary built on a new system does not load on one before glibc 2.34.
 */
#ifndef FORKEXEC_OLD_GLIBC_H
#define FORKEXEC_OLD_GLIBC_H

#ifdef __x86_64__
#define OLDEST "GLIBC_2.2.5"
#else
#define OLDEST "GLIBC_2.17"
#endif

__asm__(".symver pthread_attr_setstacksize, pthread_attr_setstacksize@" OLDEST);
__asm__(".symver pthread_create, pthread_create@" OLDEST);
__asm__(".symver pthread_sigmask, pthread_sigmask@" OLDEST);
/* Not as old as the others on x64. */
#ifdef __x86_64__
__asm__(".symver pthread_condattr_setclock, pthread_condattr_setclock@GLIBC_2.3.3");
__asm__(".symver pthread_setname_np, pthread_setname_np@GLIBC_2.12");
#else
__asm__(".symver pthread_condattr_setclock, pthread_condattr_setclock@GLIBC_2.17");
__asm__(".symver pthread_setname_np, pthread_setname_np@GLIBC_2.17");
#endif

#endif
