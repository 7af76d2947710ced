/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What --set gives, as the service takes it.
 */
#pragma once

#include <gio/gio.h>

/** sc_values_add: @values: (nullable): each KEY=VALUE; FALSE when one is not */
gboolean sc_values_add (char **values, GVariantBuilder *options);
