/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How objects of the bus look in the answers of the list methods: their properties in kebab-case,
 * and their path.
 */
#pragma once

#include <gio/gio.h>

/** sc_kebab_case: (transfer full): "CurrentDeployment" to "current-deployment" */
char *sc_kebab_case (const char *name);

/**
 * sc_variant_compact:
 *
 * Makes one block of what was built from many values, which takes a tenth of the memory.
 *
 * Returns: (transfer none): @value
 */
GVariant *sc_variant_compact (GVariant *value);

/**
 * sc_exported_to_dict:
 *
 * The answer is kept with @interface until one of its properties changes.
 *
 * Returns: (transfer full): a{sv}: all properties of @interface and "path" (o)
 */
GVariant *sc_exported_to_dict (GDBusInterfaceSkeleton *interface, const char *path);
