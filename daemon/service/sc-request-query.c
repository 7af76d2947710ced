/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-request-private.h"

#include "image/sc-auth-file.h"

static const ScOptionSpec subject_keys[] = {
  { "reference", "s" }, { "name", "s" },    { "names", "as" }, { "image", "s" },
  { "registry", "s" },  { "plan-id", "s" }, { NULL, NULL },
};

static gboolean
parse_subject_containers (const ScOptions *keys, ScSubject *subject, GError **error)
{
  const char *name = sc_options_get_string (keys, "name");
  g_autofree const char **names = sc_options_get_strv (keys, "names");
  const char *const one[] = { name, NULL };

  if (name != NULL && names != NULL)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "CanAuthorize takes \"name\" or \"names\", not both");
  if (name == NULL && names == NULL)
    return TRUE;
  subject->containers = sc_request_check_names ("CanAuthorize", name != NULL ? one : names, error);
  return subject->containers != NULL;
}

static gboolean
parse_can_authorize (const ScCall *call, ScRequest *request, GError **error)
{
  const char *operation;
  g_autoptr (GVariant) dictionary = NULL;

  g_variant_get (call->parameters, "(&s@a{sv}@a{sv})", &operation, &dictionary, NULL);
  const ScMethod *method = sc_request_find_method (operation);
  if (method == NULL)
    {
      g_autofree char *escaped = sc_text_escape (operation);

      return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "there is no operation \"%s\"",
                           escaped);
    }
  request->operation = method->method;

  g_autoptr (ScOptions) keys = sc_options_parse ("CanAuthorize", subject_keys, dictionary, error);
  if (keys == NULL)
    return FALSE;
  const char *reference = sc_options_get_string (keys, "reference");
  const char *image = sc_options_get_string (keys, "image");
  const char *registry = sc_options_get_string (keys, "registry");
  if (reference != NULL
      && (request->subject.reference = sc_reference_parse (reference, error)) == NULL)
    return FALSE;
  if (image != NULL && !sc_request_check_image (image, error))
    return FALSE;
  request->subject.image = g_strdup (image);
  if (registry != NULL && !sc_auth_prefix_check (registry, error))
    return FALSE;
  request->subject.prefix = g_strdup (registry);
  return sc_request_take_plan_id (request, sc_options_get_string (keys, "plan-id"), error)
         && parse_subject_containers (keys, &request->subject, error);
}

static gboolean
parse_get_job (const ScCall *call, ScRequest *request, GError **error)
{
  g_variant_get (call->parameters, "(t@a{sv})", &request->job_id, NULL);
  return TRUE;
}

static const ScOptionSpec image_filter[] = {
  { "reference", "s" },
  { "repository", "s" },
  { "all", "b" },
  { NULL, NULL },
};

static const ScOptionSpec container_filter[] = {
  { "name", "s" },
  { "image", "s" },
  { "state", "s" },
  { NULL, NULL },
};

static const ScOptionSpec job_filter[] = {
  { "state", "s" },
  { "container", "s" },
  { NULL, NULL },
};

static const ScOptionSpec history_filter[] = {
  { "since", "t" },
  { "container", "s" },
  { "limit", "u" },
  { NULL, NULL },
};

const ScMethod sc_request_query_methods[] = {
  { "GetHistory", history_filter, NULL },
  { "ListImages", image_filter, NULL },
  { "ListContainers", container_filter, NULL },
  { "ListJobs", job_filter, NULL },
  { "GetJob", sc_request_no_options, parse_get_job },
  { "CanAuthorize", sc_request_no_options, parse_can_authorize },
  { "Subscribe", sc_request_no_options, NULL },
  { "Unsubscribe", sc_request_no_options, NULL },
  { NULL, NULL, NULL },
};
