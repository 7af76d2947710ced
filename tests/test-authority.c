/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dbus/sc-bus-names.h"
#include "sc-bus-generated.h"
#include "service/sc-authority-rules.h"
#include "service/sc-authority.h"

#include <string.h>

typedef struct
{
  guint calls;
  ScVerdict verdict;
} Answer;

static void
on_verdict (ScVerdict verdict, ScCaller *caller, gpointer user_data)
{
  Answer *answer = user_data;

  answer->calls++;
  answer->verdict = verdict;
}

static Answer
check (const char *interface, const char *method)
{
  g_autoptr (ScCallers) callers = sc_callers_new (NULL);
  g_autoptr (ScAuthority) authority = sc_authority_new (callers);
  const ScQuestion question = { .interface = interface, .method = method };
  Answer answer = { 0 };

  sc_authority_check (authority, ":1.1", &question, on_verdict, &answer);
  return answer;
}

static void
assert_all_listed (GDBusInterfaceInfo *info)
{
  for (gsize i = 0; info->methods != NULL && info->methods[i] != NULL; i++)
    {
      const ScMethodRule *rule = sc_method_rule_find (info->name, info->methods[i]->name);

      if (rule == NULL)
        g_error ("%s.%s is not in the table", info->name, info->methods[i]->name);
      if (rule->action == NULL) /* root's, and of who started the job */
        g_assert_cmpstr (info->name, ==, SYSCONT_JOB_INTERFACE);
      else
        g_assert_true (g_str_has_prefix (rule->action, "org.syscont."));
    }
}

static void
test_rules_know_every_method (void)
{
  assert_all_listed (syscont_manager_interface_info ());
  assert_all_listed (syscont_job_interface_info ());
  assert_all_listed (syscont_container_interface_info ());
  assert_all_listed (syscont_image_interface_info ());
}

/* Writing a property is no method call of the interface, so that there must be none to write. */
static void
test_properties_are_read_only (void)
{
  GDBusInterfaceInfo *infos[]
      = { syscont_manager_interface_info (), syscont_job_interface_info (),
          syscont_container_interface_info (), syscont_image_interface_info () };

  for (gsize i = 0; i < G_N_ELEMENTS (infos); i++)
    for (gsize j = 0; infos[i]->properties[j] != NULL; j++)
      g_assert_cmpint (infos[i]->properties[j]->flags, ==, G_DBUS_PROPERTY_INFO_FLAGS_READABLE);
}

typedef struct
{
  const char *name;
  const char *interface;
  const char *method;
} MadeUp;

static const MadeUp made_up[] = {
  { "unknown-method", SYSCONT_MANAGER_INTERFACE, "Destroy" },
  { "other-case", SYSCONT_MANAGER_INTERFACE, "install" },
  { "empty", SYSCONT_MANAGER_INTERFACE, "" },
  { "other-interface", SYSCONT_JOB_INTERFACE, "Install" },
  { "unknown-interface", "org.example.Manager", "Install" },
};

static void
test_check_refuses (gconstpointer data)
{
  const MadeUp *row = data;

  Answer answer = check (row->interface, row->method);

  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_cmpint (answer.verdict, ==, SC_VERDICT_DENIED);
}

/* DB02 */
static void
test_check_unknown_caller_is_gone (void)
{
  Answer answer = check (SYSCONT_MANAGER_INTERFACE, "ListImages");

  g_assert_cmpuint (answer.calls, ==, 1);
  g_assert_cmpint (answer.verdict, ==, SC_VERDICT_GONE);
}

static GHashTable *
describe (const char *method, const ScSubject *subject)
{
  const ScMethodRule *rule = sc_method_rule_find (SYSCONT_MANAGER_INTERFACE, method);

  g_assert_nonnull (rule);
  return sc_method_rule_describe (rule, subject);
}

