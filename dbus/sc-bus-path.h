/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Object paths of the service, stable across restarts.
 */
#pragma once

#include <glib.h>

/** sc_bus_path_container: (transfer full): the name as a bus label, see sd_bus_path_encode(3) */
char *sc_bus_path_container (const char *name);
/** sc_bus_path_to_container: (transfer full): the name behind such a path; @path itself when it is
 * none */
char *sc_bus_path_to_container (const char *path);
/** sc_bus_path_image: (transfer full): @digest: "sha256:…"; its first 32 hex digits */
char *sc_bus_path_image (const char *digest);
/** sc_bus_path_job: (transfer full) */
char *sc_bus_path_job (guint64 id);
