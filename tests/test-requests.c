/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-bus-generated.h"
#include "service/sc-request.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  ScPaths *paths;
  ScConfig *config;
  char *root;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = g_dir_make_tmp ("syscont-requests-XXXXXX", NULL);
  fixture->paths = sc_paths_new (fixture->root);
  fixture->config = sc_config_load (fixture->paths, NULL);
  g_assert_nonnull (fixture->config);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  rmdir (fixture->root);
  sc_config_free (fixture->config);
  sc_paths_free (fixture->paths);
  g_free (fixture->root);
}

static const GVariantType *
type_of_arguments (const char *method)
{
  GDBusMethodInfo *info
      = g_dbus_interface_info_lookup_method (syscont_manager_interface_info (), method);
  static char text[64];

  g_assert_nonnull (info);
  g_strlcpy (text, "(", sizeof text);
  for (gsize i = 0; info->in_args[i] != NULL; i++)
    g_strlcat (text, info->in_args[i]->signature, sizeof text);
  g_strlcat (text, ")", sizeof text);
  return G_VARIANT_TYPE (text);
}

static ScRequest *
parse_with_fds (
    Fixture *fixture, const char *method, const char *arguments, GUnixFDList *fds, GError **error)
{
  g_autoptr (GError) text_error = NULL;
  g_autoptr (GVariant) parameters
      = g_variant_parse (type_of_arguments (method), arguments, NULL, NULL, &text_error);
  g_assert_no_error (text_error);
  const ScCall call = {
    .method = method,
    .parameters = parameters,
    .fds = fds,
    .config = fixture->config,
  };

  return sc_request_parse (&call, error);
}

static ScRequest *
parse (Fixture *fixture, const char *method, const char *arguments, GError **error)
{
  return parse_with_fds (fixture, method, arguments, NULL, error);
}

typedef struct
{
  const char *name;
  const char *method;
  const char *arguments;
  SyscontError code;
  const char *message; /* what the error must name */
} Refusal;

#define DIGITS_63 "123456789012345678901234567890123456789012345678901234567890123"

