/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-exports-dir.h"
#include "sc-follow.h"
#include "sc-plan-report.h"
#include "sc-printer.h"
#include "sc-pull.h"
#include "sc-values.h"
#include "sc-verb.h"

#include <ftw.h>
#include <stdio.h>
#include <string.h>

#define EXIT_PROBLEMS 7

static char **values;
static gboolean strict;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &values, "Set a variable of the image's templates",
      "KEY=VALUE" },
    { "strict", 0, 0, G_OPTION_ARG_NONE, &strict, "Warnings and values without a default count too",
      NULL },
    { 0 },
  };
  return entries;
}

static int
remove_one (const char *path, const struct stat *st, int type, struct FTW *ftw)
{
  return remove (path);
}

/* Brings it into the store without a name; @digest: (out) (transfer full) */
static int
import (ScClient *client, const char *image, char **digest)
{
  g_autoptr (GVariant) result = NULL;
  ScClient waiting = *client;
  const ScPullRequest pull = { .image = image, .name_as = "image:latest", .is_unnamed = TRUE };

  waiting.no_block = FALSE;
  int status = sc_pull_run (&waiting, &pull, &result);
  client->bus = waiting.bus;
  client->agent = waiting.agent;
  if (status == 0)
    *digest = sc_dict_string (result, "digest");
  return status;
}

static int
import_directory (ScClient *client, const char *path, char **digest)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *layout = g_dir_make_tmp ("syscont-lint-XXXXXX", &error);
  if (layout == NULL)
    return sc_client_fail (error);

  int status = 0;
  g_autofree char *image = g_strdup_printf ("oci:%s:latest", layout);
  if (!sc_exports_dir_write_layout (path, layout, &error))
    status = sc_client_fail (error);
  else
    status = import (client, image, digest);
  (void)nftw (layout, remove_one, 16, FTW_DEPTH | FTW_PHYS);
  if (status == 0 && !sc_exports_dir_has_config (path))
    g_printerr ("note: it has no config.json: what it runs is left to the image's config\n");
  return status;
}

/* TRUE when the exit status is to say so. */
static gboolean
has_problems (GVariant *result)
{
  g_autoptr (GVariant) problems
      = g_variant_lookup_value (result, "problems", G_VARIANT_TYPE ("aa{sv}"));
  g_autofree char *missing = sc_dict_joined (result, "missing-values");
  gboolean found = strict && *missing != '\0';

  for (gsize i = 0; problems != NULL && i < g_variant_n_children (problems); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (problems, i);
      g_autofree char *level = sc_dict_string (row, "level");
      found = found || strict || g_str_equal (level, "error");
    }
  return found;
}

static void
print_result (GVariant *result)
{
  g_autoptr (GVariant) problems
      = g_variant_lookup_value (result, "problems", G_VARIANT_TYPE ("aa{sv}"));
  g_autofree char *missing = sc_dict_joined (result, "missing-values");

  for (gsize i = 0; problems != NULL && i < g_variant_n_children (problems); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (problems, i);
      g_autofree char *level = sc_dict_string (row, "level");
      g_autofree char *message = sc_dict_string (row, "message");
      g_autofree char *safe = sc_safe_text (message);
      g_print ("%s: %s\n", level, safe);
    }
  if (*missing != '\0')
    g_print ("to be set: %s\n", missing);
  sc_plan_print_privileges (result, "privileges", "What it may do:");
}

static int
lint (ScClient *client, const char *image)
{
  g_autoptr (GVariant) result = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (!sc_values_add (values, &builder))
    {
      g_variant_builder_clear (&builder);
      return sc_client_usage_error ("--set needs KEY=VALUE");
    }
  const ScJobCall call
      = { .method = "Lint",
          .arguments = g_variant_new ("(s@a{sv})", image, sc_client_options (client, &builder)) };
  int status = sc_follow_call (client, &call, &result);
  if (status != 0 || result == NULL)
    return status;
  if (client->json)
    sc_print_json ("result", result);
  else
    print_result (result);
  return has_problems (result) ? EXIT_PROBLEMS : 0;
}

static int
run (ScClient *client, char **arguments)
{
  g_autofree char *digest = NULL;
  int status = 0;

  gboolean is_path = strchr (arguments[0], '/') != NULL;

  if (is_path && g_file_test (arguments[0], G_FILE_TEST_IS_DIR)
      && !sc_exports_dir_is (arguments[0]))
    return sc_client_usage_error ("\"%s\" has neither \"exports\" nor templates in it; of an image "
                                  "layout write oci:%s",
                                  arguments[0], arguments[0]);
  if (sc_exports_dir_is (arguments[0]))
    status = import_directory (client, arguments[0], &digest);
  else if (sc_pull_is_local (arguments[0]))
    status = import (client, arguments[0], &digest);
  if (status != 0)
    return status;
  return lint (client, digest != NULL ? digest : arguments[0]);
}

const ScVerb sc_verb_lint = {
  .name = "lint",
  .arguments = "IMAGE|DIRECTORY",
  .summary = "Look at an image for whoever builds it",
  .description
  = "IMAGE is one of the store, or an image layout or archive as \"pull\" takes it; DIRECTORY has "
    "templates, in \"exports\" or itself. Exits with 7 when it could not be installed.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
