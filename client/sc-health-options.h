/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The options --health-… of verbs that install, with the names that they have elsewhere.
 */
#pragma once

#include <glib.h>

/** sc_health_option_entries: to be given to the parser of a verb, beside its own */
extern const GOptionEntry sc_health_option_entries[];

/**
 * sc_health_options_add:
 * @options: of an a{sv}
 *
 * Adds "health" when any was given; FALSE with the mistake in @mistake (static).
 */
gboolean sc_health_options_add (GVariantBuilder *options, const char **mistake);
