/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-side.h"

#include "base/sc-text-diff.h"
#include "deploy/sc-deployment-files.h"
#include "deploy/sc-secrets.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define MIN_VALUE_BYTES 4 /* shorter ones are everywhere, and nothing to hide */

/* A value and how it may be written in a text. */
typedef struct
{
  const char *name;
  char *texts[3]; /* (owned) plain, in JSON, in a unit */
} Hidden;

static void
hidden_free (gpointer data)
{
  Hidden *self = data;

  for (guint i = 0; i < G_N_ELEMENTS (self->texts); i++)
    g_free (self->texts[i]);
  g_free (self);
}

gboolean
sc_side_load (
    ScSide *self, const ScPaths *paths, const ScContainer *container, guint64 n, GError **error)
{
  const ScDeploymentRecord *record = sc_container_find (container, n);
  if (record == NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND,
                         "there is no deployment %" G_GUINT64_FORMAT, n);
  g_autoptr (GBytes) config
      = sc_deployment_read_file_of (paths, container->name, n, "config.json", error);
  if (config == NULL || !sc_deployment_load_texts (paths, container->name, n, &self->texts, error))
    return FALSE;
  self->secrets = sc_secrets_load (paths, container->name, n, error);
  if (self->secrets == NULL)
    return FALSE;

  gsize size_bytes = 0;
  const char *data = g_bytes_get_data (config, &size_bytes);
  self->config = g_strndup (data, size_bytes);
  self->health = sc_health_to_text (record->health);
  if (record->health != NULL && self->texts.service != NULL)
    self->texts.timer = sc_health_timer_text (record->health, container->name);
  self->values = g_hash_table_ref (record->values);
  return TRUE;
}

void
sc_side_take (ScSide *self, const ScRendering *rendering, GHashTable *values, GHashTable *secrets)
{
  self->config = g_strdup (rendering->config_json);
  sc_unit_texts_copy (&self->texts, &rendering->texts);
  self->health = sc_health_to_text (rendering->health);
  self->values = g_hash_table_ref (values);
  self->secrets = secrets != NULL ? g_hash_table_ref (secrets) : NULL;
}

void
sc_side_clear (ScSide *self)
{
  g_clear_pointer (&self->config, g_free);
  sc_unit_texts_clear (&self->texts);
  g_clear_pointer (&self->health, g_free);
  g_clear_pointer (&self->values, g_hash_table_unref);
  g_clear_pointer (&self->secrets, g_hash_table_unref);
}

static char *
quote_json (const char *text)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), text);
  char *quoted = json_to_string (node, FALSE);
  gsize length = strlen (quoted);

  memmove (quoted, quoted + 1, length - 2);
  quoted[length - 2] = '\0';
  return quoted;
}

static char *
double_percent (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "%", -1);

  return g_strjoinv ("%%", parts);
}

static void
add_hidden (GPtrArray *list, GHashTable *values, gsize min_bytes)
{
  GHashTableIter iter;
  gpointer name = NULL;
  gpointer value = NULL;

  if (values == NULL)
    return;
  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      if (strlen (value) < min_bytes)
        continue;
      Hidden *hidden = g_new0 (Hidden, 1);
      hidden->name = name;
      hidden->texts[0] = quote_json (value);
      hidden->texts[1] = double_percent (value);
      hidden->texts[2] = g_strdup (value);
      g_ptr_array_add (list, hidden);
    }
}

/* One may be a part of another. */
static int
compare_hidden (gconstpointer a, gconstpointer b)
{
  const Hidden *first = *(Hidden *const *)a;
  const Hidden *second = *(Hidden *const *)b;
  gsize n = strlen (first->texts[2]);
  gsize m = strlen (second->texts[2]);

  return n != m ? (n > m ? -1 : 1) : strcmp (first->name, second->name);
}

