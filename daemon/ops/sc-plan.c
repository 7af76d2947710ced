/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-plan.h"

#include "base/sc-fd.h"
#include "deploy/sc-privilege.h"
#include "ops/sc-op-private.h"
#include "ops/sc-retention.h"

#include <string.h>
#include <sys/random.h>

#define KEY_FILE  "plan-key"
#define KEY_BYTES 32

static GMutex key_lock;

void
sc_plan_clear (ScPlan *self)
{
  sc_side_clear (&self->from);
  sc_side_clear (&self->to);
  g_clear_pointer (&self->steps, g_ptr_array_unref);
}

void
sc_plan_add_step (ScPlan *self, const char *verb, const char *unit)
{
  if (self->steps == NULL)
    self->steps = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (self->steps, g_strdup_printf ("%s %s", verb, unit));
}

void
sc_plan_add_restarts (ScPlan *self, const ScChange *change)
{
  char **dependants = change->intent->dependants;

  if (!change->intent->was_active)
    return;
  sc_plan_add_step (self, "restart", change->unit);
  for (guint i = 0; dependants != NULL && dependants[i] != NULL; i++)
    sc_plan_add_step (self, "restart", dependants[i]);
}

static GBytes *
make_key (int state_fd, GError **error)
{
  guint8 key[KEY_BYTES];

  if (getrandom (key, sizeof key, 0) != (ssize_t)sizeof key)
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "no random numbers");
      return NULL;
    }
  return sc_fd_write_atomic (state_fd, KEY_FILE, key, sizeof key, 0600, error)
             ? g_bytes_new (key, sizeof key)
             : NULL;
}

/* Everybody may read an id, and values are a part of what it is made from: without a key a short one
 * could be guessed from it. */
static GBytes *
load_key (const ScPaths *paths, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&key_lock);
  g_autoptr (GError) cause = NULL;
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);
  if (state_fd < 0)
    return NULL;

  GBytes *key = sc_fd_read_file (state_fd, KEY_FILE, KEY_BYTES, &cause);
  if (key != NULL && g_bytes_get_size (key) == KEY_BYTES)
    return key;
  g_clear_pointer (&key, g_bytes_unref);
  return make_key (state_fd, error);
}

/* So that no two different plans are the same text. */
static void
put (GString *text, const char *what, const char *value)
{
  if (value != NULL)
    g_string_append_printf (text, "%s=%" G_GSIZE_FORMAT ":%s\n", what, strlen (value), value);
}

static void
put_number (GString *text, const char *what, gint64 number)
{
  g_string_append_printf (text, "%s=%" G_GINT64_FORMAT "\n", what, number);
}

static void
put_side (GString *text, const ScSide *side)
{
  put (text, "config", side->config);
  put (text, "service", side->texts.service);
  put (text, "drop-in", side->texts.drop_in);
  put (text, "tmpfiles", side->texts.tmpfiles);
  put (text, "timer", side->texts.timer);
  put (text, "health", side->health);
}

static void
put_entry (GString *text, const ScHostEntry *entry)
{
  put_number (text, "type", entry != NULL ? (gint64)entry->type : -1);
  if (entry == NULL)
    return;
  put (text, "path", entry->path);
  put (text, "checksum", entry->checksum);
  put (text, "target", entry->target);
  put_number (text, "mode", entry->mode);
}

