/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a user agrees to on the command line beforehand, and how the privileges of a container are
 * shown to him.
 */
#pragma once

#include <glib.h>

/* Set by the options below. */
extern gboolean sc_terms_accept_all;
extern char **sc_terms_accepted; /* (nullable) */
extern char *sc_terms_plan_id;   /* (nullable) */

/** SC_TERMS_ACCEPT_OPTION: --accept-privilege=PRIVILEGE, any number of times */
#define SC_TERMS_ACCEPT_OPTION(description)                                                        \
  {                                                                                                \
    "accept-privilege", 0, 0, G_OPTION_ARG_STRING_ARRAY, &sc_terms_accepted, description,          \
        "PRIVILEGE"                                                                                \
  }

/** SC_TERMS_ACCEPT_ALL_OPTION: --accept-privileges */
#define SC_TERMS_ACCEPT_ALL_OPTION                                                                 \
  {                                                                                                \
    "accept-privileges", 0, 0, G_OPTION_ARG_NONE, &sc_terms_accept_all,                            \
        "Let it gain whatever it gains", NULL                                                      \
  }

/** SC_TERMS_PLAN_OPTION: --plan-id=ID */
#define SC_TERMS_PLAN_OPTION                                                                       \
  {                                                                                                \
    "plan-id", 0, 0, G_OPTION_ARG_STRING, &sc_terms_plan_id,                                       \
        "Do what this plan has shown, or nothing", "ID"                                            \
  }

/** sc_terms_add: adds what was accepted to the options of a call */
void sc_terms_add (GVariantBuilder *options);

/** sc_terms_print_privileges: @privileges: (nullable) aa{sv}, greatest risk first; one line for each,
 * capabilities of the same risk on one; to standard error when @to_stderr */
void sc_terms_print_privileges (GVariant *privileges, gboolean to_stderr);
