/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-update-values.h"

#include "deploy/sc-secrets.h"

/* @from: (nullable) */
static void
put_all (GHashTable *values, GHashTable *from)
{
  GHashTableIter iter;
  gpointer name, value;

  if (from == NULL)
    return;
  g_hash_table_iter_init (&iter, from);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_replace (values, g_strdup (name), g_strdup (value));
}

/* @names: (nullable): only they count */
static void
remove_all (GHashTable *values, GHashTable *names)
{
  GHashTableIter iter;
  gpointer name;

  if (names == NULL)
    return;
  g_hash_table_iter_init (&iter, names);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_hash_table_remove (values, name);
}

static void
unset (GHashTable *values, const ScUpdateRequest *request)
{
  for (guint i = 0; request->unset != NULL && request->unset[i] != NULL; i++)
    g_hash_table_remove (values, request->unset[i]);
}

GHashTable *
sc_update_merge_values (const ScContainer *before,
                        const ScUpdateRequest *request,
                        GHashTable *secrets)
{
  GHashTable *values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  put_all (values, before->set_values);
  put_all (values, request->set);
  unset (values, request);
  remove_all (values, secrets);
  return values;
}

GHashTable *
sc_update_merge_secrets (GHashTable *current, const ScUpdateRequest *request, GHashTable *secrets)
{
  GHashTable *merged = sc_secrets_new ();

  put_all (merged, current);
  remove_all (merged, request->set);
  unset (merged, request);
  put_all (merged, secrets);
  return merged;
}

ScHealth *
sc_update_merge_health (const ScContainer *before, const ScUpdateRequest *request)
{
  return sc_health_merge (request->unset_health ? NULL : before->health, request->health);
}
