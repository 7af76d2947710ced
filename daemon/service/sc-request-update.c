/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-request-private.h"

#include "base/sc-calendar.h"
#include "base/sc-digest.h"
#include "base/sc-name.h"
#include "deploy/sc-rendering.h"
#include "deploy/sc-template.h"

#include <string.h>

#define MAX_REASON_BYTES  500
#define MAX_OBSERVE_USEC  (G_GUINT64_CONSTANT (3600) * G_USEC_PER_SEC)
#define MAX_DURATION_USEC (G_GUINT64_CONSTANT (366) * 24 * 3600 * G_USEC_PER_SEC)
#define MAX_WINDOW_USEC   (G_GUINT64_CONSTANT (7) * 24 * 3600 * G_USEC_PER_SEC)
#define MAX_DEPLOYMENT    G_MAXINT64

static gboolean
parse_mode (const char *name, ScUpdateMode *mode, GError **error)
{
  static const struct
  {
    const char *name;
    ScUpdateMode mode;
  } modes[] = {
    { "check", SC_UPDATE_CHECK },
    { "stage", SC_UPDATE_STAGE },
    { "apply", SC_UPDATE_APPLY_STAGED },
  };

  *mode = SC_UPDATE_ALL;
  if (name == NULL)
    return TRUE;
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    if (strcmp (modes[i].name, name) == 0)
      {
        *mode = modes[i].mode;
        return TRUE;
      }
  g_autofree char *shown = sc_text_escape (name);
  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                       "option \"mode\" must be \"check\", \"stage\" or \"apply\", not \"%s\"",
                       shown);
}

static gboolean
check_digest (const char *what, const char *digest, GError **error)
{
  return digest == NULL || sc_digest_is_valid (digest)
         || sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                          "%s must be \"sha256:\" and 64 hex digits", what);
}

static gboolean
check_unset (const char *const *names, GHashTable *set, GError **error)
{
  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autofree char *shown = sc_text_escape (names[i]);
      if (!sc_values_name_is_valid (names[i]))
        return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                             "\"%s\" is not the name of a value", shown);
      if (set != NULL && g_hash_table_contains (set, names[i]))
        return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                             "the value \"%s\" is both set and unset", shown);
    }
  return TRUE;
}

static gboolean
check_duration (const char *what, guint64 usec, guint64 max_usec, GError **error)
{
  return usec <= max_usec
         || sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                          "%s must not be longer than %" G_GUINT64_FORMAT " s", what,
                          max_usec / G_USEC_PER_SEC);
}

static gboolean
read_observe (const ScOptions *options, gint64 *observe_usec, GError **error)
{
  guint64 usec = 0;

  *observe_usec = -1;
  if (!sc_options_get_uint64 (options, "observe-usec", &usec))
    return TRUE;
  *observe_usec = (gint64)usec;
  return check_duration ("option \"observe-usec\"", usec, MAX_OBSERVE_USEC, error);
}

static gboolean
says_health (const ScUpdateRequest *update)
{
  return update->health != NULL || update->unset_health;
}

/* Which options make no sense together. */
static gboolean
check_combination (const ScRequest *request, const ScUpdateRequest *update, GError **error)
{
  g_autoptr (GHashTable) secrets = sc_options_get_handle_map (request->options, "secrets");
  gboolean chooses = update->to_digest != NULL || update->reference != NULL || update->set != NULL
                     || update->unset != NULL || secrets != NULL || says_health (update);

  if (request->subject.containers[0] == NULL && (chooses || update->mode != SC_UPDATE_ALL))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "an update of all that are due takes neither a mode, an image nor values");
  if (request->subject.containers[0] == NULL && sc_request_accepts_privileges (request))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "an update of all that are due accepts no privileges: name the container");
  if (update->mode == SC_UPDATE_APPLY_STAGED && chooses)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "what is staged is applied as it is: neither an image nor values can be "
                         "given");
  if (update->to_digest != NULL && update->reference != NULL)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "give \"to-digest\" or \"reference\", not both");
  return TRUE;
}

static gboolean
set_containers (ScRequest *request, const char *const *names, GError **error)
{
  request->subject.containers = *names == NULL
                                    ? g_new0 (char *, 1)
                                    : sc_request_check_names (request->method, names, error);
  return request->subject.containers != NULL;
}

/* Values are code, and so are health checks and an image: whoever gives both may as well install. */
static const char *
choose_rule (const ScUpdateRequest *update, gboolean has_secrets)
{
  gboolean chooses_image = update->to_digest != NULL || update->reference != NULL || update->force;
  gboolean has_values
      = update->set != NULL || update->unset != NULL || has_secrets || says_health (update);

  if (chooses_image)
    return has_values ? "Update:to-with-values" : "Update:to";
  if (has_values)
    return "Update:values";
  return update->mode == SC_UPDATE_CHECK ? "Update:check" : "Update";
}

