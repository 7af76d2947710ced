/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-plan-report.h"
#include "sc-printer.h"
#include "sc-terms.h"
#include "sc-verb.h"

#define NO_DEPLOYMENT G_MAXUINT64

/* Those that are not named: what was current before, and what is. */
static int
find_defaults (ScClient *client, const char *name, guint64 *previous, guint64 *current)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (
      client, "GetContainer", g_variant_new_parsed ("(%s, @a{sv} {})", name), NULL, &error);
  const char *path = NULL;

  if (reply == NULL)
    return sc_client_fail (error);
  g_variant_get (reply, "(&o)", &path);
  g_autoptr (GVariant) properties
      = sc_client_get_properties (client, path, SYSCONT_CONTAINER_INTERFACE, &error);
  if (properties == NULL)
    return sc_client_fail (error);
  *previous = sc_dict_uint (properties, "PreviousDeployment");
  *current = sc_dict_uint (properties, "CurrentDeployment");
  return 0;
}

static gboolean
parse_number (const char *text, guint64 *number)
{
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, number, NULL);
}

static void
print_result (GVariant *result)
{
  guint64 n_files = sc_dict_uint (result, "files");

  guint64 n_shown = sc_plan_print_changes (result);
  if (n_files > n_shown)
    g_print ("  and %" G_GUINT64_FORMAT " more files\n", n_files - n_shown);
  sc_plan_print_privileges (result, "privilege-losses", "What it may not do any more:");
  sc_plan_print_privileges (result, "privilege-gains", "What it could not do before:");
}

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GVariant) result = NULL;
  guint64 from = 0;
  guint64 to = 0;
  GError *error = NULL;
  int status = find_defaults (client, arguments[0], &from, &to);

  if (status != 0)
    return status;
  if ((arguments[1] != NULL && !parse_number (arguments[1], &from))
      || (arguments[1] != NULL && arguments[2] != NULL && !parse_number (arguments[2], &to)))
    return sc_client_usage_error ("diff needs numbers of deployments");
  if (from == NO_DEPLOYMENT)
    {
      g_set_error (&error, SYSCONT_ERROR, SYSCONT_ERROR_NO_PREVIOUS_DEPLOYMENT,
                   "\"%s\" has no deployment but the current one", arguments[0]);
      return sc_follow (client, NULL, error, &result);
    }
  GVariant *reply = sc_client_call (
      client, "Diff",
      g_variant_new ("(stt@a{sv})", arguments[0], from, to, sc_client_options (client, NULL)), NULL,
      &error);
  status = sc_follow (client, reply, error, &result);
  if (status != 0 || result == NULL)
    return status;
  if (client->json)
    sc_print_json ("result", result);
  else
    print_result (result);
  return 0;
}

const ScVerb sc_verb_diff = {
  .name = "diff",
  .arguments = "NAME [A] [B]",
  .summary = "Show what differs between two deployments",
  .description = "By default between the one that was current before and the current one. "
                 "\"syscontctl status NAME\" lists those that were kept.",
  .min_arguments = 1,
  .max_arguments = 3,
  .run = run,
};
