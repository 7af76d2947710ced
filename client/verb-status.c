/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"
#include "sc-terms.h"
#include "sc-unit-info.h"
#include "sc-verb.h"

#include <string.h>

static int n_lines = 10;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "lines", 'n', 0, G_OPTION_ARG_INT, &n_lines, "Lines of the journal to show, 10 by default",
      "N" },
    { 0 },
  };
  return entries;
}

/* Some states say more than that a service runs. */
static gboolean
is_running (const char *state)
{
  static const char *const running[]
      = { "running", "staged", "rolled-back", "blocked", "switching", "observing", NULL };

  return g_strv_contains (running, state);
}

static const char *
dot_of (const char *state)
{
  if (is_running (state))
    return "●";
  return strcmp (state, "failed") == 0 || strcmp (state, "damaged") == 0 ? "×" : "○";
}

static void
print_line (GVariant *container, const char *heading, const char *key)
{
  g_autofree char *value = sc_dict_string (container, key);
  g_autofree char *safe = sc_safe_text (value);

  g_print ("%12s: %s\n", heading, safe);
}

static void
print_deployments (GVariant *container)
{
  g_autoptr (GVariant) deployments
      = g_variant_lookup_value (container, "deployments", G_VARIANT_TYPE ("aa{sv}"));
  guint64 current = sc_dict_uint (container, "current-deployment");
  guint64 staged = sc_dict_uint (container, "staged-deployment");

  for (gsize i = 0; deployments != NULL && i < g_variant_n_children (deployments); i++)
    {
      g_autoptr (GVariant) deployment = g_variant_get_child_value (deployments, i);
      g_autofree char *digest = sc_dict_string (deployment, "digest");
      g_autofree char *short_digest = sc_short_digest (digest);
      g_autofree char *created = sc_format_time (sc_dict_uint (deployment, "created"));
      guint64 id = sc_dict_uint (deployment, "id");
      g_print ("%12s: %" G_GUINT64_FORMAT " %s, %s, by uid %" G_GUINT64_FORMAT "%s%s%s\n",
               "Deployment", id, short_digest, created, sc_dict_uint (deployment, "installed-by"),
               id == current ? " (current)" : "", id == staged ? " (staged)" : "",
               sc_dict_bool (deployment, "pinned") ? " (pinned)" : "");
    }
}

static void
print_policy (GVariant *container)
{
  g_autoptr (GVariant) policy
      = g_variant_lookup_value (container, "update-policy", G_VARIANT_TYPE_VARDICT);
  g_autofree char *mode = policy != NULL ? sc_dict_string (policy, "mode") : g_strdup ("none");
  g_autofree char *window = policy != NULL ? sc_dict_string (policy, "window") : g_strdup ("");
  guint64 min_age_s = policy != NULL ? sc_dict_uint (policy, "min-age-usec") / G_USEC_PER_SEC : 0;

  g_print ("%12s: %s", "Updates", mode);
  if (min_age_s > 0)
    g_print (", %" G_GUINT64_FORMAT " h after an image was seen first", min_age_s / 3600);
  if (*window != '\0')
    g_print (", from %s on, for %" G_GUINT64_FORMAT " min", window,
             sc_dict_uint (policy, "window-usec") / G_USEC_PER_SEC / 60);
  g_print ("\n");
}

static void
print_available (GVariant *container)
{
  g_autoptr (GVariant) available
      = g_variant_lookup_value (container, "available-update", G_VARIANT_TYPE_VARDICT);
  g_autofree char *digest = available != NULL ? sc_dict_string (available, "digest") : NULL;

  if (digest == NULL || *digest == '\0')
    return;
  g_autofree char *short_digest = sc_short_digest (digest);
  g_autofree char *seen = sc_format_time (sc_dict_uint (available, "first-seen"));
  g_print ("%12s: %s, seen first %s%s\n", "Available", short_digest, seen,
           sc_dict_bool (available, "quarantined") ? " (quarantined)" : "");
}

