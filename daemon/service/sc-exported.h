/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How objects of the bus look in the answers of the list methods: their properties in kebab-case,
 * and their path.
 */
#pragma once

#include <gio/gio.h>

/** sc_kebab_case: (transfer full): "CurrentDeployment" to "current-deployment" */
char *sc_kebab_case (const char *name);

/** sc_exported_to_dict: (transfer floating): a{sv}: all properties of @interface and "path" (o) */
GVariant *sc_exported_to_dict (GDBusInterfaceSkeleton *interface, const char *path);
