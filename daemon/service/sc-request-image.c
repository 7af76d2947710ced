/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-request-private.h"

#include "base/sc-fd.h"

#include <string.h>

#define MAX_TAG_BYTES    255
#define MAX_SOURCE_BYTES 1024

static gboolean
parse_engine_pull (const char *text, ScRequest *request, GError **error)
{
  g_autoptr (ScPlatform) platform = NULL;
  gint32 handle;

  /* An option that has no effect is not passed over in silence. */
  if (sc_options_get_handle (request->options, "auth", &handle)
      || sc_options_get_bool (request->options, "if-newer", FALSE))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the options \"auth\" and \"if-newer\" are for registries only");

  ScReference *reference = sc_reference_parse (sc_reference_after_engine (text), error);

  request->subject.reference = reference;
  if (reference == NULL || !sc_request_parse_platform (request->options, &platform, error))
    return FALSE;
  /* Whoever is asked for leave is to see where it comes from. */
  g_free (reference->text);
  reference->text = g_strdup (text);
  request->op = sc_op_new_engine_pull (reference, platform);
  return TRUE;
}

static gboolean
parse_pull (const ScCall *call, ScRequest *request, GError **error)
{
  const char *text;
  g_autoptr (ScPlatform) platform = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &text, NULL);
  if (sc_reference_after_engine (text) != NULL)
    return parse_engine_pull (text, request, error);
  g_autoptr (ScReference) given = sc_reference_parse (text, error);
  if (given == NULL)
    return FALSE;
  g_autoptr (GPtrArray) candidates
      = sc_reference_list_candidates (given, call->config->short_names,
                                      (const char *const *)call->config->unqualified_search, error);
  if (candidates == NULL || !sc_request_parse_platform (request->options, &platform, error))
    return FALSE;

  request->op = sc_op_new_pull (given, candidates, platform,
                                sc_options_get_bool (request->options, "if-newer", FALSE));
  /* Of several nobody knows yet which one it will be. */
  const ScReference *subject = candidates->len == 1 ? candidates->pdata[0] : given;
  request->subject.reference = sc_reference_parse (subject->text, error);
  return sc_request_take_auth (call, request, error);
}

static gboolean
parse_import_format (const char *text, ScImportFormat *format, GError **error)
{
  for (guint i = 0; i < SC_N_IMPORT_FORMATS; i++)
    if (strcmp (text, sc_import_format_names[i]) == 0)
      {
        *format = i;
        return TRUE;
      }

  g_autofree char *escaped = sc_text_escape (text);
  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                       "the format \"%s\" is not known, use \"oci-archive\" or \"docker-archive\"",
                       escaped);
}

static gboolean
parse_import_image (const ScCall *call, ScRequest *request, GError **error)
{
  gint32 handle;
  const char *format_text;
  g_autoptr (ScPlatform) platform = NULL;
  const char *name = sc_options_get_string (request->options, "reference");
  const char *tag = sc_options_get_string (request->options, "tag");
  const char *source = sc_options_get_string (request->options, "source");
  ScImportRequest import = { .tag = tag, .source = source };

  g_variant_get (call->parameters, "(h&s@a{sv})", &handle, &format_text, NULL);
  if (!parse_import_format (format_text, &import.format, error))
    return FALSE;
  if (name != NULL && (request->subject.reference = sc_reference_parse (name, error)) == NULL)
    return FALSE;
  if (tag != NULL && !sc_request_check_text ("tag", tag, MAX_TAG_BYTES, error))
    return FALSE;
  if (source != NULL && !sc_request_check_text ("source", source, MAX_SOURCE_BYTES, error))
    return FALSE;
  if (!sc_request_parse_platform (request->options, &platform, error))
    return FALSE;

  sc_autofd fd = sc_request_take_fd (call, handle, error);
  if (fd < 0)
    return FALSE;
  if (!sc_op_import_check_fd (fd, error))
    return FALSE;

  import.source_fd = sc_fd_steal (&fd);
  import.fullname = name != NULL ? request->subject.reference->fullname : NULL;
  import.platform = platform;
  request->op = sc_op_new_import (&import);
  request->op->terms.plan_only = sc_options_get_bool (request->options, "unnamed", FALSE);
  return TRUE;
}

static gboolean
parse_export_image (const ScCall *call, ScRequest *request, GError **error)
{
  const char *image;
  gint32 handle;

  g_variant_get (call->parameters, "(&sh@a{sv})", &image, &handle, NULL);
  if (!sc_request_check_image (image, error))
    return FALSE;

  sc_autofd fd = sc_request_take_fd (call, handle, error);
  if (fd < 0 || !sc_op_export_check_fd (fd, error))
    return FALSE;
  request->subject.image = g_strdup (image);
  request->op = sc_op_new_export (image, sc_fd_steal (&fd));
  return TRUE;
}

static const ScOptionSpec pull_options[] = {
  { "if-newer", "b" }, { "platform", "s" }, { "auth", "h" }, { "no-queue", "b" }, { NULL, NULL },
};

static const ScOptionSpec import_options[] = {
  { "reference", "s" }, { "tag", "s" },      { "source", "s" }, { "unnamed", "b" },
  { "platform", "s" },  { "no-queue", "b" }, { NULL, NULL },
};

static const ScOptionSpec export_options[] = {
  { "no-queue", "b" },
  { NULL, NULL },
};

const ScMethod sc_request_image_methods[] = {
  { "Pull", pull_options, parse_pull },
  { "ImportImage", import_options, parse_import_image },
  { "ExportImage", export_options, parse_export_image },
  { NULL, NULL, NULL },
};