static void
print_updates (GVariant *container)
{
  g_autofree char *quarantine = sc_dict_joined (container, "quarantine");
  g_autofree char *hold_reason = sc_dict_string (container, "hold-reason");
  g_autofree char *state_reason = sc_dict_string (container, "state-reason");
  guint64 held_until = sc_dict_uint (container, "held-until");

  if (*state_reason != '\0')
    print_line (container, "Reason", "state-reason");
  print_policy (container);
  print_available (container);
  if (held_until > (guint64)g_get_real_time ())
    {
      g_autofree char *time
          = held_until >= G_MAXINT64 ? g_strdup ("it is released") : sc_format_time (held_until);
      g_autofree char *safe = sc_safe_text (hold_reason);
      g_print ("%12s: until %s%s%s\n", "Held", time, *safe != '\0' ? ", " : "", safe);
    }
  if (*quarantine != '\0')
    g_print ("%12s: %s\n", "Quarantine", quarantine);
}

static void
print_privileges (GVariant *container)
{
  g_autoptr (GVariant) privileges
      = g_variant_lookup_value (container, "privileges", G_VARIANT_TYPE ("aa{sv}"));

  if (privileges == NULL || g_variant_n_children (privileges) == 0)
    return;
  g_print ("%12s:\n", "Privileges");
  sc_terms_print_privileges (privileges, FALSE);
}

/* (transfer full): its row of the list, so that --json has the same keys here and there */
static GVariant *
find (ScClient *client, const char *name, GError **error)
{
  g_autoptr (GVariant) reply = sc_client_call (
      client, "ListContainers", g_variant_new_parsed ("({'name': <%s>},)", name), NULL, error);
  g_autoptr (GVariant) rows = reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;

  if (rows == NULL)
    return NULL;
  if (g_variant_n_children (rows) > 0)
    return g_variant_get_child_value (rows, 0);
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND, "there is no container \"%s\"", name);
  return NULL;
}

