/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-health-options.h"
#include "sc-plan-report.h"
#include "sc-printer.h"
#include "sc-pull.h"
#include "sc-question.h"
#include "sc-stdio.h"
#include "sc-terms.h"
#include "sc-values.h"
#include "sc-verb.h"

#include <string.h>

static char *name;
static char *name_as;
static char *platform;
static char *authfile;
static char *digest;
static char *system_package;
static char **values;
static char **secrets;
static char **allow_host_paths;
static char *writable;
static gboolean now;
static gboolean no_enable;
static gboolean dry_run;
static gboolean yes;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "name", 'n', 0, G_OPTION_ARG_STRING, &name, "Name of the container and its unit", "NAME" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &values, "Set a variable of the image's templates",
      "KEY=VALUE" },
    { "secret", 0, 0, G_OPTION_ARG_STRING_ARRAY, &secrets,
      "Set a variable to what a file holds, and show it to nobody", "KEY=FILE" },
    { "now", 0, 0, G_OPTION_ARG_NONE, &now, "Start it too", NULL },
    { "no-enable", 0, 0, G_OPTION_ARG_NONE, &no_enable, "Do not start it at boot", NULL },
    { "digest", 0, 0, G_OPTION_ARG_STRING, &digest, "Only if the image has this digest", "DIGEST" },
    { "allow-host-path", 0, 0, G_OPTION_ARG_STRING_ARRAY, &allow_host_paths,
      "Let the image have files there too, outside AllowedPrefixes=", "PATH" },
    { "writable", 0, 0, G_OPTION_ARG_STRING, &writable,
      "What becomes of writes to a root that may be written to", "persistent|volatile" },
    { "name-as", 0, 0, G_OPTION_ARG_STRING, &name_as,
      "Name to store an image layout or archive under", "REF" },
    { "platform", 0, 0, G_OPTION_ARG_STRING, &platform,
      "Platform to take from a multi-platform image", "OS/ARCH" },
    { "authfile", 0, 0, G_OPTION_ARG_FILENAME, &authfile,
      "Use the logins of this auth.json first; - for standard input", "FILE" },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only show what would be done", NULL },
    { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "Do not ask before it is installed", NULL },
    SC_TERMS_ACCEPT_OPTION ("Fail when it asks for more than this and the like"),
    { "system-package", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &system_package,
      "Only \"no\"", "no" },
    { 0 },
  };
  return entries;
}

typedef struct
{
  GVariant *options; /* (owned) a{sv} */
  GUnixFDList *fds;  /* (owned) (nullable) what goes with them */
} Options;

static void
options_clear (Options *self)
{
  g_clear_pointer (&self->options, g_variant_unref);
  g_clear_object (&self->fds);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static int
make_options (ScClient *client, const char *plan_id, Options *own)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder builder;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (!sc_values_add (values, &builder))
    {
      g_variant_builder_clear (&builder);
      return sc_client_usage_error ("--set needs KEY=VALUE");
    }
  if (!sc_health_options_add (&builder, &error)
      || !sc_pull_add_auth (authfile, &builder, &own->fds, &error))
    {
      g_variant_builder_clear (&builder);
      return sc_client_fail (error);
    }
  /* what an image says that is to be run once */
  GVariant *handles = sc_stdio_new_handles (NULL, TRUE, &own->fds, &error);
  if (handles != NULL)
    g_variant_builder_add (&builder, "{sv}", "stdio", handles);
  if (handles == NULL || !sc_secrets_add (secrets, &builder, &own->fds, &error))
    {
      g_variant_builder_clear (&builder);
      return sc_client_fail (error);
    }
  if (writable != NULL)
    g_variant_builder_add (&builder, "{sv}", "writable", g_variant_new_string (writable));
  g_variant_builder_add (&builder, "{sv}", "start", g_variant_new_boolean (now));
  g_variant_builder_add (&builder, "{sv}", "enable", g_variant_new_boolean (!no_enable));
  if (digest != NULL)
    g_variant_builder_add (&builder, "{sv}", "digest", g_variant_new_string (digest));
  if (platform != NULL)
    g_variant_builder_add (&builder, "{sv}", "platform", g_variant_new_string (platform));
  if (allow_host_paths != NULL)
    g_variant_builder_add (&builder, "{sv}", "allow-host-paths",
                           g_variant_new_strv ((const char *const *)allow_host_paths, -1));
  if (plan_id != NULL)
    g_variant_builder_add (&builder, "{sv}", "plan-id", g_variant_new_string (plan_id));
  sc_terms_add (&builder);
  own->options = g_variant_ref_sink (sc_client_options (client, &builder));
  return 0;
}

