/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files that make up the client of systemd share. Nobody outside host/ includes this.
 */
#pragma once

#include "host/sc-systemd.h"

#include <gio/gunixfdlist.h>

#define SC_SYSTEMD_BUS_NAME          "org.freedesktop.systemd1"
#define SC_SYSTEMD_MANAGER_PATH      "/org/freedesktop/systemd1"
#define SC_SYSTEMD_MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define SC_SYSTEMD_UNIT_INTERFACE    "org.freedesktop.systemd1.Unit"
#define SC_SYSTEMD_SERVICE_INTERFACE "org.freedesktop.systemd1.Service"

/** sc_systemd_call: (transfer full) (nullable) */
GVariant *sc_systemd_call (ScSystemd *self,
                           const char *path,
                           const char *interface,
                           const char *method,
                           GVariant *arguments,
                           const char *reply_type,
                           GCancellable *cancellable,
                           GError **error);

/** sc_systemd_get_all: (transfer full) (nullable): an a{sv} */
GVariant *sc_systemd_get_all (ScSystemd *self,
                              const char *path,
                              const char *interface,
                              GCancellable *cancellable,
                              GError **error);

/** sc_dup_property: (transfer full): a string of an a{sv}; "" when it has none of that name */
char *sc_dup_property (GVariant *properties, const char *name);

/** sc_systemd_call_with_fds: a method of systemd's manager */
GVariant *sc_systemd_call_with_fds (ScSystemd *self,
                                    const char *method,
                                    GVariant *arguments,
                                    GUnixFDList *fds,
                                    GCancellable *cancellable,
                                    GError **error);

/** sc_systemd_finish_job: waits for systemd's job; START_FAILED unless it succeeded; @timeout_s: 0
 * for as long as it takes */
gboolean sc_systemd_finish_job (
    ScSystemd *self, const char *job, guint timeout_s, GCancellable *cancellable, GError **error);
