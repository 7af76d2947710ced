/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-authority-rules.h"

#include "dbus/sc-bus-names.h"
#include "service/sc-exported.h"

#include <string.h>

#define MAX_NAMES_IN_PROMPT 5
#define LOG_CONTROL         "org.freedesktop.LogControl1"

static const ScMethodRule rules[] = {
  { SYSCONT_MANAGER_INTERFACE, "Pull", SC_ACTION_PULL, "download the image" },
  { SYSCONT_MANAGER_INTERFACE, "ImportImage", SC_ACTION_PULL, "import the image" },
  { SYSCONT_MANAGER_INTERFACE, "ExportImage", SC_ACTION_PULL, "export the image" },
  { SYSCONT_MANAGER_INTERFACE, "Install", SC_ACTION_INSTALL, "install the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Adopt", SC_ACTION_INSTALL,
    "take over from atomic the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Adopt:accept", SC_ACTION_APPROVE_PRIVILEGES,
    "take over from atomic, and give more privileges to, the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Uninstall", SC_ACTION_UNINSTALL, "uninstall the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Start", SC_ACTION_MANAGE, "start the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Stop", SC_ACTION_MANAGE, "stop the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Restart", SC_ACTION_MANAGE, "restart the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Exec", SC_ACTION_EXEC, "run a program in the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Mount", SC_ACTION_MOUNT, "show the files of" },
  { SYSCONT_MANAGER_INTERFACE, "Unmount", SC_ACTION_MOUNT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "Update", SC_ACTION_UPDATE, "update the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Update:check", SC_ACTION_CHECK,
    "look for a new image of the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Update:to", SC_ACTION_UPDATE_TO,
    "choose another image for the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Update:values", SC_ACTION_SET_VALUES,
    "change the values of the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Update:to-with-values", SC_ACTION_INSTALL,
    "choose another image and values for the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Update:accept", SC_ACTION_APPROVE_PRIVILEGES,
    "give more privileges to the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Lint", SC_ACTION_CHECK, "look at what is wrong with the image" },
  { SYSCONT_MANAGER_INTERFACE, "Diff", SC_ACTION_CHECK,
    "compare deployments of the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Plan", SC_ACTION_CHECK, "plan a change of the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Plan:pull", SC_ACTION_PULL,
    "download what a plan needs for the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Rollback", SC_ACTION_ROLLBACK, "roll back the system container" },
  { SYSCONT_MANAGER_INTERFACE, "SetValues", SC_ACTION_SET_VALUES,
    "change the values of the system container" },
  { SYSCONT_MANAGER_INTERFACE, "SetValues:accept", SC_ACTION_APPROVE_PRIVILEGES,
    "give more privileges to the system container" },
  { SYSCONT_MANAGER_INTERFACE, "SetPolicy", SC_ACTION_CONFIGURE,
    "change how the system container is updated" },
  { SYSCONT_MANAGER_INTERFACE, "Hold", SC_ACTION_CONFIGURE, "hold the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Pin", SC_ACTION_CONFIGURE,
    "keep a deployment of the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Unpin", SC_ACTION_CONFIGURE,
    "no longer keep a deployment of the system container" },
  { SYSCONT_MANAGER_INTERFACE, "Unquarantine", SC_ACTION_UPDATE_TO,
    "let an image of the system container be tried again" },
  { SYSCONT_MANAGER_INTERFACE, "GetHistory", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "RemoveImage", SC_ACTION_STORAGE, "remove the image" },
  { SYSCONT_MANAGER_INTERFACE, "TagImage", SC_ACTION_STORAGE, "give another name to the image" },
  { SYSCONT_MANAGER_INTERFACE, "VerifyImages", SC_ACTION_STORAGE, "verify the images" },
  { SYSCONT_MANAGER_INTERFACE, "CheckImages", SC_ACTION_CHECK, "look for newer images than" },
  { SYSCONT_MANAGER_INTERFACE, "GetStorageInfo", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "Prune", SC_ACTION_STORAGE, NULL },
  { SYSCONT_MANAGER_INTERFACE, "Login", SC_ACTION_MANAGE_TRUST, "store a login for" },
  { SYSCONT_MANAGER_INTERFACE, "SetRegistryCredential", SC_ACTION_MANAGE_TRUST,
    "store a login for" },
  { SYSCONT_MANAGER_INTERFACE, "RemoveRegistryCredential", SC_ACTION_MANAGE_TRUST,
    "remove the login for" },
  { SYSCONT_MANAGER_INTERFACE, "InspectImage", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "ListImages", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "ListContainers", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "ListJobs", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "GetContainer", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "GetImage", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "GetJob", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "GetValues", SC_ACTION_SET_VALUES,
    "read the values of the system container" },
  { SYSCONT_MANAGER_INTERFACE, "CanAuthorize", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "Subscribe", SC_ACTION_INSPECT, NULL },
  { SYSCONT_MANAGER_INTERFACE, "Unsubscribe", SC_ACTION_INSPECT, NULL },
  { SYSCONT_JOB_INTERFACE, "Cancel", SC_ACTION_CANCEL_FOREIGN, NULL },
  { SYSCONT_JOB_INTERFACE, "Resize", NULL, NULL },
  { SYSCONT_JOB_INTERFACE, "Signal", NULL, NULL },
  { LOG_CONTROL, "Set", NULL, NULL },
}; /* a method that is not listed is refused */