/* The last component of an object path, decoded; "" when it is none of a container. */
static char *
name_of (GVariant *result)
{
  g_autofree char *path = sc_dict_string (result, "container");
  const char *label = strrchr (path, '/');
  GString *text = g_string_new (NULL);

  for (const char *p = label != NULL ? label + 1 : ""; *p != '\0'; p++)
    if (p[0] == '_' && g_ascii_isxdigit (p[1]) && g_ascii_isxdigit (p[2]))
      {
        g_string_append_c (text,
                           (char)(g_ascii_xdigit_value (p[1]) * 16 + g_ascii_xdigit_value (p[2])));
        p += 2;
      }
    else
      g_string_append_c (text, *p);
  return g_string_free (text, FALSE);
}

static void
print_result (GVariant *result)
{
  g_autofree char *container = name_of (result);
  g_autofree char *reference = sc_dict_string (result, "reference");

  if (!sc_dict_bool (result, "changed"))
    g_print ("%s is already present, with the same image and values\n", container);
  else if (now)
    g_print ("installed and started %s from %s\n", container, reference);
  else
    g_print ("installed %s from %s; start it with \"syscontctl start %s\"\n", container, reference,
             container);
  sc_report_notes (result);
}

static const char *
find_mistake (const char *image)
{
  gboolean is_local = sc_pull_is_local (image);

  if (system_package != NULL && !g_str_equal (system_package, "no")
      && !g_str_equal (system_package, "auto"))
    return "--system-package: packages are not made; leave the option out";
  if (authfile != NULL && is_local)
    return "--authfile is for registries only";
  if (name_as != NULL && !is_local)
    return "--name-as is for layouts and archives only";
  if (dry_run && is_local)
    return "--dry-run is for images of the store and of registries; \"pull\" brings others there";
  return NULL;
}

/* (transfer floating) */
static GVariant *
planned_arguments (const char *reference)
{
  return g_variant_new_parsed ("{'reference': <%s>, 'name': <%s>}", reference,
                               name != NULL ? name : "");
}

/* Shows what it would do; then @own say that it shall be that. */
static int
ask (ScClient *client, const char *reference, Options *own)
{
  g_autoptr (GVariant) plan = NULL;
  const ScPlannedCall call = { "Install", planned_arguments (reference), own->options, own->fds };
  int status = sc_plan_agree (client, &call, &plan);

  if (status != 0 || !sc_dict_bool (plan, "changed"))
    return status;
  g_autofree char *plan_id = sc_dict_string (plan, "plan-id");
  options_clear (own);
  return make_options (client, plan_id, own);
}

static int
install (ScClient *client, const char *reference, const Options *own)
{
  g_autoptr (GVariant) result = NULL;
  GError *error = NULL;
  int exit_status = 0;
  GVariant *reply = sc_client_call (
      client, "Install",
      g_variant_new ("(ss@a{sv})", reference, name != NULL ? name : "", own->options), own->fds,
      &error);
  int status = sc_follow (client, reply, error, &result);

  if (status != 0 || result == NULL)
    return status;
  gboolean has_run = g_variant_lookup (result, "exit-status", "i", &exit_status);
  if (client->json)
    sc_print_json ("result", result);
  else if (!client->quiet && !has_run)
    print_result (result);
  return has_run ? exit_status : sc_report_changed (client, result);
}

static int
run (ScClient *client, char **arguments)
{
  g_autofree char *reference = NULL;
  g_auto (Options) own = { 0 };
  const ScPullRequest pull = { .image = arguments[0], .name_as = name_as, .platform = platform };
  const char *mistake = find_mistake (arguments[0]);

  if (mistake != NULL)
    return sc_client_usage_error ("%s", mistake);
  int status = make_options (client, NULL, &own);
  if (status == 0)
    status = sc_pull_first (client, &pull, &reference);
  if (status == 0 && dry_run)
    return sc_plan_show (
        client, &(ScPlannedCall){ "Install", planned_arguments (reference), own.options, own.fds });
  if (status == 0 && !yes && g_strcmp0 (authfile, "-") != 0 && sc_question_is_possible (client))
    status = ask (client, reference, &own);
  return status != 0 ? status : install (client, reference, &own);
}

const ScVerb sc_verb_install = {
  .name = "install",
  .arguments = "IMAGE",
  .summary = "Install an image as a system container",
  .description = "IMAGE is the name of an image that was pulled, or anything that \"pull\" takes. "
                 "The container is enabled, and "
                 "started only with --now. On a terminal it is shown what it may do on this "
                 "machine, and asked whether that is right.",
  .options = options,
  .more_options = sc_health_option_entries,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
