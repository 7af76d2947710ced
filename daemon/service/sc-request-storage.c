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

const ScMethod sc_request_storage_methods[] = {
  { "RemoveImage", queue_options, parse_remove_image },
  { "TagImage", queue_options, parse_tag_image },
  { "Prune", prune_options, parse_prune },
  { "InspectImage", sc_request_no_options, parse_image },
  { "GetImage", sc_request_no_options, parse_image },
  { NULL, NULL, NULL },
};