static gboolean
parse_update (const ScCall *call, ScRequest *request, GError **error)
{
  const ScOptions *options = request->options;
  g_autofree const char **names = NULL;
  g_autoptr (GHashTable) values = NULL;
  g_autofree const char **unset = sc_options_get_strv (options, "unset");
  const char *reference = sc_options_get_string (options, "reference");
  g_autoptr (ScHealth) health = NULL;
  ScUpdateRequest update = {
    .to_digest = (char *)sc_options_get_string (options, "to-digest"),
    .unset = (char **)unset,
    .unset_health = sc_options_get_bool (options, "unset-health", FALSE),
    .force = sc_options_get_bool (options, "force", FALSE),
    .no_pull = sc_options_get_bool (options, "no-pull", FALSE),
  };

  g_variant_get (call->parameters, "(^a&s@a{sv})", &names, NULL);
  if (!set_containers (request, names, error)
      || !parse_mode (sc_options_get_string (options, "mode"), &update.mode, error)
      || !check_digest ("option \"to-digest\"", update.to_digest, error)
      || !sc_options_get_map (options, "values", &values, error)
      || !sc_set_values_check (values, error) || !check_unset (unset, values, error)
      || !sc_request_parse_health (options, &health, error)
      || !read_observe (options, &update.observe_usec, error))
    return FALSE;
  if (reference != NULL
      && (request->subject.reference = sc_reference_parse (reference, error)) == NULL)
    return FALSE;
  update.reference = request->subject.reference;
  update.set = values;
  update.health = health;
  request->subject.digest = g_strdup (update.to_digest);
  if (!check_combination (request, &update, error))
    return FALSE;
  request->op = sc_op_new_update ((const char *const *)request->subject.containers, &update);
  if (!sc_request_take_secrets (call, request, values, error))
    return FALSE;
  /* The strongest of all: whoever may let a container have any privilege may choose what it runs. */
  request->rule = sc_request_accepts_privileges (request)
                      ? "Update:accept"
                      : choose_rule (&update, request->op->secrets != NULL);
  return TRUE;
}

static gboolean
parse_rollback (const ScCall *call, ScRequest *request, GError **error)
{
  g_autofree const char **names = NULL;
  const char *reason = sc_options_get_string (request->options, "reason");
  guint64 deployment = 0;
  ScRollbackRequest rollback = {
    .deployment = -1,
    .quarantine = sc_options_get_bool (request->options, "quarantine", TRUE),
    .reason = reason,
  };

  g_variant_get (call->parameters, "(^a&s@a{sv})", &names, NULL);
  request->subject.containers = sc_request_check_names (request->method, names, error);
  if (request->subject.containers == NULL
      || (reason != NULL && !sc_request_check_text ("reason", reason, MAX_REASON_BYTES, error)))
    return FALSE;
  if (sc_options_get_uint64 (request->options, "deployment", &deployment))
    {
      if (deployment > MAX_DEPLOYMENT || names[1] != NULL)
        return sc_error_set (
            error, SYSCONT_ERROR_INVALID_ARGUMENT,
            "option \"deployment\" is the number of a deployment of one container");
      rollback.deployment = (gint64)deployment;
    }
  request->op = sc_op_new_rollback ((const char *const *)request->subject.containers, &rollback);
  return TRUE;
}

static gboolean
take_name (ScRequest *request, const char *name, GError **error)
{
  const char *const names[] = { name, NULL };

  request->subject.containers = sc_request_check_names (request->method, names, error);
  return request->subject.containers != NULL;
}

static gboolean
parse_set_values (const ScCall *call, ScRequest *request, GError **error)
{
  const char *name;
  g_autoptr (GVariant) dictionary = NULL;
  g_autoptr (GHashTable) values = NULL;
  g_autofree const char **unset = NULL;
  g_autoptr (ScHealth) health = NULL;
  ScUpdateRequest update = { .same_image = TRUE, .no_pull = TRUE };

  g_variant_get (call->parameters, "(&s@a{ss}^a&s@a{sv})", &name, &dictionary, &unset, NULL);
  values = sc_options_read_map ("set", dictionary, error);
  if (values == NULL || !take_name (request, name, error) || !sc_set_values_check (values, error)
      || !check_unset (unset, values, error)
      || !sc_request_parse_health (request->options, &health, error)
      || !read_observe (request->options, &update.observe_usec, error))
    return FALSE;
  update.set = values;
  update.unset = (char **)unset;
  update.health = health;
  update.unset_health = sc_options_get_bool (request->options, "unset-health", FALSE);
  update.force = sc_options_get_bool (request->options, "force", FALSE);
  if (sc_request_accepts_privileges (request))
    request->rule = "SetValues:accept";
  request->op = sc_op_new_update ((const char *const *)request->subject.containers, &update);
  return sc_request_take_secrets (call, request, values, error);
}

/* The caller has no job to follow: the end of one that does not wait answers. */
static gboolean
answer_at_end (ScRequest *request, ScOp *op)
{
  request->op = op;
  request->answers_at_end = TRUE;
  request->no_queue = TRUE;
  return TRUE;
}

