/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-error-util.h"
#include "deploy/sc-process.h"

#define PROCESS                                                                                    \
  "{\"args\": [\"/bin/serve\"], \"cwd\": \"/\", \"terminal\": false,"                              \
  " \"env\": [\"PATH=/bin\", \"HOME=/root\", \"A=1\"], \"user\": {\"uid\": 5, \"gid\": 6},"        \
  " \"capabilities\": {\"bounding\": [\"CAP_KILL\"], \"effective\": [\"CAP_KILL\"],"               \
  " \"permitted\": [\"CAP_KILL\"], \"ambient\": [\"CAP_KILL\"]}, \"noNewPrivileges\": true}"

static const char passwd[] = "root:x:0:0::/:/bin/sh\nweb:x:33:44::/srv:/bin/sh\n";
static const char group[] = "root:x:0:\nweb:x:44:\nlog:x:7:web\n";

static JsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = sc_json_parse_object (text, strlen (text), NULL, &error);

  g_assert_no_error (error);
  return object;
}

static JsonObject *
apply (const ScProcess *change, GError **error)
{
  g_autoptr (JsonObject) process = parse (PROCESS);
  g_autoptr (GBytes) passwd_bytes = g_bytes_new_static (passwd, sizeof passwd - 1);
  g_autoptr (GBytes) group_bytes = g_bytes_new_static (group, sizeof group - 1);

  return sc_process_apply (change, process, passwd_bytes, group_bytes, error)
             ? g_steal_pointer (&process)
             : NULL;
}

static char *
join (JsonObject *object, const char *member)
{
  g_auto (GStrv) strings = NULL;

  g_assert_true (sc_json_get_strv (object, member, &strings, NULL));
  return g_strjoinv (" ", strings);
}

static void
test_apply_keeps_what_is_not_changed (void)
{
  g_autoptr (JsonObject) process = apply (&(ScProcess){ 0 }, NULL);
  g_autofree char *args = join (process, "args");
  g_autofree char *env = join (process, "env");

  g_assert_cmpstr (args, ==, "/bin/serve");
  g_assert_cmpstr (env, ==, "PATH=/bin HOME=/root A=1");
  g_assert_true (json_object_get_boolean_member (process, "noNewPrivileges"));
  g_assert_false (json_object_get_boolean_member (process, "terminal"));
}

static void
test_apply_replaces_variables_of_same_name (void)
{
  const char *const args[] = { "id", "-u", NULL };
  const char *const env[] = { "A=2", "AB=3", NULL };
  const ScProcess change = {
    .args = args, .env = env, .cwd = "/srv", .has_terminal = TRUE, .rows = 40, .columns = 100
  };

  g_autoptr (JsonObject) process = apply (&change, NULL);

  g_autofree char *new_args = join (process, "args");
  g_autofree char *new_env = join (process, "env");
  g_assert_cmpstr (new_args, ==, "id -u");
  g_assert_cmpstr (new_env, ==, "PATH=/bin HOME=/root A=2 AB=3");
  g_assert_cmpstr (json_object_get_string_member (process, "cwd"), ==, "/srv");
  g_assert_true (json_object_get_boolean_member (process, "terminal"));
  JsonObject *size = json_object_get_object_member (process, "consoleSize");
  g_assert_cmpint (json_object_get_int_member (size, "height"), ==, 40);
  g_assert_cmpint (json_object_get_int_member (size, "width"), ==, 100);
}

static void
test_apply_user_has_groups_and_no_capabilities (void)
{
  g_autoptr (JsonObject) process = apply (&(ScProcess){ .user = "web" }, NULL);

  JsonObject *user = json_object_get_object_member (process, "user");
  JsonObject *capabilities = json_object_get_object_member (process, "capabilities");
  JsonArray *groups = json_object_get_array_member (user, "additionalGids");
  g_autofree char *env = join (process, "env");
  g_autofree char *bounding = join (capabilities, "bounding");
  g_assert_cmpint (json_object_get_int_member (user, "uid"), ==, 33);
  g_assert_cmpint (json_object_get_int_member (user, "gid"), ==, 44);
  g_assert_cmpuint (json_array_get_length (groups), ==, 1);
  g_assert_cmpint (json_array_get_int_element (groups, 0), ==, 7);
  g_assert_cmpuint (json_object_get_size (capabilities), ==, 1);
  g_assert_cmpstr (bounding, ==, "CAP_KILL");
  g_assert_cmpstr (env, ==, "PATH=/bin A=1");
}

static void
test_apply_root_keeps_capabilities (void)
{
  g_autoptr (JsonObject) process = apply (&(ScProcess){ .user = "root" }, NULL);

  JsonObject *capabilities = json_object_get_object_member (process, "capabilities");
  g_assert_cmpuint (json_object_get_size (capabilities), ==, 4);
}

static void
test_apply_unknown_user (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (JsonObject) process = apply (&(ScProcess){ .user = "nobody" }, &error);

  g_assert_null (process);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "nobody"));
}

static void
test_check_limits (void)
{
  g_autofree char *huge = g_strnfill (300 * 1024, 'x');
  const char *const args[] = { "echo", huge, NULL };
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_process_check (&(ScProcess){ .args = args }, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/process/apply/keeps-what-is-not-changed",
                   test_apply_keeps_what_is_not_changed);
  g_test_add_func ("/process/apply/replaces-variables-of-same-name",
                   test_apply_replaces_variables_of_same_name);
  g_test_add_func ("/process/apply/user-has-groups-and-no-capabilities",
                   test_apply_user_has_groups_and_no_capabilities);
  g_test_add_func ("/process/apply/root-keeps-capabilities", test_apply_root_keeps_capabilities);
  g_test_add_func ("/process/apply/unknown-user", test_apply_unknown_user);
  g_test_add_func ("/process/check/limits", test_check_limits);
  return g_test_run ();
}
