/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"

#include <json-glib/json-glib.h>
#include <string.h>

struct _ScTable
{
  guint n_columns;
  GPtrArray *rows; /* (owned) of char**, the headings first */
};

char *
sc_safe_text (const char *text)
{
  GString *safe = g_string_new (NULL);

  for (const char *p = text; *p != '\0';)
    {
      gunichar c = g_utf8_get_char_validated (p, -1);
      gboolean valid = c != (gunichar)-1 && c != (gunichar)-2;

      if (valid && (g_unichar_isprint (c) || c == ' '))
        g_string_append_unichar (safe, c);
      else
        for (const char *end = valid ? g_utf8_next_char (p) : p + 1; p < end; p++)
          g_string_append_printf (safe, "\\x%02x", (guint8)*p);
      if (valid && (g_unichar_isprint (c) || c == ' '))
        p = g_utf8_next_char (p);
    }
  return g_string_free (safe, FALSE);
}

ScTable *
sc_table_new (const char *const *headings)
{
  ScTable *self = g_new0 (ScTable, 1);

  self->n_columns = g_strv_length ((char **)headings);
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_strfreev);
  g_ptr_array_add (self->rows, g_strdupv ((char **)headings));
  return self;
}

void
sc_table_free (ScTable *self)
{
  g_ptr_array_unref (self->rows);
  g_free (self);
}

void
sc_table_add (ScTable *self, char **cells)
{
  g_return_if_fail (g_strv_length (cells) == self->n_columns);

  for (guint i = 0; i < self->n_columns; i++)
    {
      char *safe = sc_safe_text (cells[i]);
      g_free (cells[i]);
      cells[i] = safe;
    }
  g_ptr_array_add (self->rows, cells);
}

static glong
column_width (const ScTable *self, guint column)
{
  glong width = 0;

  for (guint i = 0; i < self->rows->len; i++)
    {
      char **cells = self->rows->pdata[i];
      width = MAX (width, g_utf8_strlen (cells[column], -1));
    }
  return width;
}

static void
append_row (const ScTable *self, GString *text, char **cells)
{
  for (guint i = 0; i < self->n_columns; i++)
    {
      g_string_append (text, cells[i]);
      if (i + 1 < self->n_columns)
        for (glong n = g_utf8_strlen (cells[i], -1); n < column_width (self, i) + 2; n++)
          g_string_append_c (text, ' ');
    }
  while (text->len > 0 && text->str[text->len - 1] == ' ')
    g_string_truncate (text, text->len - 1);
  g_string_append_c (text, '\n');
}

char *
sc_table_to_text (ScTable *self, gboolean quiet)
{
  GString *text = g_string_new (NULL);

  for (guint i = quiet ? 1 : 0; i < self->rows->len; i++)
    {
      char **cells = self->rows->pdata[i];
      if (quiet)
        g_string_append_printf (text, "%s\n", cells[0]);
      else
        append_row (self, text, cells);
    }
  return g_string_free (text, FALSE);
}

void
sc_print_json (const char *member, GVariant *value)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (value);
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_int_member (object, "version", 1);
  json_object_set_member (object, member, json_gvariant_serialize (owned));
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = json_to_string (node, FALSE);
  g_print ("%s\n", text);
}

char *
sc_format_time (guint64 time_usec)
{
  if (time_usec == 0)
    return g_strdup ("-");

  g_autoptr (GDateTime) time
      = g_date_time_new_from_unix_local ((gint64)(time_usec / G_USEC_PER_SEC));
  return time != NULL ? g_date_time_format (time, "%F %T") : g_strdup ("-");
}

char *
sc_short_digest (const char *digest)
{
  const char *hex = strchr (digest, ':');

  return g_strndup (hex != NULL ? hex + 1 : digest, 12);
}

char *
sc_dict_string (GVariant *dict, const char *key)
{
  const char *value = "";

  if (!g_variant_lookup (dict, key, "&s", &value))
    g_variant_lookup (dict, key, "&o", &value);
  return g_strdup (value);
}

guint64
sc_dict_uint (GVariant *dict, const char *key)
{
  guint64 value = 0;
  guint32 small = 0;

  if (g_variant_lookup (dict, key, "t", &value))
    return value;
  g_variant_lookup (dict, key, "u", &small);
  return small;
}

gboolean
sc_dict_bool (GVariant *dict, const char *key)
{
  gboolean value = FALSE;

  g_variant_lookup (dict, key, "b", &value);
  return value;
}

char *
sc_dict_joined (GVariant *dict, const char *key)
{
  g_auto (GStrv) values = NULL;

  if (!g_variant_lookup (dict, key, "^as", &values)
      && !g_variant_lookup (dict, key, "^ao", &values))
    return g_strdup ("");
  return g_strjoinv (", ", values);
}