static char *
hide (const char *text, GPtrArray *list)
{
  g_autoptr (GString) hidden = g_string_new (text);

  if (text == NULL)
    return NULL;
  for (guint i = 0; i < list->len; i++)
    {
      const Hidden *entry = list->pdata[i];
      g_autofree char *shown = g_strdup_printf ("[%s]", entry->name);
      for (guint j = 0; j < G_N_ELEMENTS (entry->texts); j++)
        g_string_replace (hidden, entry->texts[j], shown, 0);
    }
  return g_string_free (g_steal_pointer (&hidden), FALSE);
}

void
sc_side_add_row (
    GVariantBuilder *rows, const char *kind, const char *action, const char *name, const char *diff)
{
  g_variant_builder_open (rows, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (rows, "{sv}", "kind", g_variant_new_string (kind));
  g_variant_builder_add (rows, "{sv}", "action", g_variant_new_string (action));
  g_variant_builder_add (rows, "{sv}", "name", g_variant_new_string (name));
  if (diff != NULL)
    g_variant_builder_add (rows, "{sv}", "diff", g_variant_new_string (diff));
  g_variant_builder_close (rows);
}

static const char *
action_of (const char *before, const char *after)
{
  if (before == NULL)
    return "create";
  return after == NULL ? "remove" : "change";
}

typedef struct
{
  const char *kind;
  const char *name;
  const char *before; /* (nullable) */
  const char *after;  /* (nullable) */
} Pair;

static void
compare_pair (const Pair *pair, GPtrArray *list, GVariantBuilder *rows)
{
  g_autofree char *before = hide (pair->before, list);
  g_autofree char *after = hide (pair->after, list);
  g_autofree char *diff = sc_text_diff (before, after);

  if (diff == NULL)
    return;
  g_autofree char *valid = g_utf8_make_valid (diff, -1);
  sc_side_add_row (rows, pair->kind, action_of (pair->before, pair->after), pair->name,
                   pair->after != NULL ? valid : NULL);
}

static const char *
find_value (GHashTable *values, const char *name)
{
  return values != NULL ? g_hash_table_lookup (values, name) : NULL;
}

static void
compare_values (const char *kind, GHashTable *before, GHashTable *after, GVariantBuilder *rows)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTable *const tables[] = { before, after };
  GHashTableIter iter;
  gpointer name = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    {
      if (tables[i] == NULL)
        continue;
      g_hash_table_iter_init (&iter, tables[i]);
      while (g_hash_table_iter_next (&iter, &name, NULL))
        g_hash_table_add (names, name);
    }
  g_autoptr (GList) sorted = g_list_sort (g_hash_table_get_keys (names), (GCompareFunc)strcmp);
  for (GList *l = sorted; l != NULL; l = l->next)
    {
      const char *old = find_value (before, l->data);
      const char *new = find_value (after, l->data);
      if (g_strcmp0 (old, new) != 0)
        sc_side_add_row (rows, kind, action_of (old, new), l->data, NULL);
    }
}

void
sc_side_compare (const ScSide *before, const ScSide *after, const char *name, GVariantBuilder *rows)
{
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (hidden_free);
  g_autofree char *unit = g_strconcat (name, ".service", NULL);
  const Pair pairs[] = {
    { "config", "config.json", before->config, after->config },
    { "unit", unit, before->texts.service, after->texts.service },
    { "drop-in", "50-syscont.conf", before->texts.drop_in, after->texts.drop_in },
    { "tmpfiles", "tmpfiles.d", before->texts.tmpfiles, after->texts.tmpfiles },
    { "timer", "health", before->texts.timer, after->texts.timer },
    { "health", "check", before->health, after->health },
  };
  const ScSide *const sides[] = { before, after };

  for (guint i = 0; i < G_N_ELEMENTS (sides); i++)
    {
      add_hidden (list, sides[i]->values, MIN_VALUE_BYTES);
      add_hidden (list, sides[i]->secrets, 1);
    }
  g_ptr_array_sort (list, compare_hidden);
  compare_values ("value", before->values, after->values, rows);
  compare_values ("secret", before->secrets, after->secrets, rows);
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    compare_pair (&pairs[i], list, rows);
}