static gboolean
parse_policy (const ScOptions *options, ScUpdatePolicy *policy, GError **error)
{
  guint64 min_age_usec = 0;
  guint64 window_usec = G_GUINT64_CONSTANT (3600) * G_USEC_PER_SEC;
  const char *window = sc_options_get_string (options, "window");

  if (window != NULL && *window == '\0')
    window = NULL;
  (void)sc_options_get_uint64 (options, "min-age-usec", &min_age_usec);
  (void)sc_options_get_uint64 (options, "window-usec", &window_usec);
  if (!check_duration ("\"min-age-usec\"", min_age_usec, MAX_DURATION_USEC, error)
      || !check_duration ("\"window-usec\"", window_usec, MAX_WINDOW_USEC, error)
      || (window != NULL && !sc_calendar_check (window, error)))
    return FALSE;
  policy->min_age_usec = (gint64)min_age_usec;
  policy->window_usec = (gint64)window_usec;
  policy->window = (char *)window;
  return TRUE;
}

static const ScOptionSpec policy_keys[] = {
  { "mode", "s" },        { "min-age-usec", "t" }, { "window", "s" },
  { "window-usec", "t" }, { NULL, NULL },
};

static gboolean
parse_set_policy (const ScCall *call, ScRequest *request, GError **error)
{
  const char *name;
  g_autoptr (GVariant) dictionary = NULL;
  ScUpdatePolicy policy = { 0 };

  g_variant_get (call->parameters, "(&s@a{sv}@a{sv})", &name, &dictionary, NULL);
  g_autoptr (ScOptions) keys = sc_options_parse ("SetPolicy", policy_keys, dictionary, error);
  if (keys == NULL || !take_name (request, name, error) || !parse_policy (keys, &policy, error))
    return FALSE;
  if (!sc_policy_mode_parse (sc_options_get_string (keys, "mode"), &policy.mode))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "a policy has a \"mode\": \"none\", \"check\", \"stage\" or \"apply\"");
  return answer_at_end (request, sc_op_new_set_policy (name, &policy));
}

static gboolean
parse_hold (const ScCall *call, ScRequest *request, GError **error)
{
  const char *name;
  const char *reason;
  guint64 until_usec;

  g_variant_get (call->parameters, "(&st&s@a{sv})", &name, &until_usec, &reason, NULL);
  if (!take_name (request, name, error)
      || (*reason != '\0' && !sc_request_check_text ("reason", reason, MAX_REASON_BYTES, error)))
    return FALSE;
  if (until_usec > G_MAXINT64)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "that time never comes");
  return answer_at_end (request,
                        sc_op_new_hold (name, (gint64)until_usec, *reason != '\0' ? reason : NULL));
}

static gboolean
parse_pinning (const ScCall *call, gboolean pinned, ScRequest *request, GError **error)
{
  const char *name;
  guint64 deployment;

  g_variant_get (call->parameters, "(&st@a{sv})", &name, &deployment, NULL);
  return take_name (request, name, error)
         && answer_at_end (request, sc_op_new_pin (name, deployment, pinned));
}

static gboolean
parse_pin (const ScCall *call, ScRequest *request, GError **error)
{
  return parse_pinning (call, TRUE, request, error);
}

static gboolean
parse_unpin (const ScCall *call, ScRequest *request, GError **error)
{
  return parse_pinning (call, FALSE, request, error);
}

static gboolean
parse_unquarantine (const ScCall *call, ScRequest *request, GError **error)
{
  const char *name;
  const char *digest;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &name, &digest, NULL);
  if (*digest == '\0')
    digest = NULL;
  return take_name (request, name, error) && check_digest ("the digest", digest, error)
         && answer_at_end (request, sc_op_new_unquarantine (name, digest));
}

static const ScOptionSpec update_options[] = {
  { "mode", "s" },       { "to-digest", "s" },
  { "reference", "s" },  { "values", "a{ss}" },
  { "unset", "as" },     { "observe-usec", "t" },
  { "force", "b" },      { "no-pull", "b" },
  { "no-queue", "b" },   { "accept-privileges", "as" },
  { "plan-id", "s" },    { "secrets", "a{sh}" },
  { "health", "a{sv}" }, { "unset-health", "b" },
  { NULL, NULL },
};

static const ScOptionSpec rollback_options[] = {
  { "deployment", "t" }, { "quarantine", "b" }, { "reason", "s" },
  { "plan-id", "s" },    { "no-queue", "b" },   { NULL, NULL },
};

static const ScOptionSpec set_options[] = {
  { "observe-usec", "t" }, { "force", "b" },        { "accept-privileges", "as" },
  { "plan-id", "s" },      { "secrets", "a{sh}" },  { "no-queue", "b" },
  { "health", "a{sv}" },   { "unset-health", "b" }, { NULL, NULL },
};

const ScMethod sc_request_update_methods[] = {
  { "Update", update_options, parse_update },
  { "Rollback", rollback_options, parse_rollback },
  { "SetValues", set_options, parse_set_values },
  { "SetPolicy", sc_request_no_options, parse_set_policy },
  { "Hold", sc_request_no_options, parse_hold },
  { "Pin", sc_request_no_options, parse_pin },
  { "Unpin", sc_request_no_options, parse_unpin },
  { "Unquarantine", sc_request_no_options, parse_unquarantine },
  { NULL, NULL, NULL },
};
