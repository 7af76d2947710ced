/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-options.h"

#include "base/sc-error-util.h"

#include <string.h>

struct _ScOptions
{
  const char *method; /* static */
  GHashTable *values; /* (owned) char* to GVariant */
};

static const ScOptionSpec *
find_spec (const ScOptionSpec *specs, const char *key)
{
  for (const ScOptionSpec *spec = specs; spec->key != NULL; spec++)
    if (strcmp (spec->key, key) == 0)
      return spec;
  return NULL;
}

static gboolean
take_option (
    ScOptions *self, const ScOptionSpec *specs, const char *key, GVariant *value, GError **error)
{
  const ScOptionSpec *spec = find_spec (specs, key);
  if (spec == NULL)
    {
      g_autofree char *escaped = sc_text_escape (key);

      return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                           "%s does not know the option \"%s\"", self->method, escaped);
    }
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE (spec->type)))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "option \"%s\" of %s must be of the type \"%s\", not \"%.32s\"", spec->key,
                         self->method, spec->type, g_variant_get_type_string (value));
  if (!g_hash_table_insert (self->values, (gpointer)spec->key, g_variant_ref (value)))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "option \"%s\" of %s was given twice", spec->key, self->method);
  return TRUE;
}

ScOptions *
sc_options_parse (const char *method,
                  const ScOptionSpec *specs,
                  GVariant *dictionary,
                  GError **error)
{
  g_return_val_if_fail (g_variant_is_of_type (dictionary, G_VARIANT_TYPE_VARDICT), NULL);

  g_autoptr (ScOptions) self = g_new0 (ScOptions, 1);
  self->method = method;
  self->values
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)g_variant_unref);

  GVariantIter iter;
  g_variant_iter_init (&iter, dictionary);
  for (;;)
    {
      g_autoptr (GVariant) value = NULL;
      const char *key = NULL;

      if (!g_variant_iter_next (&iter, "{&sv}", &key, &value))
        return g_steal_pointer (&self);
      if (!take_option (self, specs, key, value, error))
        return NULL;
    }
}

void
sc_options_free (ScOptions *self)
{
  g_hash_table_unref (self->values);
  g_free (self);
}

gboolean
sc_options_get_bool (const ScOptions *self, const char *key, gboolean fallback)
{
  GVariant *value = g_hash_table_lookup (self->values, key);

  return value != NULL ? g_variant_get_boolean (value) : fallback;
}

const char *
sc_options_get_string (const ScOptions *self, const char *key)
{
  GVariant *value = g_hash_table_lookup (self->values, key);

  return value != NULL ? g_variant_get_string (value, NULL) : NULL;
}

gboolean
sc_options_get_handle (const ScOptions *self, const char *key, gint32 *handle)
{
  GVariant *value = g_hash_table_lookup (self->values, key);

  if (value != NULL)
    *handle = g_variant_get_handle (value);
  return value != NULL;
}

GHashTable *
sc_options_get_handle_map (const ScOptions *self, const char *key)
{
  GVariant *value = g_hash_table_lookup (self->values, key);
  GVariantIter iter;
  const char *name;
  gint32 handle;

  if (value == NULL)
    return NULL;
  GHashTable *map = g_hash_table_new (g_str_hash, g_str_equal);
  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "{&sh}", &name, &handle))
    g_hash_table_replace (map, (gpointer)name, GINT_TO_POINTER (handle));
  return map;
}

const gint32 *
sc_options_get_handles (const ScOptions *self, const char *key, gsize *n)
{
  GVariant *value = g_hash_table_lookup (self->values, key);

  return value != NULL ? g_variant_get_fixed_array (value, n, sizeof (gint32)) : NULL;
}

const char **
sc_options_get_strv (const ScOptions *self, const char *key)
{
  GVariant *value = g_hash_table_lookup (self->values, key);

  return value != NULL ? g_variant_get_strv (value, NULL) : NULL;
}

GVariant *
sc_options_get_dict (const ScOptions *self, const char *key)
{
  GVariant *value = g_hash_table_lookup (self->values, key);

  return value != NULL ? g_variant_ref (value) : NULL;
}

gboolean
sc_options_get_uint64 (const ScOptions *self, const char *key, guint64 *out)
{
  GVariant *value = g_hash_table_lookup (self->values, key);

  if (value == NULL)
    return FALSE;
  *out = g_variant_get_uint64 (value);
  return TRUE;
}

guint32
sc_options_get_uint32 (const ScOptions *self, const char *key, guint32 fallback)
{
  GVariant *value = g_hash_table_lookup (self->values, key);

  return value != NULL ? g_variant_get_uint32 (value) : fallback;
}

GHashTable *
sc_options_read_map (const char *what, GVariant *dictionary, GError **error)
{
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GVariantIter iter;
  const char *name;
  const char *text;

  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_next (&iter, "{&s&s}", &name, &text))
    if (!g_hash_table_insert (table, g_strdup (name), g_strdup (text)))
      {
        g_autofree char *escaped = sc_text_escape (name);

        sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "%s has \"%s\" twice", what, escaped);
        return NULL;
      }
  return g_steal_pointer (&table);
}

gboolean
sc_options_get_map (const ScOptions *self, const char *key, GHashTable **map, GError **error)
{
  GVariant *value = g_hash_table_lookup (self->values, key);
  g_autofree char *what = g_strdup_printf ("option \"%s\" of %s", key, self->method);

  *map = value != NULL ? sc_options_read_map (what, value, error) : NULL;
  return value == NULL || *map != NULL;
}
