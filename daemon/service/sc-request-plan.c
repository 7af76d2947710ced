/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What would be done, and what was: Plan, which takes the call of another method, written as a
 * dictionary of its arguments and options, Diff, and Lint.
 */
#include "service/sc-request-private.h"

#include "deploy/sc-rendering.h"

#include <string.h>

#define MAX_ARGUMENTS 3

/* What can be planned: the arguments before the options, as keys of the request. */
static const struct
{
  const char *method;
  ScOptionSpec arguments[MAX_ARGUMENTS + 1];
  const char *rule;
} plannables[] = {
  { "Install", { { "reference", "s" }, { "name", "s" } }, "Plan:pull" },
  { "Adopt", { { "name", "s" } }, "Plan:pull" },
  { "Update", { { "names", "as" } }, "Plan:pull" },
  { "SetValues", { { "name", "s" }, { "set", "a{ss}" }, { "unset", "as" } }, "Plan" },
  { "Rollback", { { "names", "as" } }, "Plan" },
  { "Uninstall", { { "names", "as" } }, "Plan" },
};

/* Takes the argument out of @keys; one that is missing is empty. */
static GVariant *
take_argument (const ScOptionSpec *spec, GVariantDict *keys, GError **error)
{
  const GVariantType *type = G_VARIANT_TYPE (spec->type);
  g_autoptr (GVariant) given = g_variant_dict_lookup_value (keys, spec->key, NULL);

  if (given != NULL && !g_variant_is_of_type (given, type))
    {
      sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                    "\"%s\" of the request must be of type %s", spec->key, spec->type);
      return NULL;
    }
  g_variant_dict_remove (keys, spec->key);
  if (given != NULL)
    return g_steal_pointer (&given);
  return g_variant_ref_sink (g_variant_type_is_array (type)
                                 ? g_variant_new_array (g_variant_type_element (type), NULL, 0)
                                 : g_variant_new_string (""));
}

/* (transfer full): the arguments of the method as they would have come over the bus */
static GVariant *
make_parameters (const ScOptionSpec *arguments, GVariant *dictionary, GError **error)
{
  g_auto (GVariantDict) keys = G_VARIANT_DICT_INIT (dictionary);
  g_auto (GVariantBuilder) tuple = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_TUPLE);

  for (guint i = 0; arguments[i].key != NULL; i++)
    {
      g_autoptr (GVariant) argument = take_argument (&arguments[i], &keys, error);
      if (argument == NULL)
        return NULL;
      g_variant_builder_add_value (&tuple, argument);
    }
  g_variant_builder_add_value (&tuple, g_variant_dict_end (&keys));
  return g_variant_ref_sink (g_variant_builder_end (&tuple));
}

static gboolean
check_planned (const ScRequest *planned, GError **error)
{
  char *const *names = planned->subject.containers;
  gboolean is_of_all_due = names != NULL && names[0] == NULL;

  if (names == NULL || (!is_of_all_due && names[1] != NULL))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "a plan is about one container");
  if (planned->op->terms.plan_id != NULL)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "a plan has no \"plan-id\" yet");
  if (g_strcmp0 (sc_options_get_string (planned->options, "mode"), "check") == 0)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "an update with the mode \"check\" changes nothing that could be planned");
  return TRUE;
}

/* An image that has to be there for it may be brought, whatever its size. */
static const char *
choose_rule (const char *rule, const ScRequest *planned)
{
  gboolean only_looks = planned->subject.containers[0] == NULL;
  gboolean stays_here = g_strcmp0 (planned->method, "Update") == 0
                        && (only_looks || sc_options_get_bool (planned->options, "no-pull", FALSE));

  return stays_here ? "Plan" : rule;
}

static gboolean
parse_as (guint index, const ScCall *call, GVariant *dictionary, ScRequest *request, GError **error)
{
  ScCall inner = *call;
  g_autoptr (GVariant) parameters
      = make_parameters (plannables[index].arguments, dictionary, error);
  if (parameters == NULL)
    return FALSE;

  inner.method = plannables[index].method;
  inner.parameters = parameters;
  g_autoptr (ScRequest) planned = sc_request_parse (&inner, error);
  if (planned == NULL || !check_planned (planned, error))
    return FALSE;
  request->rule = choose_rule (plannables[index].rule, planned);
  request->subject = planned->subject;
  planned->subject = (ScSubject){ 0 };
  request->op = sc_op_new_plan (g_steal_pointer (&planned->op));
  return TRUE;
}

static gboolean
parse_plan (const ScCall *call, ScRequest *request, GError **error)
{
  const char *operation = NULL;
  g_autoptr (GVariant) dictionary = NULL;

  g_variant_get (call->parameters, "(&s@a{sv}@a{sv})", &operation, &dictionary, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (plannables); i++)
    if (strcmp (plannables[i].method, operation) == 0)
      return parse_as (i, call, dictionary, request, error);
  g_autofree char *shown = sc_text_escape (operation);
  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                       "\"%s\" cannot be planned, only Install, Adopt, Update, SetValues, Rollback "
                       "and Uninstall can",
                       shown);
}

static gboolean
parse_diff (const ScCall *call, ScRequest *request, GError **error)
{
  const char *name = NULL;
  guint64 from = 0;
  guint64 to = 0;

  g_variant_get (call->parameters, "(&stt@a{sv})", &name, &from, &to, NULL);
  const char *const one[] = { name, NULL };
  request->subject.containers = sc_request_check_names (request->method, one, error);
  if (request->subject.containers == NULL)
    return FALSE;
  if (MAX (from, to) > G_MAXINT64)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "that is not the number of a deployment");
  request->op = sc_op_new_diff (name, from, to);
  return TRUE;
}

static gboolean
parse_lint (const ScCall *call, ScRequest *request, GError **error)
{
  const char *image = NULL;
  g_autoptr (GHashTable) values = NULL;

  g_variant_get (call->parameters, "(&s@a{sv})", &image, NULL);
  if (!sc_request_check_image (image, error)
      || !sc_options_get_map (request->options, "values", &values, error)
      || !sc_set_values_check (values, error))
    return FALSE;
  request->subject.image = g_strdup (image);
  request->op = sc_op_new_lint (image, values);
  return TRUE;
}

static const ScOptionSpec lint_options[] = {
  { "values", "a{ss}" },
  { "no-queue", "b" },
  { NULL, NULL },
};

static const ScOptionSpec plan_options[] = {
  { "no-queue", "b" },
  { NULL, NULL },
};

const ScMethod sc_request_plan_methods[] = {
  { "Plan", plan_options, parse_plan },
  { "Diff", plan_options, parse_diff },
  { "Lint", lint_options, parse_lint },
  { NULL, NULL, NULL },
};