/* DB10 and the grammars of R9 */
static const Refusal refusals[] = {
  { "pull-empty", "Pull", "('', {})", SYSCONT_ERROR_INVALID_REFERENCE, "" },
  { "pull-newline", "Pull", "('a.b/c\\nd', {})", SYSCONT_ERROR_INVALID_REFERENCE, "" },
  { "pull-url", "Pull", "('https://a.b/c', {})", SYSCONT_ERROR_INVALID_REFERENCE, "" },
  { "pull-engine-if-newer", "Pull", "('docker:app:1', {'if-newer': <true>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"if-newer\"" },
  { "pull-engine-name", "Pull", "('docker:../app', {})", SYSCONT_ERROR_INVALID_REFERENCE, "" },
  { "export-without-fd", "ExportImage", "('app:1', 0, {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "descriptor" },
  { "pull-short-name", "Pull", "('etcd', {})", SYSCONT_ERROR_INVALID_REFERENCE, "etcd" },
  { "pull-platform", "Pull", "('a.b/c', {'platform': <'linux'>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "linux" },
  { "pull-unknown-option", "Pull", "('a.b/c', {'auth': <'x'>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"auth\"" },
  { "import-format", "ImportImage", "(0, 'tar', {})", SYSCONT_ERROR_INVALID_ARGUMENT, "\"tar\"" },
  { "import-reference", "ImportImage", "(0, 'oci-archive', {'reference': <'A B'>})",
    SYSCONT_ERROR_INVALID_REFERENCE, "" },
  { "import-tag-control", "ImportImage", "(0, 'oci-archive', {'tag': <'a\\u001bb'>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"tag\"" },
  { "import-source-empty", "ImportImage", "(0, 'oci-archive', {'source': <''>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"source\"" },
  { "import-without-fd", "ImportImage", "(0, 'oci-archive', {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "descriptor" },
  { "install-name", "Install", "('a.b/c', 'UPPER', {})", SYSCONT_ERROR_INVALID_NAME, "UPPER" },
  { "install-name-path", "Install", "('a.b/c', '../etc', {})", SYSCONT_ERROR_INVALID_NAME, ".." },
  { "install-name-deployment", "Install", "('a.b/c', 'a.1', {})", SYSCONT_ERROR_INVALID_NAME,
    "a.1" },
  { "install-name-unit", "Install", "('a.b/c', 'a.service', {})", SYSCONT_ERROR_INVALID_NAME,
    "a.service" },
  { "install-digest", "Install", "('a.b/c', 'a', {'digest': <'sha256:" DIGITS_63 "'>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"digest\"" },
  { "install-values-name", "Install", "('a.b/c', 'a', {'values': <{'A-B': 'x'}>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "A-B" },
  { "install-values-twice", "Install", "('a.b/c', 'a', {'values': <{'A': 'x', 'A': 'y'}>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"A\"" },
  { "install-values-type", "Install", "('a.b/c', 'a', {'values': <'A=x'>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"values\"" },
  { "uninstall-none", "Uninstall", "([], {})", SYSCONT_ERROR_INVALID_ARGUMENT, "Uninstall" },
  { "uninstall-one-bad", "Uninstall", "(['a', '/b'], {})", SYSCONT_ERROR_INVALID_NAME, "/b" },
  { "start-none", "Start", "([], {})", SYSCONT_ERROR_INVALID_ARGUMENT, "Start" },
  { "stop-unknown-option", "Stop", "(['a'], {'force': <true>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"force\"" },
  { "exec-name", "Exec", "('../a', ['id'], [handle 0, handle 0, handle 0], {})",
    SYSCONT_ERROR_INVALID_NAME, "../a" },
  { "exec-two-descriptors", "Exec", "('a', ['id'], [handle 0, handle 0], {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "three" },
  { "exec-without-fds", "Exec", "('a', ['id'], [handle 0, handle 1, handle 2], {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "descriptor" },
  { "install-argv-of-service", "Install", "('a.b/c', 'a', {'argv': <['id']>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"once\"" },
  { "install-tty-without-stdio", "Install", "('a.b/c', 'a', {'once': <true>, 'tty': <true>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"stdio\"" },
  { "mount-relative", "Mount", "('etcd', 'mnt', {})", SYSCONT_ERROR_INVALID_ARGUMENT, "\"mnt\"" },
  { "mount-unclean", "Mount", "('etcd', '/mnt//x/', {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "/mnt//x/" },
  { "mount-root", "Mount", "('etcd', '/', {})", SYSCONT_ERROR_INVALID_ARGUMENT, "\"/\"" },
  { "mount-what", "Mount", "('../x', '/mnt', {})", SYSCONT_ERROR_INVALID_REFERENCE, "" },
  { "unmount-parent", "Unmount", "('/mnt/..', {})", SYSCONT_ERROR_INVALID_ARGUMENT, "/mnt/.." },
  { "update-mode", "Update", "(['a'], {'mode': <'soon'>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"mode\"" },
  { "update-digest", "Update", "(['a'], {'to-digest': <'sha256:0'>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"to-digest\"" },
  { "update-set-and-unset", "Update", "(['a'], {'values': <{'A': 'x'}>, 'unset': <['A']>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"A\"" },
  { "update-due-with-values", "Update", "([], {'values': <{'A': 'x'}>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "due" },
  { "update-staged-with-image", "Update", "(['a'], {'mode': <'apply'>, 'reference': <'a.b/c'>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "staged" },
  { "update-observe", "Update", "(['a'], {'observe-usec': <uint64 9999999999999>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"observe-usec\"" },
  { "update-accept-word", "Update", "(['a'], {'accept-privileges': <['root']>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"root\"" },
  { "update-due-accept", "Update", "([], {'accept-privileges': <['*']>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "due" },
  { "plan-operation", "Plan", "('Start', {}, {})", SYSCONT_ERROR_INVALID_ARGUMENT, "\"Start\"" },
  { "plan-type", "Plan", "('Update', {'names': <'a'>}, {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"names\"" },
  { "plan-several", "Plan", "('Rollback', {'names': <['a', 'b']>}, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "one container" },
  { "plan-key", "Plan", "('Uninstall', {'names': <['a']>, 'x': <1>}, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"x\"" },
  { "health-key", "SetValues", "('a', {}, [], {'health': <{'x': <1>}>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"x\"" },
  { "health-of-what-is-staged", "Update",
    "(['a'], {'mode': <'apply'>, 'health': <{'off': <true>}>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "staged" },
  { "health-of-all", "Update", "(@as [], {'unset-health': <true>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "due" },
  { "plan-id", "Uninstall", "(['a'], {'plan-id': <'12'>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"plan-id\"" },
  { "plan-id-several", "Rollback", "(['a', 'b'], {'plan-id': <'0" DIGITS_63 "'>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "one container" },
  { "diff-number", "Diff", "('a', 0, 18446744073709551615, {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "deployment" },
  { "lint-values", "Lint", "('a', {'values': <{'A-B': 'x'}>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "A-B" },
  { "rollback-none", "Rollback", "([], {})", SYSCONT_ERROR_INVALID_ARGUMENT, "Rollback" },
  { "rollback-several-to-one", "Rollback", "(['a', 'b'], {'deployment': <uint64 1>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"deployment\"" },
  { "rollback-reason", "Rollback", "(['a'], {'reason': <'a\\nb'>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"reason\"" },
  { "set-values-name", "SetValues", "('a', {'A-B': 'x'}, [], {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "A-B" },
  { "set-policy-mode", "SetPolicy", "('a', {'mode': <'often'>}, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"mode\"" },
  { "set-policy-key", "SetPolicy", "('a', {'mode': <'none'>, 'x': <1>}, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"x\"" },
  { "set-policy-window", "SetPolicy", "('a', {'mode': <'apply'>, 'window': <'nightly'>}, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "nightly" },
  { "hold-reason", "Hold", "('a', uint64 1, 'a\\u001bb', {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"reason\"" },
  { "unquarantine-digest", "Unquarantine", "('a', 'x', {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "digest" },
  { "remove-image-path", "RemoveImage", "('/etc/passwd', {})", SYSCONT_ERROR_INVALID_REFERENCE,
    "/etc/passwd" },
  { "tag-image-name", "TagImage", "('a:1', 'B C', {})", SYSCONT_ERROR_INVALID_REFERENCE, "B C" },
  { "tag-image-digest", "TagImage", "('a:1', 'b@sha256:" DIGITS_63 "0', {})",
    SYSCONT_ERROR_INVALID_REFERENCE, "digest" },
  { "tag-image-image", "TagImage", "('/a', 'b:1', {})", SYSCONT_ERROR_INVALID_REFERENCE, "/a" },
  { "verify-images-one-bad", "VerifyImages", "(['a:1', '/b'], {})", SYSCONT_ERROR_INVALID_REFERENCE,
    "/b" },
  { "verify-images-repair", "VerifyImages", "([], {'repair': <1>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"repair\"" },
  { "check-images-one-bad", "CheckImages", "(['A B'], {})", SYSCONT_ERROR_INVALID_REFERENCE,
    "A B" },
  { "check-images-option", "CheckImages", "([], {'repair': <true>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"repair\"" },
  { "storage-info-option", "GetStorageInfo", "({'all': <true>},)", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"all\"" },
  { "prune-type", "Prune", "({'dry-run': <1>},)", SYSCONT_ERROR_INVALID_ARGUMENT, "\"dry-run\"" },
  { "login-prefix", "Login", "('https://h.io', 0, {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "https://h.io" },
  { "login-without-fd", "Login", "('h.io', 0, {})", SYSCONT_ERROR_INVALID_ARGUMENT, "descriptor" },
  { "login-path", "SetRegistryCredential", "('/root/.docker/config.json', 0, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "/root/" },
  { "login-option", "SetRegistryCredential", "('h.io', 0, {'no-queue': <true>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"no-queue\"" },
  { "logout-prefix", "RemoveRegistryCredential", "('', {})", SYSCONT_ERROR_INVALID_ARGUMENT, "" },
  { "pull-auth-without-fd", "Pull", "('h.io/a', {'auth': <handle 0>})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "descriptor" },
  { "pull-auth-text", "Pull", "('h.io/a', {'auth': <'{}'>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"auth\"" },
  { "get-container-name", "GetContainer", "('..', {})", SYSCONT_ERROR_INVALID_NAME, ".." },
  { "get-values-option", "GetValues", "('a', {'x': <1>})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"x\"" },
  { "inspect-image-empty", "InspectImage", "('', {})", SYSCONT_ERROR_INVALID_REFERENCE, "" },
  { "list-containers-filter", "ListContainers", "({'uid': <1>},)", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"uid\"" },
  { "can-authorize-operation", "CanAuthorize", "('Nothing', {}, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"Nothing\"" },
  { "can-authorize-request", "CanAuthorize", "('Install', {'uid': <1>}, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"uid\"" },
  { "can-authorize-plan-id", "CanAuthorize", "('Update', {'plan-id': <'12'>}, {})",
    SYSCONT_ERROR_INVALID_ARGUMENT, "\"plan-id\"" },
  { "can-authorize-name-and-names", "CanAuthorize",
    "('Start', {'name': <'a'>, 'names': <['b']>}, {})", SYSCONT_ERROR_INVALID_ARGUMENT,
    "\"names\"" },
};

static void
test_parse_refuses (gconstpointer data)
{
  const Refusal *row = data;
  g_autoptr (GError) error = NULL;
  Fixture fixture;
  set_up (&fixture, NULL);

  g_autoptr (ScRequest) request = parse (&fixture, row->method, row->arguments, &error);

  g_assert_null (request);
  g_assert_error (error, SYSCONT_ERROR, (int)row->code);
  g_assert_nonnull (strstr (error->message, row->message));
  tear_down (&fixture, NULL);
}

static void
test_pull_keeps_reference (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScRequest) request
      = parse (fixture, "Pull", "('registry.example.com/etcd:3.5', {'no-queue': <true>})", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (request->subject.reference->registry, ==, "registry.example.com");
  g_assert_cmpstr (request->op->op_class->type, ==, "pull");
  g_assert_true (request->no_queue);
}

static void
test_pull_resolves_short_name (Fixture *fixture, gconstpointer data)
{
  g_hash_table_insert (fixture->config->short_names, g_strdup ("etcd"),
                       g_strdup ("registry.example.com/infra/etcd"));

  g_autoptr (ScRequest) request = parse (fixture, "Pull", "('etcd', {})", NULL);

  g_assert_nonnull (request);
  g_assert_cmpstr (request->subject.reference->registry, ==, "registry.example.com");
}

static void
test_install_names_by_image (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScRequest) request
      = parse (fixture, "Install", "('registry.example.com/infra/etcd:3', '', {})", NULL);

  g_assert_nonnull (request);
  g_assert_cmpstr (request->subject.containers[0], ==, "etcd-3");
  g_assert_cmpstr (request->op->op_class->type, ==, "install");
}

static void
test_install_takes_short_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScRequest) request = parse (fixture, "Install", "('docker-centos', '', {})", NULL);

  g_assert_nonnull (request);
  g_assert_null (request->subject.reference->registry);
  g_assert_cmpstr (request->subject.containers[0], ==, "docker-centos");
}

static void
test_names_collapse (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScRequest) request = parse (fixture, "Start", "(['b', 'a', 'b', 'a'], {})", NULL);

  g_assert_nonnull (request);
  const char *const expected[] = { "b", "a", NULL };
  g_assert_cmpstrv (request->subject.containers, expected);
  g_assert_cmpstrv (request->op->targets, expected);
}

static void
test_names_are_limited (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new ("(['n0'");
  for (guint i = 1; i <= SC_REQUEST_MAX_NAMES; i++)
    g_string_append_printf (text, ", 'n%u'", i);
  g_string_append (text, "], {})");
  g_autoptr (GError) error = NULL;

  g_autoptr (ScRequest) request = parse (fixture, "Stop", text->str, &error);

  g_assert_null (request);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
}

static void
test_image_takes_digits (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScRequest) request
      = parse (fixture, "RemoveImage", "('sha256:0123456789ab', {})", NULL);

  g_assert_nonnull (request);
  g_assert_cmpstr (request->subject.image, ==, "sha256:0123456789ab");
}

static ScRequest *
import (Fixture *fixture, int fd, const char *arguments, GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new_from_array (&fd, 1);

  return parse_with_fds (fixture, "ImportImage", arguments, fds, error);
}

static void
test_import_takes_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScRequest) request = import (fixture, open ("/proc/self/exe", O_RDONLY | O_CLOEXEC),
                                          "(0, 'oci-archive', {'reference': <'a.b/c'>})", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (request->op->op_class->type, ==, "import-image");
  g_assert_cmpstr (request->subject.reference->fullname, ==, "a.b/c:latest");
}

/* DB08 */
static void
test_import_refuses_index (gconstpointer data)
{
  const char *handle = data;
  g_autofree char *arguments = g_strdup_printf ("(%s, 'oci-archive', {})", handle);
  g_autoptr (GError) error = NULL;
  Fixture fixture;
  set_up (&fixture, NULL);

  g_autoptr (ScRequest) request
      = import (&fixture, open ("/proc/self/exe", O_RDONLY | O_CLOEXEC), arguments, &error);

  g_assert_null (request);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  tear_down (&fixture, NULL);
}

typedef struct
{
  const char *name;
  const char *path;
  int flags;
} BadFile;

/* DB08 */
static const BadFile bad_files[] = {
  { "path-only", "/proc/self/exe", O_PATH },
  { "directory", "/", O_RDONLY | O_DIRECTORY },
  { "device", "/dev/zero", O_RDONLY },
  { "write-only", "/dev/null", O_WRONLY },
};

static void
test_import_refuses_file (gconstpointer data)
{
  const BadFile *row = data;
  g_autoptr (GError) error = NULL;
  Fixture fixture;
  set_up (&fixture, NULL);

  g_autoptr (ScRequest) request = import (&fixture, open (row->path, row->flags | O_CLOEXEC),
                                          "(0, 'oci-archive', {})", &error);

  g_assert_null (request);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  tear_down (&fixture, NULL);
}

/* DB08 */
static void
test_import_refuses_socket (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScRequest) request = import (fixture, socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0),
                                          "(0, 'oci-archive', {})", &error);

  g_assert_null (request);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
}

static void
test_any_refuses_many_fds (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  for (int i = 0; i <= SC_REQUEST_MAX_FDS; i++)
    g_unix_fd_list_append (fds, STDERR_FILENO, NULL);
  g_autoptr (GError) error = NULL;

  g_autoptr (ScRequest) request = parse_with_fds (fixture, "Start", "(['a'], {})", fds, &error);

  g_assert_null (request);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
}

static void
test_can_authorize_keeps_subject (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScRequest) request = parse (
      fixture, "CanAuthorize", "('Install', {'name': <'a'>, 'reference': <'x.y/z'>}, {})", NULL);

  g_assert_nonnull (request);
  g_assert_cmpstr (request->operation, ==, "Install");
  g_assert_cmpstr (request->subject.containers[0], ==, "a");
  g_assert_cmpstr (request->subject.reference->registry, ==, "x.y");
  g_assert_null (request->op);
}

static void
test_plan_id_is_of_subject (Fixture *fixture, gconstpointer data)
{
  static const char id[] = "0" DIGITS_63;
  g_autoptr (ScRequest) request
      = parse (fixture, "Uninstall", "(['a'], {'plan-id': <'0" DIGITS_63 "'>})", NULL);
  g_autoptr (ScRequest) question
      = parse (fixture, "CanAuthorize",
               "('Uninstall', {'name': <'a'>, 'plan-id': <'0" DIGITS_63 "'>}, {})", NULL);

  g_assert_cmpstr (request->subject.plan_id, ==, id);
  g_assert_cmpstr (request->op->terms.plan_id, ==, id);
  g_assert_cmpstr (question->subject.plan_id, ==, id);
}

static void
test_auth_is_a_memfd_or_pipe (Fixture *fixture, gconstpointer data)
{
  static const char *const methods[][2] = {
    { "Pull", "('h.io/a', {'auth': <handle 0>})" },
    { "Install", "('h.io/a', 'a', {'auth': <handle 0>})" },
    { "Login", "('h.io', 0, {})" },
    { "SetRegistryCredential", "('h.io', 0, {})" },
  };
  int memfd = memfd_create ("test", MFD_CLOEXEC);
  int directory = open ("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GUnixFDList) good = g_unix_fd_list_new_from_array (&memfd, 1);
  g_autoptr (GUnixFDList) bad = g_unix_fd_list_new_from_array (&directory, 1);

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScRequest) taken
          = parse_with_fds (fixture, methods[i][0], methods[i][1], good, &error);
      g_assert_no_error (error);
      g_assert_true (taken->secret != NULL || taken->op->auth != NULL);

      g_autoptr (ScRequest) refused
          = parse_with_fds (fixture, methods[i][0], methods[i][1], bad, &error);
      g_assert_null (refused);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
    }
}

static char *
make_empty_arguments (const GDBusMethodInfo *method)
{
  GString *text = g_string_new ("(");

  for (gsize i = 0; method->in_args[i] != NULL; i++)
    {
      const char *signature = method->in_args[i]->signature;

      if (strcmp (signature, "s") == 0)
        g_string_append (text, "''");
      else if (g_str_has_prefix (signature, "a{"))
        g_string_append (text, "{}");
      else if (signature[0] == 'a')
        g_string_append (text, "[]");
      else
        g_string_append (text, "0");
      if (i == 0 || method->in_args[i + 1] != NULL)
        g_string_append (text, ",");
    }
  g_string_append (text, ")");
  return g_string_free (text, FALSE);
}

/* Whatever a parser says to it, an empty call reaches one. */
static void
test_every_method_has_parser (Fixture *fixture, gconstpointer data)
{
  GDBusInterfaceInfo *info = syscont_manager_interface_info ();

  for (gsize i = 0; info->methods[i] != NULL; i++)
    {
      g_autofree char *arguments = make_empty_arguments (info->methods[i]);
      g_autoptr (GError) error = NULL;

      g_autoptr (ScRequest) request = parse (fixture, info->methods[i]->name, arguments, &error);

      g_assert_true (request != NULL || error != NULL);
      g_assert_false (g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED));
    }
}

typedef struct
{
  const char *name;
  const char *argv;
  const char *options;
  const char *message; /* what the error must name */
} ExecCase;

static const ExecCase bad_execs[] = {
  { "no-program", "@as []", "{}", "argv" },
  { "empty-program", "['', 'x']", "{}", "argv" },
  { "env-without-value", "['id']", "{'env': <['A']>}", "A" },
  { "env-without-name", "['id']", "{'env': <['=x']>}", "=x" },
  { "cwd-relative", "['id']", "{'cwd': <'etc'>}", "cwd" },
  { "cwd-unclean", "['id']", "{'cwd': <'/etc/../x'>}", "cwd" },
  { "cwd-descriptor", "['id']", "{'cwd': <'/proc/self/fd/8'>}", "cwd" },
  { "user-empty", "['id']", "{'user': <''>}", "user" },
};

static ScRequest *
parse_exec (Fixture *fixture, const char *argv, const char *options, GError **error)
{
  int fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new_from_array (&fd, 1);
  g_autofree char *arguments
      = g_strdup_printf ("('etcd', %s, [handle 0, handle 0, handle 0], %s)", argv, options);

  return parse_with_fds (fixture, "Exec", arguments, fds, error);
}

static void
test_exec_refuses (Fixture *fixture, gconstpointer data)
{
  const ExecCase *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (ScRequest) request = parse_exec (fixture, row->argv, row->options, &error);

  g_assert_null (request);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, row->message));
}

static void
test_exec_is_counted_apart (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScRequest) request
      = parse_exec (fixture, "['id', '-u']", "{'tty': <true>, 'user': <'web'>}", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (request->subject.containers[0], ==, "etcd");
  g_assert_true (request->op->is_apart);
  g_assert_cmpuint (request->op->claims->len, ==, 0);
  const ScProcess *process = sc_program_get_process (request->op->program);
  g_assert_cmpstr (process->args[1], ==, "-u");
  g_assert_cmpstr (process->user, ==, "web");
  g_assert_true (process->has_terminal);
}

typedef struct
{
  const char *name;
  const char *options;
  const char *rule;
} RuleCase;

static const RuleCase rule_cases[] = {
  { "own-source", "{}", "Update" },
  { "check", "{'mode': <'check'>}", "Update:check" },
  { "digest", "{'to-digest': <'sha256:" DIGITS_63 "0'>}", "Update:to" },
  { "reference", "{'reference': <'a.b/c'>}", "Update:to" },
  { "force", "{'force': <true>}", "Update:to" },
  { "values", "{'values': <{'A': 'x'}>}", "Update:values" },
  { "unset", "{'unset': <['A']>}", "Update:values" },
  { "health", "{'health': <{'off': <true>}>}", "Update:values" },
  { "unset-health", "{'unset-health': <true>}", "Update:values" },
  { "health-of-another", "{'health': <{'off': <true>}>, 'force': <true>}",
    "Update:to-with-values" },
  { "both", "{'values': <{'A': 'x'}>, 'reference': <'a.b/c'>}", "Update:to-with-values" },
  { "accept", "{'accept-privileges': <['user:root']>, 'values': <{'A': 'x'}>}", "Update:accept" },
  { "check-of-another", "{'mode': <'check'>, 'reference': <'a.b/c'>}", "Update:to" },
};

static void
test_update_asks_for_what_it_does (Fixture *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rule_cases); i++)
    {
      g_autofree char *arguments = g_strdup_printf ("(['a'], %s)", rule_cases[i].options);
      g_autoptr (GError) error = NULL;
      g_autoptr (ScRequest) request = parse (fixture, "Update", arguments, &error);

      g_assert_no_error (error);
      g_assert_cmpstr (request->rule, ==, rule_cases[i].rule);
    }
}

static void
test_adoption_asks_for_what_it_does (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScRequest) plain = parse (fixture, "Adopt", "('a', @a{sv} {})", &error);
  g_assert_no_error (error);
  g_autoptr (ScRequest) accepting
      = parse (fixture, "Adopt", "('a', {'accept-privileges': <['*']>})", &error);
  g_assert_no_error (error);
  g_autoptr (ScRequest) planned
      = parse (fixture, "Plan", "('Adopt', {'name': <'a'>}, @a{sv} {})", &error);
  g_assert_no_error (error);

  g_assert_cmpstr (plain->rule, ==, "Adopt");
  g_assert_cmpstr (accepting->rule, ==, "Adopt:accept");
  g_assert_cmpstr (planned->rule, ==, "Plan:pull");
}

static void
test_features_name_options (void)
{
  g_auto (GStrv) features = sc_request_features ();

  g_assert_true (g_strv_contains ((const char *const *)features, "Install.values"));
  g_assert_true (g_strv_contains ((const char *const *)features, "Prune.dry-run"));
  g_assert_true (g_strv_contains ((const char *const *)features, "transport:oci-archive"));
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

static void
add_tables (void)
{
  static const char *const handles[] = { "1", "-1", "2147483647", "-2147483648" };

  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat ("/requests/parse/refuses-", refusals[i].name, NULL);
      g_test_add_data_func (path, &refusals[i], test_parse_refuses);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (handles); i++)
    {
      g_autofree char *path = g_strconcat ("/requests/import/refuses-index-", handles[i], NULL);
      g_test_add_data_func (path, handles[i], test_import_refuses_index);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad_execs); i++)
    {
      g_autofree char *path = g_strconcat ("/requests/exec/refuses-", bad_execs[i].name, NULL);
      g_test_add (path, Fixture, &bad_execs[i], set_up, test_exec_refuses, tear_down);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad_files); i++)
    {
      g_autofree char *path = g_strconcat ("/requests/import/refuses-", bad_files[i].name, NULL);
      g_test_add_data_func (path, &bad_files[i], test_import_refuses_file);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_tables ();
  ADD ("/requests/exec/is-counted-apart", test_exec_is_counted_apart);
  ADD ("/requests/pull/keeps-reference", test_pull_keeps_reference);
  ADD ("/requests/pull/resolves-short-name", test_pull_resolves_short_name);
  ADD ("/requests/install/names-by-image", test_install_names_by_image);
  ADD ("/requests/install/takes-short-name", test_install_takes_short_name);
  ADD ("/requests/names/collapse", test_names_collapse);
  ADD ("/requests/names/are-limited", test_names_are_limited);
  ADD ("/requests/image/takes-digits", test_image_takes_digits);
  ADD ("/requests/import/takes-file", test_import_takes_file);
  ADD ("/requests/import/refuses-socket", test_import_refuses_socket);
  ADD ("/requests/any/refuses-many-fds", test_any_refuses_many_fds);
  ADD ("/requests/auth/memfd-or-pipe", test_auth_is_a_memfd_or_pipe);
  ADD ("/requests/can-authorize/keeps-subject", test_can_authorize_keeps_subject);
  ADD ("/requests/plan-id/is-of-subject", test_plan_id_is_of_subject);
  ADD ("/requests/update/asks-for-what-it-does", test_update_asks_for_what_it_does);
  ADD ("/requests/adopt/asks-for-what-it-does", test_adoption_asks_for_what_it_does);
  ADD ("/requests/any/every-method-has-parser", test_every_method_has_parser);
  g_test_add_func ("/requests/features/name-options", test_features_name_options);
  return g_test_run ();
}
