/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-image-check.h"

#include "base/sc-fd.h"
#include "deploy/sc-container.h"
#include "ops/sc-image-check-private.h"
#include "store/sc-checkout-check.h"
#include "store/sc-checkout-dir.h"

#include <fcntl.h>
#include <string.h>

#define MAX_NAMED 20 /* objects and files that a result names */

typedef struct
{
  char *name;   /* (owned) "CONTAINER.<n>" */
  char *commit; /* (owned) that it was checked out from */
} Deployment;

static void
deployment_free (gpointer data)
{
  Deployment *self = data;

  g_free (self->name);
  g_free (self->commit);
  g_free (self);
}

static ScImageCheck *
check_new (const char *name)
{
  ScImageCheck *self = g_new0 (ScImageCheck, 1);

  self->name = g_strdup (name);
  self->deployments = g_ptr_array_new_with_free_func (deployment_free);
  self->objects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->layers = g_ptr_array_new_with_free_func (g_free);
  self->files = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
sc_image_check_free (ScImageCheck *self)
{
  g_clear_pointer (&self->image, sc_image_free);
  g_clear_pointer (&self->parts, sc_image_parts_free);
  g_ptr_array_unref (self->deployments);
  g_hash_table_unref (self->objects);
  g_ptr_array_unref (self->layers);
  g_ptr_array_unref (self->files);
  g_free (self->error);
  g_free (self->name);
  g_free (self);
}

static void
add_deployments (ScImageCheck *self, const ScContainer *container)
{
  for (guint i = 0; i < container->deployments->len; i++)
    {
      const ScDeploymentRecord *record = container->deployments->pdata[i];
      g_autofree char *ref = sc_deploy_ref (container->name, record->id);
      char *commit = strcmp (record->digest, self->image->digest) == 0
                         ? sc_repo_resolve (self->repo, ref, NULL)
                         : NULL;
      if (commit == NULL)
        continue;

      Deployment *deployment = g_new0 (Deployment, 1);
      deployment->name = g_strdup_printf ("%s.%" G_GUINT64_FORMAT, container->name, record->id);
      deployment->commit = commit;
      g_ptr_array_add (self->deployments, deployment);
    }
}

ScImageCheck *
sc_image_check_new (ScOpContext *context, ScRepo *repo, ScImage *image, GError **error)
{
  g_autoptr (ScImageCheck) self = check_new (image->references[0]);
  g_auto (GStrv) containers = sc_container_list (context->paths, error);

  self->context = context;
  self->repo = repo;
  self->image = image;
  if (containers == NULL)
    return NULL;
  self->parts = sc_image_parts_load (repo, image, error);
  if (self->parts == NULL)
    return NULL;
  for (guint i = 0; containers[i] != NULL; i++)
    {
      g_autoptr (ScContainer) container = sc_container_load (context->paths, containers[i], NULL);
      if (container != NULL)
        add_deployments (self, container);
    }
  return g_steal_pointer (&self);
}

ScImageCheck *
sc_image_check_new_unreadable (const char *name, const char *reason)
{
  ScImageCheck *self = check_new (name);

  self->error = g_strdup (reason);
  return self;
}

/* --- the commits of the image --- */

GArray *
sc_image_check_list_parts (const ScImageCheck *self)
{
  GArray *list = g_array_new (FALSE, FALSE, sizeof (ScImagePart));
  const ScImageParts *parts = self->parts;
  ScImagePart part = { .kind = SC_IMAGE_PART_NAME };

  for (guint i = 0; parts->names[i] != NULL; i++)
    {
      part.commit = parts->names[i];
      g_array_append_val (list, part);
    }
  if (parts->config != NULL)
    {
      part = (ScImagePart){ SC_IMAGE_PART_CONFIG, parts->config->digest, parts->config->commit };
      g_array_append_val (list, part);
    }
  for (guint i = 0; i < parts->layers->len; i++)
    {
      const ScBlobCommit *layer = parts->layers->pdata[i];
      part = (ScImagePart){ SC_IMAGE_PART_LAYER, layer->digest, layer->commit };
      g_array_append_val (list, part);
    }
  part = (ScImagePart){ SC_IMAGE_PART_TREE, NULL, parts->rootfs };
  if (parts->rootfs != NULL)
    g_array_append_val (list, part);
  for (guint i = 0; i < self->deployments->len; i++)
    {
      const Deployment *deployment = self->deployments->pdata[i];
      part.commit = deployment->commit;
      g_array_append_val (list, part);
    }
  return list;
}

gboolean
sc_image_check_add (ScImageCheck *self, ScVerify *verify, GCancellable *cancellable, GError **error)
{
  if (self->image == NULL)
    return TRUE;

  g_autoptr (GArray) parts = sc_image_check_list_parts (self);
  for (guint i = 0; i < parts->len; i++)
    {
      const ScImagePart *part = &g_array_index (parts, ScImagePart, i);
      if (part->commit != NULL && !sc_verify_add (verify, part->commit, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static void
collect_part (ScImageCheck *self, ScVerify *verify, const ScImagePart *part)
{
  g_auto (GStrv) damage
      = part->commit != NULL ? sc_verify_list_damage (verify, part->commit) : NULL;

  if (damage == NULL)
    g_hash_table_add (self->objects, g_strdup (part->digest));
  for (guint i = 0; damage != NULL && damage[i] != NULL; i++)
    g_hash_table_add (self->objects, g_strdup (damage[i]));
  if (part->kind == SC_IMAGE_PART_LAYER && (damage == NULL || damage[0] != NULL))
    g_ptr_array_add (self->layers, g_strdup (part->digest));
}

static gboolean
check_deployment (ScImageCheck *self, const Deployment *deployment, gboolean repair, GError **error)
{
  g_autofree char *path = g_strconcat (deployment->name, "/rootfs", NULL);
  g_auto (ScCheckoutFaults) faults = { 0 };
  sc_autofd checkout_fd = sc_checkout_dir_open (self->context->paths, error);
  if (checkout_fd < 0)
    return FALSE;
  sc_autofd fd = sc_fd_open_beneath (checkout_fd, path, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    {
      g_ptr_array_add (self->files, g_steal_pointer (&path));
      return TRUE;
    }

  if (!sc_checkout_check (self->repo, deployment->commit, fd, repair, &faults, error))
    return sc_prefix_error (error, "deployment %s: ", deployment->name);
  self->n_replaced += faults.n_replaced;
  for (guint i = 0; i < faults.wrong->len; i++)
    g_ptr_array_add (self->files,
                     g_strconcat (deployment->name, "/", faults.wrong->pdata[i], NULL));
  return TRUE;
}

gboolean
sc_image_check_deployments (ScImageCheck *self, gboolean repair, GError **error)
{
  g_ptr_array_set_size (self->files, 0);
  for (guint i = 0; i < self->deployments->len; i++)
    if (!check_deployment (self, self->deployments->pdata[i], repair, error))
      return FALSE;
  return TRUE;
}

gboolean
sc_image_check_collect (ScImageCheck *self, ScVerify *verify, GError **error)
{
  if (self->image == NULL)
    return TRUE;

  g_autoptr (GArray) parts = sc_image_check_list_parts (self);
  g_hash_table_remove_all (self->objects);
  g_ptr_array_set_size (self->layers, 0);
  for (guint i = 0; i < parts->len; i++)
    collect_part (self, verify, &g_array_index (parts, ScImagePart, i));
  return g_hash_table_size (self->objects) > 0 || sc_image_check_deployments (self, FALSE, error);
}

gboolean
sc_image_check_is_clean (const ScImageCheck *self)
{
  return self->image != NULL && g_hash_table_size (self->objects) == 0 && self->files->len == 0;
}

/* --- what is told --- */

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* (transfer container): sorted, at most as many as are named. */
static GPtrArray *
name_objects (const ScImageCheck *self)
{
  GPtrArray *objects = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer object;

  g_hash_table_iter_init (&iter, self->objects);
  while (g_hash_table_iter_next (&iter, &object, NULL))
    g_ptr_array_add (objects, object);
  g_ptr_array_sort (objects, compare_strings);
  g_ptr_array_set_size (objects, (int)MIN (objects->len, MAX_NAMED));
  return objects;
}

static void
add_strings (GVariantBuilder *builder, const char *key, GPtrArray *strings)
{
  gssize n = MIN (strings->len, MAX_NAMED);

  g_variant_builder_add (builder, "{sv}", key,
                         g_variant_new_strv ((const char *const *)strings->pdata, n));
}

static const char *
state_name (const ScImageCheck *self)
{
  if (!sc_image_check_is_clean (self))
    return "damaged";
  return self->is_repaired ? "repaired" : "clean";
}

GVariant *
sc_image_check_to_variant (const ScImageCheck *self)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (GPtrArray) objects = name_objects (self);
  const char *digest = self->image != NULL ? self->image->digest : "";
  const char *error = self->error != NULL ? self->error : "";

  g_variant_builder_add (&builder, "{sv}", "reference", g_variant_new_string (self->name));
  g_variant_builder_add (&builder, "{sv}", "digest", g_variant_new_string (digest));
  g_variant_builder_add (&builder, "{sv}", "state", g_variant_new_string (state_name (self)));
  g_variant_builder_add (&builder, "{sv}", "damaged-objects",
                         g_variant_new_uint32 (g_hash_table_size (self->objects)));
  add_strings (&builder, "objects", objects);
  add_strings (&builder, "layers", self->layers);
  g_variant_builder_add (&builder, "{sv}", "damaged-files",
                         g_variant_new_uint32 (self->files->len));
  add_strings (&builder, "files", self->files);
  g_variant_builder_add (&builder, "{sv}", "replaced-files",
                         g_variant_new_uint32 (self->n_replaced));
  g_variant_builder_add (&builder, "{sv}", "error", g_variant_new_string (error));
  return g_variant_builder_end (&builder);
}

char *
sc_image_check_describe (const ScImageCheck *self)
{
  g_autoptr (GPtrArray) objects = name_objects (self);
  g_autofree char *reason
      = self->error != NULL ? g_strconcat (": ", self->error, NULL) : g_strdup ("");

  if (objects->len > 0)
    return g_strdup_printf ("image \"%s\": %s is damaged, %u objects in all%s", self->name,
                            (char *)objects->pdata[0], g_hash_table_size (self->objects), reason);
  if (self->files->len > 0)
    return g_strdup_printf ("image \"%s\": \"%s\" is damaged, %u files of deployments in all%s",
                            self->name, (char *)self->files->pdata[0], self->files->len, reason);
  return g_strdup_printf ("image \"%s\"%s", self->name, reason);
}
