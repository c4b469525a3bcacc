/* What the functions that are exported to JavaScript share. */
#ifndef FORKEXEC_ADDON_H
#define FORKEXEC_ADDON_H

#include "instance.h"
#include "js.h"
#include "protocol.h"

/* All of these: the JavaScript thread; none blocks. */

/* The memory of the mailbox and how many rows it holds; 0 before `initialize`. */
size_t addon_mailbox(napi_env env, struct instance *instance, double **rows);
/* Hands over the signals that wait, before their turn. */
void addon_dispatch_signals(napi_env env);

extern const struct js_export bind_call_exports[], bind_channel_exports[], bind_child_exports[],
    bind_lock_exports[], bind_process_exports[], bind_signal_exports[], bind_socket_exports[];
#ifdef FORKEXEC_FAILPOINTS
extern const struct js_export bind_failpoint_exports[];
#endif

#endif
