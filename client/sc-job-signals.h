/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Signals to this program that are meant for the one that a job runs.
 */
#pragma once

#include "sc-client.h"

typedef struct _ScJobSignals ScJobSignals;

/** ScUnheardFunc: a signal that ends programs came before there was one, or after */
typedef void (*ScUnheardFunc) (gpointer user_data);

/**
 * sc_job_signals_new:
 * @job: path, lent
 *
 * From now on SIGHUP, SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 go to the program, as soon as the default
 * main context runs.
 */
ScJobSignals *
sc_job_signals_new (ScClient *client, const char *job, ScUnheardFunc unheard, gpointer user_data);
void sc_job_signals_free (ScJobSignals *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScJobSignals, sc_job_signals_free)
