/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a container may do on the host beyond computing by itself, as stable words: "KIND:…", e.g.
 * "capability:CAP_NET_ADMIN" or "bind:/etc:rw", each with a class of risk. The words are an
 * interface: rules and scripts compare them.
 */
#pragma once

#include <glib.h>

typedef enum
{
  SC_RISK_LOW, /* the container's own, or what every container has: never in the way of an update */
  SC_RISK_MEDIUM, /* reaches something of the host */
  SC_RISK_HIGH,   /* as good as root on the host */
} ScRisk;

typedef struct
{
  char *word; /* (owned) */
  ScRisk risk;
} ScPrivilege;

/** sc_risk_name: "low", "medium" or "high" */
const char *sc_risk_name (ScRisk risk);

/** sc_privilege_list_new: (transfer full): for ScPrivilege */
GPtrArray *sc_privilege_list_new (void);

/** sc_privilege_list_add: the word is @format, each only once; parts that an image wrote are to be
 * given as they are: the word is made safe to be shown */
void sc_privilege_list_add (GPtrArray *self, ScRisk risk, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/** sc_privilege_list_sort: greatest risk first, then by word */
void sc_privilege_list_sort (GPtrArray *self);

/**
 * sc_privilege_list_gains:
 *
 * Returns: (transfer full): what @to has of at least medium risk that @from does not have: neither
 *   the word nor a wider one, e.g. the same path writable, or a directory above it
 */
GPtrArray *sc_privilege_list_gains (GPtrArray *from, GPtrArray *to);

/**
 * sc_privilege_list_without:
 * @accepted: words; "*" is every one
 *
 * Returns: (transfer full): those that are not accepted
 */
GPtrArray *sc_privilege_list_without (GPtrArray *self, const char *const *accepted);

/** sc_privilege_list_join: (transfer full): the words, for a message */
char *sc_privilege_list_join (GPtrArray *self);

/** sc_privilege_list_to_variant: (transfer floating): aa{sv}: "word" (s), "risk" (s) */
GVariant *sc_privilege_list_to_variant (GPtrArray *self);
