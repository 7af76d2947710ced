/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-privileges-private.h"

#include "deploy/sc-host-path.h"
#include "deploy/sc-unit-entries.h"

#include <string.h>

/* Settings that name other units, and what the container may do to them. */
static const struct
{
  const char *key;
  const char *word;
  ScRisk risk;
} relations[] = {
  { "Before", "before", SC_RISK_LOW },
  { "After", "after", SC_RISK_LOW },
  { "Wants", "wants", SC_RISK_LOW },
  { "Requires", "requires", SC_RISK_LOW },
  { "Requisite", "requisite", SC_RISK_LOW },
  { "BindsTo", "binds-to", SC_RISK_LOW },
  { "PartOf", "part-of", SC_RISK_LOW },
  { "Upholds", "upholds", SC_RISK_MEDIUM },
  { "Conflicts", "conflicts", SC_RISK_MEDIUM },
  { "OnFailure", "on-failure", SC_RISK_MEDIUM },
  { "OnSuccess", "on-success", SC_RISK_MEDIUM },
  { "PropagatesReloadTo", "propagates-reload-to", SC_RISK_MEDIUM },
  { "PropagatesStopTo", "propagates-stop-to", SC_RISK_MEDIUM },
  { "JoinsNamespaceOf", "joins-namespace-of", SC_RISK_MEDIUM },
  { "WantedBy", "wanted-by", SC_RISK_LOW },
  { "RequiredBy", "required-by", SC_RISK_MEDIUM },
  { "UpheldBy", "upheld-by", SC_RISK_MEDIUM },
};

/* What the whole machine may be made to do. */
static const char *const machine_actions[] = {
  "FailureAction",
  "SuccessAction",
  "StartLimitAction",
  "JobTimeoutAction",
};

/* What the runtime does with this very container and its config.json; anything else that it is told
 * to do is a program like any other. */
static gboolean
is_own_container (char **argv, const ScPrivilegeSources *sources)
{
  static const char *const verbs[] = { "create", "start", "run", "kill", "delete", "exec", NULL };
  g_autofree char *base = g_path_get_basename (argv[0]);
  gboolean is_runtime = g_strcmp0 (argv[0], sources->runtime) == 0 || g_str_equal (base, "runc")
                        || g_str_equal (base, "crun");

  if (!is_runtime || argv[1] == NULL || !g_strv_contains (verbs, argv[1])
      || !g_strv_contains ((const char *const *)argv, sources->name))
    return FALSE;
  for (char **arg = argv + 2; *arg != NULL; arg++)
    if (g_str_has_prefix (*arg, "-b") || g_str_has_prefix (*arg, "--bundle"))
      return FALSE;
  return TRUE;
}

static void
add_command (const ScPrivilegeSources *sources, GPtrArray *list, const char *text)
{
  const char *line = text + strspn (text, "@-:+!| \t");
  g_auto (GStrv) argv = NULL;

  if (!g_shell_parse_argv (line, NULL, &argv, NULL))
    {
      g_autofree char *program = g_strndup (line, strcspn (line, " \t"));
      if (*program != '\0')
        sc_privilege_list_add (list, SC_RISK_HIGH, "program:%s", program);
    }
  else if (!is_own_container (argv, sources))
    sc_privilege_list_add (list, SC_RISK_HIGH, "program:%s", argv[0]);
}

/* One setting may have several commands, with " ; " between them (systemd.service(5)). */
static void
add_commands (const ScPrivilegeSources *sources, GPtrArray *list, const char *value)
{
  g_auto (GStrv) commands = g_strsplit (value, " ; ", -1);

  for (char **command = commands; *command != NULL; command++)
    add_command (sources, list, *command);
}

static void
add_units (GPtrArray *list, const ScUnitEntry *entry)
{
  for (guint i = 0; i < G_N_ELEMENTS (relations); i++)
    {
      if (!g_str_equal (relations[i].key, entry->key))
        continue;
      g_auto (GStrv) names = g_strsplit_set (entry->value, " \t", -1);
      for (char **name = names; *name != NULL; name++)
        if (**name != '\0')
          sc_privilege_list_add (list, relations[i].risk, "unit:%s:%s", relations[i].word, *name);
    }
}

static void
add_action (GPtrArray *list, const ScUnitEntry *entry)
{
  for (guint i = 0; i < G_N_ELEMENTS (machine_actions); i++)
    if (g_str_equal (machine_actions[i], entry->key) && *entry->value != '\0'
        && !g_str_equal (entry->value, "none"))
      sc_privilege_list_add (list, SC_RISK_HIGH, "machine:%s", entry->value);
}

gboolean
sc_privileges_add_unit (const ScPrivilegeSources *sources,
                        GPtrArray *list,
                        gboolean *uses_runtime,
                        GError **error)
{
  g_autoptr (GPtrArray) entries
      = sc_unit_entries_parse ("service.template", sources->service, error);
  if (entries == NULL)
    return FALSE;

  for (guint i = 0; i < entries->len; i++)
    {
      const ScUnitEntry *entry = entries->pdata[i];
      gboolean is_service = g_str_equal (entry->section, "Service");
      if (!is_service)
        add_units (list, entry);
      else if (g_str_has_prefix (entry->key, "Exec") && *entry->value != '\0')
        add_commands (sources, list, entry->value);
      add_action (list, entry);
    }
  *uses_runtime
      = sc_unit_entries_run_runtime (entries, sources->runtime != NULL ? sources->runtime : "runc");
  return TRUE;
}

static void
add_line (const ScPrivilegeSources *sources, GPtrArray *list, const char *line)
{
  g_autofree char *plain = g_strdup (line);
  g_auto (GStrv) fields = g_strsplit_set (g_strstrip (plain), " \t", -1);

  if (fields[0] == NULL || *fields[0] == '\0' || *fields[0] == '#')
    return;
  for (char **field = fields + 1; *field != NULL; field++)
    if (**field == '/')
      {
        gboolean is_own = sc_privileges_is_own (sources, *field);
        sc_privilege_list_add (list, is_own ? SC_RISK_LOW : SC_RISK_MEDIUM, "tmpfiles:%s", *field);
        return;
      }
}

void
sc_privileges_add_tmpfiles (const ScPrivilegeSources *sources, GPtrArray *list)
{
  g_auto (GStrv) lines = g_strsplit (sources->tmpfiles != NULL ? sources->tmpfiles : "", "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    add_line (sources, list, *line);
}
