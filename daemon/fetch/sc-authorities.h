/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The authorities of the system, read when a certificate is to be checked with them. GIO would read
 * them for each process that may come to use TLS, and once more for credentials of connections in
 * which nobody looks: together that is half of what it takes to ask a registry for a manifest.
 */
#pragma once

#include <gio/gio.h>

/** sc_authorities_new: (transfer full): for g_tls_backend_set_default_database() */
GTlsDatabase *sc_authorities_new (void);
