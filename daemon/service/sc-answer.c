/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-answer.h"

#include "dbus/sc-bus-path.h"
#include "service/sc-answer-private.h"
#include "service/sc-exported-image.h"
#include "service/sc-exported.h"

#include <string.h>

static gboolean
is_or_any (const char *wanted, const char *value)
{
  return wanted == NULL || strcmp (wanted, value) == 0;
}

static void
add_object (GVariantBuilder *builder, gpointer interface, const char *path)
{
  g_autoptr (GVariant) dict = sc_exported_to_dict (interface, path);

  g_variant_builder_add_value (builder, dict);
}

/* @repository: the name without tag and digest */
static gboolean
has_repository (const ScImage *image, const char *repository)
{
  gsize length = strlen (repository);

  for (guint i = 0; image->references[i] != NULL; i++)
    if (strncmp (image->references[i], repository, length) == 0
        && strchr (":@", image->references[i][length]) != NULL
        && strchr (image->references[i] + length, '/') == NULL)
      return TRUE;
  return FALSE;
}

static void
answer_list_images (ScPendingCall *call)
{
  const ScInventory *inventory = sc_objects_get_inventory (call->parts->objects);
  const ScOptions *filter = call->request->options;
  const char *name = sc_options_get_string (filter, "reference");
  const char *repository = sc_options_get_string (filter, "repository");
  g_autoptr (ScReference) reference = name != NULL ? sc_reference_parse (name, NULL) : NULL;
  const char *wanted = reference != NULL ? reference->fullname : name;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < inventory->images->len; i++)
    {
      const ScImage *image = inventory->images->pdata[i];
      g_autofree char *path = sc_bus_path_image (image->digest);

      if ((wanted == NULL || g_strv_contains ((const char *const *)image->references, wanted))
          && (repository == NULL || has_repository (image, repository)))
        add_object (&builder, sc_objects_find_image (call->parts->objects, image->digest), path);
    }
  if (sc_options_get_bool (filter, "all", FALSE))
    {
      call->rows = g_variant_ref_sink (g_variant_builder_end (&builder));
      sc_answer_list_blobs (call);
      return;
    }
  sc_pending_call_return (call, g_variant_new ("(aa{sv})", &builder));
  sc_pending_call_free (call);
}

static gboolean
container_matches (SyscontContainer *object, const ScOptions *filter, const char *image_digest)
{
  const char *image = sc_options_get_string (filter, "image");

  if (!is_or_any (sc_options_get_string (filter, "name"), syscont_container_get_name (object)))
    return FALSE;
  if (!is_or_any (sc_options_get_string (filter, "state"), syscont_container_get_state (object)))
    return FALSE;
  return is_or_any (image, syscont_container_get_reference (object))
         || is_or_any (image, syscont_container_get_digest (object))
         || (image_digest != NULL
             && strcmp (image_digest, syscont_container_get_digest (object)) == 0);
}

static void
answer_list_containers (ScPendingCall *call)
{
  const ScInventory *inventory = sc_objects_get_inventory (call->parts->objects);
  const char *name = sc_options_get_string (call->request->options, "image");
  const ScImage *image = name != NULL ? sc_exported_image_find (inventory, name, NULL) : NULL;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < inventory->containers->len; i++)
    {
      const ScContainerEntry *entry = inventory->containers->pdata[i];
      const char *container = entry->container->name;
      SyscontContainer *object = sc_objects_find_container (call->parts->objects, container);
      g_autofree char *path = sc_bus_path_container (container);

      if (container_matches (object, call->request->options, image != NULL ? image->digest : NULL))
        add_object (&builder, object, path);
    }
  sc_pending_call_return (call, g_variant_new ("(aa{sv})", &builder));
}

static gboolean
job_matches (const ScJobRecord *record, const ScOptions *filter)
{
  const char *container = sc_options_get_string (filter, "container");

  if (!is_or_any (sc_options_get_string (filter, "state"), sc_job_state_name (record->state)))
    return FALSE;
  return container == NULL
         || (sc_job_record_is_about_containers (record)
             && g_strv_contains ((const char *const *)record->targets, container));
}