static void
test_describe_install (void)
{
  char *containers[] = { (char *)"etcd", NULL };
  char digest[] = "sha256:0123";
  g_autoptr (ScReference) reference
      = sc_reference_parse ("registry.example.com/infra/etcd:3", NULL);
  const ScSubject subject = { .containers = containers, .reference = reference, .digest = digest };

  g_autoptr (GHashTable) details = describe ("Install", &subject);

  g_assert_cmpstr (g_hash_table_lookup (details, "operation"), ==, "install");
  g_assert_cmpstr (g_hash_table_lookup (details, "container"), ==, "etcd");
  g_assert_cmpstr (g_hash_table_lookup (details, "registry"), ==, "registry.example.com");
  g_assert_cmpstr (g_hash_table_lookup (details, "repository"), ==, "infra/etcd");
  g_assert_cmpstr (g_hash_table_lookup (details, "tag"), ==, "3");
  g_assert_cmpstr (g_hash_table_lookup (details, "digest"), ==, "sha256:0123");
  g_assert_cmpstr (g_hash_table_lookup (details, "polkit.message"), ==,
                   "Authentication is required to install the system container \"etcd\" from the "
                   "image \"registry.example.com/infra/etcd:3\"");
}

static void
test_describe_plan (void)
{
  char *containers[] = { (char *)"etcd", NULL };
  char digest[] = "sha256:0123";
  char from_digest[] = "sha256:4567";
  const ScSubject subject = {
    .containers = containers, .digest = digest, .from_digest = from_digest, .privileged = "no"
  };

  g_autoptr (GHashTable) details = describe ("Update", &subject);

  g_assert_cmpstr (g_hash_table_lookup (details, "digest"), ==, "sha256:0123");
  g_assert_cmpstr (g_hash_table_lookup (details, "from-digest"), ==, "sha256:4567");
  g_assert_cmpstr (g_hash_table_lookup (details, "privileged"), ==, "no");
}

static void
test_describe_login (void)
{
  char prefix[] = "registry.example.com:5000/infra";
  const ScSubject subject = { .prefix = prefix };

  g_autoptr (GHashTable) details = describe ("Login", &subject);

  g_assert_cmpstr (g_hash_table_lookup (details, "operation"), ==, "login");
  g_assert_cmpstr (g_hash_table_lookup (details, "registry"), ==, "registry.example.com:5000");
  g_assert_cmpstr (g_hash_table_lookup (details, "repository"), ==, "infra");
  g_assert_cmpstr (g_hash_table_lookup (details, "polkit.message"), ==,
                   "Authentication is required to store a login for "
                   "\"registry.example.com:5000/infra\"");
}

static void
test_describe_many_containers (void)
{
  g_auto (GStrv) containers = g_strsplit ("a b c d e f g", " ", -1);
  const ScSubject subject = { .containers = containers };

  g_autoptr (GHashTable) details = describe ("Stop", &subject);

  g_assert_cmpstr (g_hash_table_lookup (details, "container"), ==, "a b c d e f g");
  g_assert_cmpstr (g_hash_table_lookup (details, "polkit.message"), ==,
                   "Authentication is required to stop the system container \"a\", \"b\", \"c\", "
                   "\"d\", \"e\" and 2 more");
}

static void
test_describe_nothing_has_operation (void)
{
  const ScSubject subject = { 0 };

  g_autoptr (GHashTable) details = describe ("ImportImage", &subject);

  g_assert_cmpstr (g_hash_table_lookup (details, "operation"), ==, "import-image");
  g_assert_cmpuint (g_hash_table_size (details), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/authority/rules/know-every-method", test_rules_know_every_method);
  g_test_add_func ("/authority/rules/properties-are-read-only", test_properties_are_read_only);
  for (gsize i = 0; i < G_N_ELEMENTS (made_up); i++)
    {
      g_autofree char *path = g_strconcat ("/authority/check/refuses-", made_up[i].name, NULL);
      g_test_add_data_func (path, &made_up[i], test_check_refuses);
    }
  g_test_add_func ("/authority/check/unknown-caller-is-gone", test_check_unknown_caller_is_gone);
  g_test_add_func ("/authority/describe/install", test_describe_install);
  g_test_add_func ("/authority/describe/plan", test_describe_plan);
  g_test_add_func ("/authority/describe/login", test_describe_login);
  g_test_add_func ("/authority/describe/many-containers", test_describe_many_containers);
  g_test_add_func ("/authority/describe/nothing-has-operation",
                   test_describe_nothing_has_operation);
  return g_test_run ();
}