static char *
describe (const ScPlan *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  put (text, "operation", self->operation);
  put (text, "container", self->container);
  put (text, "digest", self->digest);
  put (text, "reference", self->reference);
  put_number (text, "from",
              self->before != NULL ? (gint64)self->before->current : SC_NO_DEPLOYMENT);
  put_side (text, &self->from);
  put_side (text, &self->to);
  for (guint i = 0; self->host_changes != NULL && i < self->host_changes->len; i++)
    {
      const ScHostChange *change = self->host_changes->pdata[i];
      put_entry (text, change->old);
      put_entry (text, change->new);
    }
  for (guint i = 0; self->privileges != NULL && i < self->privileges->len; i++)
    put (text, "privilege", ((const ScPrivilege *)self->privileges->pdata[i])->word);
  for (guint i = 0; self->steps != NULL && i < self->steps->len; i++)
    put (text, "step", self->steps->pdata[i]);
  for (guint i = 0; i < G_N_ELEMENTS (self->hidden); i++)
    if (self->hidden[i] != NULL)
      g_string_replace (text, self->hidden[i], "", 0);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static char *
make_id (const ScPlan *self, const ScPaths *paths, GError **error)
{
  g_autoptr (GBytes) key = load_key (paths, error);
  g_autofree char *text = key != NULL ? describe (self) : NULL;

  return text != NULL ? g_compute_hmac_for_string (G_CHECKSUM_SHA256, g_bytes_get_data (key, NULL),
                                                   KEY_BYTES, text, -1)
                      : NULL;
}

static void
add_host_changes (const ScPlan *self, GVariantBuilder *rows)
{
  for (guint i = 0; self->host_changes != NULL && i < self->host_changes->len; i++)
    {
      const ScHostChange *change = self->host_changes->pdata[i];
      const ScHostEntry *entry = change->new != NULL ? change->new : change->old;
      g_autofree char *shown = sc_text_escape_max (entry->path, 5000);
      sc_side_add_row (rows, entry->type == SC_HOST_DIRECTORY ? "host-directory" : "host-file",
                       change->old == NULL   ? "create"
                       : change->new == NULL ? "remove"
                                             : "change",
                       shown, NULL);
    }
}

static void
add_missing (const ScContainer *from,
             const ScContainer *to,
             const char *action,
             GVariantBuilder *rows)
{
  for (guint i = 0; from != NULL && i < from->deployments->len; i++)
    {
      const ScDeploymentRecord *record = from->deployments->pdata[i];
      g_autofree char *name = g_strdup_printf ("%s.%" G_GUINT64_FORMAT, from->name, record->id);
      if (to == NULL || sc_container_find (to, record->id) == NULL)
        sc_side_add_row (rows, "deployment", action, name, NULL);
    }
}

static void
add_deployments (const ScPlan *self, const ScConfig *config, GVariantBuilder *rows)
{
  g_autoptr (ScContainer) kept = self->after != NULL ? sc_container_copy (self->after) : NULL;

  if (kept != NULL)
    sc_retention_trim (kept, config->keep_deployments);
  add_missing (kept, self->before, "create", rows);
  add_missing (self->before, kept, "remove", rows);
}

static void
add_steps (const ScPlan *self, GVariantBuilder *rows)
{
  for (guint i = 0; self->steps != NULL && i < self->steps->len; i++)
    {
      g_auto (GStrv) step = g_strsplit (self->steps->pdata[i], " ", 2);
      sc_side_add_row (rows, "service", step[0], step[1], NULL);
    }
}

static GVariant *
list_changes (const ScPlan *self, const ScConfig *config)
{
  GVariantBuilder rows = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  add_deployments (self, config, &rows);
  sc_side_compare (&self->from, &self->to, self->container, &rows);
  add_host_changes (self, &rows);
  add_steps (self, &rows);
  return g_variant_ref_sink (g_variant_builder_end (&rows));
}

/* What a pull on the way has left in the result is about the image. */
static void
take_downloads (GVariantDict *result)
{
  static const char *const keys[] = { "downloaded-bytes", "resumed-bytes", "dropped-nodes" };
  guint64 bytes = 0;

  g_variant_dict_lookup (result, keys[0], "t", &bytes);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    g_variant_dict_remove (result, keys[i]);
  g_variant_dict_insert (result, "download-bytes", "t", bytes);
  if (!g_variant_dict_contains (result, "space-bytes"))
    g_variant_dict_insert (result, "space-bytes", "t", (guint64)0);
}

static void
show (const ScPlan *self, ScOpContext *context, const char *id)
{
  GVariantDict *result = context->result;
  g_autoptr (GVariant) changes = list_changes (self, context->config);
  const ScDeploymentRecord *current
      = self->before != NULL ? sc_container_find (self->before, self->before->current) : NULL;
  const char *from_digest = current != NULL ? current->digest : self->from_digest;

  take_downloads (result);
  g_variant_dict_insert (result, "plan-id", "s", id);
  g_variant_dict_insert (result, "operation", "s", self->operation);
  g_variant_dict_insert (result, "name", "s", self->container);
  g_variant_dict_insert (result, "digest", "s", self->digest != NULL ? self->digest : "");
  if (from_digest != NULL)
    g_variant_dict_insert (result, "from-digest", "s", from_digest);
  if (self->reference != NULL)
    g_variant_dict_insert (result, "reference", "s", self->reference);
  g_variant_dict_insert_value (result, "changes", changes);
  g_variant_dict_insert_value (result, "privileges",
                               sc_privilege_list_to_variant (self->privileges));
  g_variant_dict_insert_value (result, "privilege-gains",
                               sc_privilege_list_to_variant (self->gains));
  if (self->notes != NULL)
    g_variant_dict_insert (result, "notes", "^as", self->notes);
  sc_op_set_changed (context, g_variant_n_children (changes) > 0);
}

ScPlanEnd
sc_plan_settle (const ScPlan *self, ScOpContext *context, GError **error)
{
  const ScTerms *terms = context->terms;

  if (!sc_plan_is_wanted (context))
    return SC_PLAN_AGREED;
  g_autofree char *id = make_id (self, context->paths, error);
  if (id == NULL)
    return SC_PLAN_REFUSED;
  if (terms->plan_only)
    {
      show (self, context, id);
      return SC_PLAN_SHOWN;
    }
  if (strcmp (id, terms->plan_id) == 0)
    return SC_PLAN_AGREED;
  sc_error_set (error, SYSCONT_ERROR_PLAN_STALE,
                "what would be done now is not what the plan shows; look at a new one");
  return SC_PLAN_REFUSED;
}

ScPlanEnd
sc_plan_settle_nothing (const char *operation,
                        const char *container,
                        const char *digest,
                        ScOpContext *context,
                        GError **error)
{
  const ScPlan plan = { .operation = operation, .container = container, .digest = digest };

  return sc_plan_settle (&plan, context, error);
}
