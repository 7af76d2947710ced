/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The part of sc-secrets.h that keeps secrets out of what is rendered: a word of chance stands for
 * each until config.json is written.
 */
#include "base/sc-json.h"
#include "deploy/sc-secrets.h"

#include <string.h>

typedef struct
{
  char *name;        /* (owned) */
  char *word;        /* (owned) nothing that JSON would escape */
  const char *value; /* lent */
} Entry;

struct _ScConcealed
{
  GPtrArray *entries; /* (owned) of Entry */
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->name);
  g_free (entry->word);
  g_free (entry);
}

ScConcealed *
sc_conceal (ScValues *values, GHashTable *secrets)
{
  ScConcealed *self = g_new0 (ScConcealed, 1);
  GHashTableIter iter;
  gpointer name, value;

  self->entries = g_ptr_array_new_with_free_func (entry_free);
  if (secrets == NULL)
    return self;
  g_hash_table_iter_init (&iter, secrets);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      g_autofree char *uuid = g_uuid_string_random ();
      Entry *entry = g_new0 (Entry, 1);
      entry->name = g_strdup (name);
      entry->word = g_strconcat ("secret-", uuid, NULL);
      entry->value = value;
      g_ptr_array_add (self->entries, entry);
      sc_values_set (values, name, entry->word, SC_VALUE_SECRET);
    }
  return self;
}

void
sc_concealed_free (ScConcealed *self)
{
  g_ptr_array_unref (self->entries);
  g_free (self);
}

gboolean
sc_concealed_check (const ScConcealed *self, const char *what, const char *text, GError **error)
{
  for (guint i = 0; text != NULL && i < self->entries->len; i++)
    {
      const Entry *entry = self->entries->pdata[i];
      if (strstr (text, entry->word) != NULL)
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "config.json.template: %s would show the secret \"%s\"; use it where "
                             "nothing on the host depends on it, e.g. in process.env",
                             what, entry->name);
    }
  return TRUE;
}

/* As it stands between the quotes of a JSON string. */
static char *
escape (const char *text)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), text);
  g_autofree char *quoted = sc_json_to_text (node, FALSE);

  return g_strndup (quoted + 1, strlen (quoted) - 2);
}

char *
sc_concealed_reveal (const ScConcealed *self, const char *json)
{
  g_autoptr (GString) text = g_string_new (json);

  for (guint i = 0; i < self->entries->len; i++)
    {
      const Entry *entry = self->entries->pdata[i];
      g_autofree char *escaped = escape (entry->value);
      g_string_replace (text, entry->word, escaped, 0);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}
