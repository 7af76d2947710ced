/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The connection of one run of syscontctl: calls to the service by its well-known name, with a
 * polkit agent where there is a terminal, and what the common options say. Functions that fail
 * print the reason and return an exit status.
 */
#pragma once

#include "dbus/sc-bus-names.h"
#include "dbus/sc-error.h"

#include <gio/gunixfdlist.h>

#define SC_EXIT_USAGE 2

typedef struct
{
  gboolean json;
  gboolean quiet;
  gboolean no_block;
  gboolean no_queue;
  gboolean no_ask_password;
  int unchanged_exit;   /* status of a run that changed nothing, 0 by default */
  GDBusConnection *bus; /* (owned) (nullable) before the first call */
  GSubprocess *agent;   /* (owned) (nullable) pkttyagent */
} ScClient;

void sc_client_clear (ScClient *self);

/**
 * sc_client_call:
 * @method: of org.syscont.Manager
 * @arguments: (transfer floating)
 * @fds: (nullable)
 *
 * Calls the service; starts a polkit agent first when that can help. Waits as long as a prompt is
 * open.
 *
 * Returns: (transfer full) (nullable): the reply; NULL with @error
 */
GVariant *sc_client_call (
    ScClient *self, const char *method, GVariant *arguments, GUnixFDList *fds, GError **error);

/** sc_client_run: a call whose reply has nothing to tell: exit status, the error printed */
int sc_client_run (ScClient *self, const char *method, GVariant *arguments);

/** sc_client_call_object: the same for another object and interface */
GVariant *sc_client_call_object (ScClient *self,
                                 const char *path,
                                 const char *interface,
                                 const char *method,
                                 GVariant *arguments,
                                 GError **error);

/** sc_client_get_properties: (transfer full): a{sv} of @interface at @path */
GVariant *
sc_client_get_properties (ScClient *self, const char *path, const char *interface, GError **error);

/** sc_client_print_error: on standard error, without what a terminal would obey */
void sc_client_print_error (const char *message);

/** sc_client_fail: prints @error and returns the exit status for it */
int sc_client_fail (const GError *error);

/** sc_client_usage_error: prints the message and where help is; returns SC_EXIT_USAGE */
int sc_client_usage_error (const char *format, ...) G_GNUC_PRINTF (1, 2);

/** sc_client_options: (transfer floating): a{sv} with what the common options say; @builder:
 * (nullable): more of them */
GVariant *sc_client_options (const ScClient *self, GVariantBuilder *builder);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScClient, sc_client_clear)