/* As systemctl says it */
static char *
format_age (guint64 time_usec)
{
  static const struct
  {
    guint64 seconds;
    const char *unit;
  } units[] = { { 24 * 3600, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
  guint64 now_usec = (guint64)g_get_real_time ();
  guint64 age_s = now_usec > time_usec ? (now_usec - time_usec) / G_USEC_PER_SEC : 0;
  guint i = 0;

  while (i + 1 < G_N_ELEMENTS (units) && age_s < units[i].seconds)
    i++;
  return g_strdup_printf ("%" G_GUINT64_FORMAT "%s ago", age_s / units[i].seconds, units[i].unit);
}

static void
print_unit (GVariant *info)
{
  g_autofree char *active = sc_dict_string (info, "active-state");
  g_autofree char *sub = sc_dict_string (info, "sub-state");
  guint64 since_usec = sc_dict_uint (info, "since");
  g_auto (GStrv) drop_ins = NULL;

  g_print ("%12s: %s (%s)", "Active", active, sub);
  if (since_usec > 0)
    {
      g_autofree char *time = sc_format_time (since_usec);
      g_autofree char *age = format_age (since_usec);
      g_print (" since %s; %s", time, age);
    }
  g_print ("\n");
  g_variant_lookup (info, "drop-ins", "^as", &drop_ins);
  for (guint i = 0; drop_ins != NULL && drop_ins[i] != NULL; i++)
    {
      g_autofree char *safe = sc_safe_text (drop_ins[i]);
      g_print ("%12s: %s\n", "Drop-In", safe);
    }
}

static void
print_last_job (ScClient *client, GVariant *container)
{
  g_autofree char *path = sc_dict_string (container, "last-job");
  g_autoptr (GVariant) job
      = strlen (path) > 1 ? sc_client_get_properties (client, path, SYSCONT_JOB_INTERFACE, NULL)
                          : NULL;

  if (job == NULL)
    return;
  g_autofree char *type = sc_dict_string (job, "Type");
  g_autofree char *state = sc_dict_string (job, "State");
  g_autofree char *message = sc_dict_string (job, "ErrorMessage");
  g_autofree char *safe = sc_safe_text (message);
  g_autofree char *time = sc_format_time (sc_dict_uint (job, "EndTime"));
  g_print ("%12s: %" G_GUINT64_FORMAT " %s, %s, %s%s%s\n", "Last job", sc_dict_uint (job, "Id"),
           type, state, time, *safe != '\0' ? ": " : "", safe);
}

static void
print_container (ScClient *client, GVariant *container, GVariant *info, char **log)
{
  g_autofree char *state = sc_dict_string (container, "state");
  g_autofree char *name = sc_dict_string (container, "name");

  g_print ("%s %s\n", dot_of (state), name);
  print_line (container, "State", "state");
  print_unit (info);
  print_line (container, "Health", "health");
  print_line (container, "Unit", "unit");
  print_line (container, "Image", "reference");
  print_line (container, "Digest", "digest");
  print_line (container, "Source", "source");
  print_deployments (container);
  print_updates (container);
  print_privileges (container);
  print_last_job (client, container);
  if (log[0] != NULL)
    g_print ("\n");
  for (guint i = 0; log[i] != NULL; i++)
    {
      g_autofree char *safe = sc_safe_text (log[i]);
      g_print ("%s\n", safe);
    }
}

/* Its row of the list, and what systemd and the journal say */
static GVariant *
to_json (GVariant *container, GVariant *info, char **log)
{
  g_auto (GVariantDict) row = G_VARIANT_DICT_INIT (container);

  g_variant_dict_insert_value (&row, "unit-state", info);
  g_variant_dict_insert (&row, "log", "^as", log);
  return g_variant_dict_end (&row);
}

static int
show (ScClient *client, const char *name, GVariantBuilder *json)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (
      client, "GetContainer", g_variant_new_parsed ("(%s, @a{sv} {})", name), NULL, &error);

  if (reply == NULL)
    return sc_client_fail (error);
  g_autoptr (GVariant) container = find (client, name, &error);
  if (container == NULL)
    return sc_client_fail (error);

  g_autofree char *state = sc_dict_string (container, "state");
  g_autofree char *unit = sc_dict_string (container, "unit");
  g_autoptr (GVariant) info = *unit != '\0' ? sc_unit_info_get (client->bus, unit) : NULL;
  g_auto (GStrv) log
      = *unit != '\0' ? sc_unit_info_get_log (unit, (guint)n_lines) : g_new0 (char *, 1);
  if (info == NULL)
    info = g_variant_ref_sink (g_variant_new_parsed ("@a{sv} {}"));
  if (client->json)
    g_variant_builder_add_value (json, to_json (container, info, log));
  else
    print_container (client, container, info, log);
  /* as systemctl status has it: 3 for what does not run */
  return is_running (state) ? 0 : 3;
}

static int
run (ScClient *client, char **arguments)
{
  GVariantBuilder json;
  int status = 0;

  if (n_lines < 0)
    return sc_client_usage_error ("--lines needs a number of lines");
  g_variant_builder_init (&json, G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = 0; arguments[i] != NULL; i++)
    {
      int one = show (client, arguments[i], &json);
      status = status != 0 ? status : one;
    }
  g_autoptr (GVariant) containers = g_variant_ref_sink (g_variant_builder_end (&json));
  if (client->json)
    sc_print_json ("containers", containers);
  return status;
}

const ScVerb sc_verb_status = {
  .name = "status",
  .arguments = "NAME…",
  .summary = "Show system containers in detail",
  .description
  = "Exits with 0 when all of them run, with 3 otherwise. More of their output is shown "
    "by \"logs\".",
  .options = options,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
