/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-request-private.h"

static gboolean
parse_image (const ScCall *call, ScRequest *request, GError **error)
{
  const char *image;

  g_variant_get (call->parameters, "(&s@a{sv})", &image, NULL);
  if (!sc_request_check_image (image, error))
    return FALSE;
  request->subject.image = g_strdup (image);
  return TRUE;
}

static gboolean
parse_remove_image (const ScCall *call, ScRequest *request, GError **error)
{
  if (!parse_image (call, request, error))
    return FALSE;
  request->op = sc_op_new_remove_image (request->subject.image);
  return TRUE;
}

static gboolean
parse_tag_image (const ScCall *call, ScRequest *request, GError **error)
{
  const char *image;
  const char *text;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &image, &text, NULL);
  if (!sc_request_check_image (image, error))
    return FALSE;
  g_autoptr (ScReference) name = sc_reference_parse (text, error);
  if (name == NULL)
    return FALSE;
  if (name->digest != NULL)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_REFERENCE,
                         "\"%s\": a name with a digest is given by pulling it; leave out \"@%s\"",
                         text, name->digest);

  request->subject.image = g_strdup (image);
  request->op = sc_op_new_tag_image (image, name->fullname);
  request->answers_at_end = TRUE;
  return TRUE;
}

/* Each once, none for all. */
static char **
check_images (const char *method, const char *const *images, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; images[i] != NULL; i++)
    {
      if (!sc_request_check_image (images[i], error))
        return NULL;
      if (!g_hash_table_add (seen, (gpointer)images[i]))
        continue;
      if (g_hash_table_size (seen) > SC_REQUEST_MAX_NAMES)
        {
          sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                        "%s takes at most %d images in one call", method, SC_REQUEST_MAX_NAMES);
          return NULL;
        }
      g_strv_builder_add (builder, images[i]);
    }
  return g_strv_builder_end (builder);
}

static char **
parse_images (const ScCall *call, ScRequest *request, GError **error)
{
  g_autofree const char **given = NULL;

  g_variant_get (call->parameters, "(^a&s@a{sv})", &given, NULL);
  char **images = check_images (request->method, given, error);
  if (images != NULL && images[0] != NULL)
    request->subject.image = g_strjoinv (" ", images);
  return images;
}

static gboolean
parse_verify_images (const ScCall *call, ScRequest *request, GError **error)
{
  g_auto (GStrv) images = parse_images (call, request, error);
  if (images == NULL)
    return FALSE;
  request->op = sc_op_new_verify_images ((const char *const *)images,
                                         sc_options_get_bool (request->options, "repair", FALSE));
  return TRUE;
}

static gboolean
parse_check_images (const ScCall *call, ScRequest *request, GError **error)
{
  g_auto (GStrv) images = parse_images (call, request, error);
  if (images == NULL)
    return FALSE;
  request->op = sc_op_new_check_images ((const char *const *)images);
  return TRUE;
}

static gboolean
parse_prune (const ScCall *call, ScRequest *request, GError **error)
{
  request->op = sc_op_new_prune (sc_options_get_bool (request->options, "dry-run", FALSE));
  return TRUE;
}

static const ScOptionSpec queue_options[] = {
  { "no-queue", "b" },
  { NULL, NULL },
};

static const ScOptionSpec prune_options[] = {
  { "dry-run", "b" },
  { "no-queue", "b" },
  { NULL, NULL },
};

static const ScOptionSpec verify_options[] = {
  { "repair", "b" },
  { "no-queue", "b" },
  { NULL, NULL },
};

const ScMethod sc_request_storage_methods[] = {
  { "RemoveImage", queue_options, parse_remove_image },
  { "TagImage", queue_options, parse_tag_image },
  { "VerifyImages", verify_options, parse_verify_images },
  { "CheckImages", queue_options, parse_check_images },
  { "Prune", prune_options, parse_prune },
  { "GetStorageInfo", sc_request_no_options, NULL },
  { "InspectImage", sc_request_no_options, parse_image },
  { "GetImage", sc_request_no_options, parse_image },
  { NULL, NULL, NULL },
};
