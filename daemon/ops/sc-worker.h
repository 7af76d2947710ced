/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One running worker: a unit that systemd made for our connection to its socket. Whoever answers
 * must prove by its invocation id that it is that unit; a worker that breaks the protocol is
 * killed.
 */
#pragma once

#include "host/sc-systemd.h"
#include "image/sc-record.h"
#include "ops/sc-op.h"

typedef struct _ScWorker ScWorker;

/**
 * sc_worker_connect:
 * @kind: "fetch" or "unpack"
 *
 * Connects to the worker's socket, which makes systemd start it; does not wait for it.
 */
ScWorker *sc_worker_connect (const ScPaths *paths, const char *kind, GError **error);

/**
 * sc_worker_greet:
 * @systemd: lent until sc_worker_free()
 *
 * Waits for the worker's first record and checks that it is the unit that it should be. From then
 * on @cancellable ends the connection when it is cancelled, which ends the worker.
 */
gboolean
sc_worker_greet (ScWorker *self, ScSystemd *systemd, GCancellable *cancellable, GError **error);

ScChannel *sc_worker_get_channel (ScWorker *self);

/**
 * sc_worker_set_death:
 *
 * To be called when the connection ended although an answer was due: sets an error that says why
 * systemd thinks the worker ended (LIMIT_EXCEEDED for memory and time, CANCELLED when that is why).
 *
 * Returns: always FALSE
 */
gboolean sc_worker_set_death (ScWorker *self, GCancellable *cancellable, GError **error);

/**
 * sc_worker_receive:
 * @channel: one whose other end the worker has
 *
 * Waits for a record that is due. An end of the channel is an error: sc_worker_set_death().
 */
gboolean sc_worker_receive (ScWorker *self,
                            ScChannel *channel,
                            ScRecord *record,
                            GCancellable *cancellable,
                            GError **error);

/** sc_worker_kill: for one that broke the protocol */
void sc_worker_kill (ScWorker *self);

/** sc_worker_free: closes the connection, on which the worker exits */
void sc_worker_free (ScWorker *self);

/** sc_worker_read_error: turns a received SC_RECORD_ERROR into @error; @request is checked.
 * Returns: always FALSE */
gboolean sc_worker_read_error (ScRecord *record, guint32 request, GError **error);

#define SC_WORKER_PIPE_BYTES (1024 * 1024) /* with the default of 64 KiB a pull takes 40 % longer */

/**
 * sc_worker_make_pipe:
 * @read_fd, @write_fd: (out): both blocking
 *
 * A pipe of SC_WORKER_PIPE_BYTES: made on our side, because a worker may not make it so large.
 */
gboolean sc_worker_make_pipe (int *read_fd, int *write_fd, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScWorker, sc_worker_free)
