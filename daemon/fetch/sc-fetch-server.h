/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The worker's side of the protocol (image/sc-record.h): takes requests from the control socket and
 * answers each when it is done, in whatever order that happens. A failed request is an answer; a
 * broken protocol is the end.
 */
#pragma once

#include "fetch/sc-retry.h"

typedef struct _ScFetchServer ScFetchServer;

typedef struct
{
  int fd;                      /* (transfer full) the control socket, blocking */
  const char *invocation_id;   /* (nullable) of the worker's unit */
  const ScRetryPolicy *policy; /* lent */
  GProxyResolver *proxy;
} ScFetchServerSetup;

ScFetchServer *sc_fetch_server_new (const ScFetchServerSetup *setup);

/**
 * sc_fetch_server_run:
 *
 * Greets, and serves in the thread-default main context until the peer closes the socket. What is
 * still under way then is cancelled.
 *
 * Returns: FALSE when the protocol was broken
 */
gboolean sc_fetch_server_run (ScFetchServer *self, GError **error);
void sc_fetch_server_free (ScFetchServer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScFetchServer, sc_fetch_server_free)
