/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The template language of system images: $NAME, ${NAME} and $$, a single pass, nothing else
 * (Python's string.Template, strict). What a value may hold and how it is escaped depends on where
 * it goes.
 */
#pragma once

#include <glib.h>

typedef enum
{
  SC_TEMPLATE_JSON,     /* inside a JSON string: escaped as its text; outside: pasted raw */
  SC_TEMPLATE_UNIT,     /* "%" of caller-set values doubled; control characters refused */
  SC_TEMPLATE_TMPFILES, /* as SC_TEMPLATE_UNIT */
  SC_TEMPLATE_TEXT,     /* pasted; control characters refused */
} ScTemplateContext;

#define SC_TEMPLATE_MAX_BYTES (1024 * 1024)

/** ScValues: template variables; a value is ours (a built-in), the image's default or the caller's
 */
typedef enum
{
  SC_VALUE_BUILTIN,
  SC_VALUE_DEFAULT,
  SC_VALUE_SET,
  SC_VALUE_SECRET, /* the caller's too, for strings of config.json only */
} ScValueOrigin;

typedef struct _ScValues ScValues;

ScValues *sc_values_new (void);
void sc_values_free (ScValues *self);
/** sc_values_set: a later call for the same name wins */
void sc_values_set (ScValues *self, const char *name, const char *value, ScValueOrigin origin);
const char *sc_values_get (const ScValues *self, const char *name);
/** sc_values_is_secret: */
gboolean sc_values_is_secret (const ScValues *self, const char *name);
/** sc_values_names: (transfer container): sorted */
const char **sc_values_names (const ScValues *self);
/** sc_values_name_is_valid: [_A-Za-z][_A-Za-z0-9]*, at most 255 bytes */
gboolean sc_values_name_is_valid (const char *name);

/**
 * sc_template_expand:
 * @file: name for messages
 *
 * Returns: (transfer full) (nullable): VALUE_MISSING with "line N" and the text "unreplaced value
 * for: ''NAME''";
 *   TEMPLATE_INVALID for another use of "$", NUL, invalid UTF-8, a value that the context refuses
 */
char *sc_template_expand (const char *file,
                          GBytes *text,
                          ScTemplateContext context,
                          const ScValues *values,
                          GError **error);

/** sc_template_variables: (transfer full): sorted unique names used in @text; the template must be
 * valid */
char **sc_template_variables (const char *file, GBytes *text, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScValues, sc_values_free)
