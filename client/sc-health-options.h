/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The options --health-… of verbs that make deployments, with the names that they have elsewhere.
 */
#pragma once

#include <glib.h>

/** sc_health_option_entries: to be given to the parser of a verb, beside its own */
extern const GOptionEntry sc_health_option_entries[];

extern gboolean sc_health_unset;

/** SC_HEALTH_UNSET_OPTION: --unset-health, of verbs that change what was said before */
#define SC_HEALTH_UNSET_OPTION                                                                     \
  {                                                                                                \
    "unset-health", 0, 0, G_OPTION_ARG_NONE, &sc_health_unset,                                     \
        "Leave the health check to the image again", NULL                                          \
  }

/** sc_health_options_given: whether there is anything to add */
gboolean sc_health_options_given (void);

/**
 * sc_health_options_add:
 * @options: of an a{sv}
 *
 * Adds "health" and "unset-health" when any was given; INVALID_ARGUMENT.
 */
gboolean sc_health_options_add (GVariantBuilder *options, GError **error);