static void
answer_list_jobs (ScPendingCall *call)
{
  GPtrArray *jobs = sc_job_registry_list (call->parts->registry);
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < jobs->len; i++)
    {
      ScJob *job = jobs->pdata[i];

      if (job_matches (sc_job_get_record (job), call->request->options))
        add_object (&builder, sc_job_get_object (job), sc_job_get_path (job));
    }
  sc_pending_call_return (call, g_variant_new ("(aa{sv})", &builder));
}

static void
return_not_found (ScPendingCall *call, const char *what)
{
  g_autoptr (GError) error
      = g_error_new (SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND, "there is no %s", what);

  sc_pending_call_return_error (call, error);
}

static void
answer_get_container (ScPendingCall *call)
{
  const char *name = call->request->subject.containers[0];
  g_autofree char *path = sc_bus_path_container (name);
  g_autofree char *what = g_strdup_printf ("container \"%s\"", name);

  if (sc_objects_find_container (call->parts->objects, name) != NULL)
    sc_pending_call_return (call, g_variant_new ("(o)", path));
  else
    return_not_found (call, what);
}

static void
answer_get_image (ScPendingCall *call)
{
  g_autoptr (GError) error = NULL;
  const ScImage *image = sc_exported_image_find (sc_objects_get_inventory (call->parts->objects),
                                                 call->request->subject.image, &error);

  if (image == NULL)
    {
      sc_pending_call_return_error (call, error);
      return;
    }

  g_autofree char *path = sc_bus_path_image (image->digest);
  sc_pending_call_return (call, g_variant_new ("(o)", path));
}

static void
answer_get_job (ScPendingCall *call)
{
  guint64 id = call->request->job_id;
  ScJob *job = sc_job_registry_find (call->parts->registry, id);
  g_autofree char *what = g_strdup_printf ("job %" G_GUINT64_FORMAT, id);

  if (job != NULL)
    sc_pending_call_return (call, g_variant_new ("(o)", sc_job_get_path (job)));
  else
    return_not_found (call, what);
}

static void
answer_subscribe (ScPendingCall *call)
{
  sc_idle_subscribe (call->parts->idle, call->caller);
  sc_pending_call_return (call, NULL);
}

static void
answer_unsubscribe (ScPendingCall *call)
{
  sc_idle_unsubscribe (call->parts->idle, call->caller);
  sc_pending_call_return (call, NULL);
}

static const struct
{
  const char *method;
  void (*answer) (ScPendingCall *call);
  gboolean takes_call; /* answers later and frees the call then */
} answers[] = {
  { "ListImages", answer_list_images, TRUE },
  { "ListContainers", answer_list_containers, FALSE },
  { "ListJobs", answer_list_jobs, FALSE },
  { "GetContainer", answer_get_container, FALSE },
  { "GetImage", answer_get_image, FALSE },
  { "GetJob", answer_get_job, FALSE },
  { "GetValues", sc_answer_get_values, TRUE },
  { "GetHistory", sc_answer_get_history, TRUE },
  { "InspectImage", sc_answer_inspect_image, TRUE },
  { "GetStorageInfo", sc_answer_get_storage_info, TRUE },
  { "CanAuthorize", sc_answer_can_authorize, TRUE },
  { "SetRegistryCredential", sc_answer_set_registry_credential, TRUE },
  { "RemoveRegistryCredential", sc_answer_remove_registry_credential, TRUE },
  { "Subscribe", answer_subscribe, FALSE },
  { "Unsubscribe", answer_unsubscribe, FALSE },
};

static void
return_not_supported (ScPendingCall *call)
{
  g_autoptr (GError) error = g_error_new (SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED,
                                          "%s has no answer", call->request->method);

  sc_pending_call_return_error (call, error);
}

void
sc_answer (ScPendingCall *call)
{
  for (gsize i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      if (strcmp (answers[i].method, call->request->method) != 0)
        continue;
      answers[i].answer (call);
      if (!answers[i].takes_call)
        sc_pending_call_free (call);
      return;
    }
  return_not_supported (call);
  sc_pending_call_free (call);
}
