/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-plan-report.h"

#include "sc-follow.h"
#include "sc-printer.h"
#include "sc-question.h"
#include "sc-terms.h"

#include <string.h>
#include <unistd.h>

static GVariant *
merge (GVariant *arguments, GVariant *options)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (arguments);
  g_auto (GVariantDict) merged = G_VARIANT_DICT_INIT (options);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, owned);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (&merged, key, value);
  return g_variant_dict_end (&merged);
}

int
sc_plan_make (ScClient *client, const ScPlannedCall *call, GVariant **result)
{
  ScClient waiting = *client;
  GError *error = NULL;

  waiting.no_block = FALSE;
  GVariant *reply = sc_client_call (&waiting, "Plan",
                                    g_variant_new ("(s@a{sv}@a{sv})", call->method,
                                                   merge (call->arguments, call->options),
                                                   sc_client_options (&waiting, NULL)),
                                    call->fds, &error);
  int status = sc_follow (&waiting, reply, error, result);
  client->bus = waiting.bus;
  client->agent = waiting.agent;
  return status;
}

static void G_GNUC_PRINTF (2, 3) print (gboolean to_stdout, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  if (to_stdout)
    g_print ("%s", text);
  else
    g_printerr ("%s", text);
}

static void
print_diff (const char *diff)
{
  g_auto (GStrv) lines = g_strsplit (diff, "\n", -1);

  for (guint i = 0; lines[i] != NULL && *lines[i] != '\0'; i++)
    {
      g_autofree char *safe = sc_safe_text (lines[i]);
      g_print ("    %s\n", safe);
    }
}

static void
print_change (GVariant *row, gboolean with_diffs)
{
  g_autofree char *kind = sc_dict_string (row, "kind");
  g_autofree char *action = sc_dict_string (row, "action");
  g_autofree char *name = sc_dict_string (row, "name");
  g_autofree char *diff = sc_dict_string (row, "diff");
  g_autofree char *safe = sc_safe_text (name);
  gboolean is_file = g_str_has_prefix (kind, "host-") || g_str_equal (kind, "file");
  gboolean says_all = is_file || g_str_equal (kind, "service") || g_str_equal (kind, "value");

  if (!with_diffs && !says_all)
    return;
  print (with_diffs, "  %-7s %s%s%s\n", action, is_file ? "" : kind, is_file ? "" : " ", safe);
  if (with_diffs)
    print_diff (diff);
}

static void
print_head (GVariant *plan, gboolean with_diffs)
{
  g_autofree char *operation = sc_dict_string (plan, "operation");
  g_autofree char *name = sc_dict_string (plan, "name");
  g_autofree char *reference = sc_dict_string (plan, "reference");
  g_autofree char *digest = sc_dict_string (plan, "digest");
  g_autofree char *short_digest = sc_short_digest (digest);
  g_autofree char *space = g_format_size (sc_dict_uint (plan, "space-bytes"));
  g_autofree char *download = g_format_size (sc_dict_uint (plan, "download-bytes"));

  print (with_diffs, "%s %s", operation, name);
  if (*digest != '\0')
    print (with_diffs, ": %s (%s)", reference, short_digest);
  print (with_diffs, "\n");
  if (sc_dict_uint (plan, "space-bytes") > 0)
    print (with_diffs, "  a new image, %s downloaded, %s in the store\n", download, space);
}

static void
print_privileges (GVariant *plan, const char *key, const char *heading, gboolean with_diffs)
{
  g_autoptr (GVariant) privileges = g_variant_lookup_value (plan, key, G_VARIANT_TYPE ("aa{sv}"));

  if (privileges == NULL || g_variant_n_children (privileges) == 0)
    return;
  print (with_diffs, "%s\n", heading);
  sc_terms_print_privileges (privileges, !with_diffs);
}