const ScMethodRule *
sc_method_rule_find (const char *interface, const char *method)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rules); i++)
    if (strcmp (rules[i].interface, interface) == 0 && strcmp (rules[i].method, method) == 0)
      return &rules[i];
  return NULL;
}

static void
append_containers (GString *text, char *const *names)
{
  guint length = g_strv_length ((char **)names);

  for (guint i = 0; i < MIN (length, MAX_NAMES_IN_PROMPT); i++)
    g_string_append_printf (text, "%s\"%s\"", i == 0 ? " " : ", ", names[i]);
  if (length > MAX_NAMES_IN_PROMPT)
    g_string_append_printf (text, " and %u more", length - MAX_NAMES_IN_PROMPT);
}

/* Whatever goes in here has passed a grammar that allows neither control characters nor "$(", which
 * polkit would replace, nor markup. */
static char *
make_prompt (const ScMethodRule *self, const ScSubject *subject)
{
  g_autoptr (GString) text = g_string_new ("Authentication is required to ");
  gsize length = text->len;

  g_string_append (text, self->prompt);
  length = text->len;
  if (subject->containers != NULL)
    append_containers (text, subject->containers);
  if (subject->reference != NULL)
    g_string_append_printf (text, "%s \"%s\"", subject->containers != NULL ? " from the image" : "",
                            subject->reference->text);
  if (subject->image != NULL)
    g_string_append_printf (text, " \"%s\"", subject->image);
  if (subject->prefix != NULL)
    g_string_append_printf (text, " \"%s\"", subject->prefix);
  if (text->len == length)
    return NULL;
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
add_detail (GHashTable *details, const char *key, const char *value)
{
  if (value != NULL)
    g_hash_table_insert (details, g_strdup (key), g_strdup (value));
}

static void
describe_reference (GHashTable *details, const ScReference *reference)
{
  add_detail (details, "registry", reference->registry);
  add_detail (details, "repository", reference->repository);
  add_detail (details, "tag", reference->tag);
  add_detail (details, "digest", reference->digest);
}

static void
describe_prefix (GHashTable *details, const char *prefix)
{
  g_auto (GStrv) parts = g_strsplit (prefix, "/", 2);

  add_detail (details, "registry", parts[0]);
  add_detail (details, "repository", parts[1]);
}

GHashTable *
sc_method_rule_describe (const ScMethodRule *self, const ScSubject *subject)
{
  GHashTable *details = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autofree char *method = g_strndup (self->method, strcspn (self->method, ":"));
  g_autofree char *operation = sc_kebab_case (method);

  add_detail (details, "operation", operation);
  if (subject == NULL)
    return details;
  if (subject->containers != NULL)
    {
      g_autofree char *joined = g_strjoinv (" ", subject->containers);
      add_detail (details, "container", joined);
    }
  if (subject->reference != NULL)
    describe_reference (details, subject->reference);
  if (subject->prefix != NULL)
    describe_prefix (details, subject->prefix);
  add_detail (details, "image", subject->image);
  add_detail (details, "digest", subject->digest);
  add_detail (details, "from-digest", subject->from_digest);
  add_detail (details, "privileged", subject->privileged);
  if (self->prompt != NULL)
    {
      g_autofree char *prompt = make_prompt (self, subject);
      add_detail (details, "polkit.message", prompt);
    }
  return details;
}
