/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What syscontctl prints: tables for people, one JSON object for programs, sizes and times. Text
 * from outside never reaches a terminal with control characters in it.
 */
#pragma once

#include <gio/gio.h>

/** ScTable: columns that are as wide as their widest cell, two spaces apart */
typedef struct _ScTable ScTable;

/** sc_table_new: @headings: NULL-terminated */
ScTable *sc_table_new (const char *const *headings);
void sc_table_free (ScTable *self);
/** sc_table_add: @cells: (transfer full) as many as there are headings; each is made safe */
void sc_table_add (ScTable *self, char **cells);
/** sc_table_to_text: (transfer full): without trailing spaces; no headings when @quiet: then the
 * first column only */
char *sc_table_to_text (ScTable *self, gboolean quiet);

/** sc_print_json: prints {"version":1,@member:@value}; @value: (transfer floating) dictionaries and
 * arrays of them */
void sc_print_json (const char *member, GVariant *value);

/** sc_safe_text: (transfer full): control characters and invalid UTF-8 as \xNN */
char *sc_safe_text (const char *text);

/** sc_format_time: (transfer full): @time_usec since the epoch, local time; "-" for 0 */
char *sc_format_time (guint64 time_usec);

/** sc_short_digest: (transfer full): the first 12 hex digits */
char *sc_short_digest (const char *digest);

/* Members of an a{sv}; "" or 0 when missing. Strings: (transfer full). */
char *sc_dict_string (GVariant *dict, const char *key);
guint64 sc_dict_uint (GVariant *dict, const char *key);
gboolean sc_dict_bool (GVariant *dict, const char *key);
/** sc_dict_joined: an array of strings, joined by ", " */
char *sc_dict_joined (GVariant *dict, const char *key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScTable, sc_table_free)