guint64
sc_plan_print_changes (GVariant *result)
{
  g_autoptr (GVariant) changes
      = g_variant_lookup_value (result, "changes", G_VARIANT_TYPE ("aa{sv}"));
  guint64 n_files = 0;

  for (gsize i = 0; changes != NULL && i < g_variant_n_children (changes); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (changes, i);
      g_autofree char *kind = sc_dict_string (row, "kind");
      print_change (row, TRUE);
      n_files += g_str_equal (kind, "file");
    }
  return n_files;
}

void
sc_plan_print_privileges (GVariant *result, const char *key, const char *heading)
{
  print_privileges (result, key, heading, TRUE);
}

/* @with_diffs: also how files differ; otherwise for a question, to standard error */
static void
print_plan (GVariant *plan, gboolean with_diffs)
{
  g_autoptr (GVariant) changes
      = g_variant_lookup_value (plan, "changes", G_VARIANT_TYPE ("aa{sv}"));
  g_autofree char *operation = sc_dict_string (plan, "operation");

  if (!sc_dict_bool (plan, "changed"))
    {
      g_autofree char *name = sc_dict_string (plan, "name");
      print (with_diffs, "%s: nothing to do\n", name);
      return;
    }
  print_head (plan, with_diffs);
  for (gsize i = 0; changes != NULL && i < g_variant_n_children (changes); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (changes, i);
      print_change (row, with_diffs);
    }
  print_privileges (plan, "privileges", "What it may do then:", with_diffs);
  if (!g_str_equal (operation, "install"))
    print_privileges (plan, "privilege-gains", "What it may not do now:", with_diffs);
  sc_report_notes (plan);
  if (with_diffs)
    {
      g_autofree char *id = sc_dict_string (plan, "plan-id");
      g_print ("Plan %s\n", id);
    }
}

int
sc_plan_agree (ScClient *client, const ScPlannedCall *call, GVariant **plan)
{
  int status = sc_plan_make (client, call, plan);

  if (status != 0 || !sc_dict_bool (*plan, "changed"))
    return status;
  print_plan (*plan, FALSE);
  return sc_question_confirm ();
}

int
sc_plan_show (ScClient *client, const ScPlannedCall *call)
{
  g_autoptr (GVariant) result = NULL;
  int status = sc_plan_make (client, call, &result);

  if (status != 0 || result == NULL)
    return status;
  if (client->json)
    sc_print_json ("result", result);
  else
    print_plan (result, TRUE);
  return sc_report_changed (client, result);
}

/* What was sent with the plan before has been read. */
static void
rewind_fds (GUnixFDList *list)
{
  int n = 0;
  const int *fds = list != NULL ? g_unix_fd_list_peek_fds (list, &n) : NULL;

  for (int i = 0; i < n; i++)
    (void)lseek (fds[i], 0, SEEK_SET);
}

/* @plans: (nullable): takes what is to be printed with the others */
static int
show_one (ScClient *client, const ScPlannedCall *call, const char *name, GVariantBuilder *plans)
{
  const char *const names[] = { name, NULL };
  g_autoptr (GVariant) plan = NULL;
  ScPlannedCall one = *call;

  one.arguments = g_variant_new_parsed ("{'names': <%^as>}", names);
  rewind_fds (call->fds);
  if (plans == NULL)
    return sc_plan_show (client, &one);
  int status = sc_plan_make (client, &one, &plan);
  if (status != 0 || plan == NULL)
    return status;
  g_variant_builder_add_value (plans, plan);
  return sc_report_changed (client, plan);
}

int
sc_plan_show_each (ScClient *client, const ScPlannedCall *call, char **names)
{
  gboolean is_list = client->json && g_strv_length (names) > 1;
  g_auto (GVariantBuilder) plans = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  gboolean is_unchanged = TRUE;
  int status = 0;

  for (guint i = 0; names[i] != NULL; i++)
    {
      int ended = show_one (client, call, names[i], is_list ? &plans : NULL);
      if (ended == 0)
        is_unchanged = FALSE;
      else if (ended != client->unchanged_exit && status == 0)
        status = ended;
    }
  if (is_list)
    sc_print_json ("results", g_variant_builder_end (&plans));
  return status == 0 && is_unchanged ? client->unchanged_exit : status;
}
