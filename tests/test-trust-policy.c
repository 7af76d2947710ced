/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * containers-policy.json(5): which rule decides, and that whatever is not understood lets nothing
 * in.
 */
#include "base/sc-error-util.h"
#include "image/sc-trust-policy.h"
#include "scratch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SHA       "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ACCEPT    "[{\"type\":\"insecureAcceptAnything\"}]"
#define REJECT    "[{\"type\":\"reject\"}]"
#define SIGNED    "[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/k\"}]"
#define OPEN(s)   "{\"default\":" ACCEPT ",\"transports\":{\"docker\":{" s "}}}"
#define CLOSED(s) "{\"default\":" REJECT ",\"transports\":{\"docker\":{" s "}}}"

typedef struct
{
  const char *name;
  const char *policy;
  const char *transport;
  const char *scope;
  const char *fault; /* in the message; NULL when the image is let in */
} Row;

static const Row rows[] = {
  { "default-accepts", "{\"default\":" ACCEPT "}", "docker", "h.io/a:1", NULL },
  { "default-rejects", "{\"default\":" REJECT "}", "docker", "h.io/a:1",
    "\"reject\" is required for \"default\"" },
  { "default-wants-signature", "{\"default\":" SIGNED "}", "docker", "h.io/a:1",
    "\"signedBy\" is required for \"default\"" },
  { "transport-before-default", CLOSED ("\"\":" ACCEPT), "docker", "h.io/a:1", NULL },
  { "transport-rejects", OPEN ("\"\":" REJECT), "docker", "h.io/a:1",
    "\"reject\" is required for \"docker\"" },
  { "another-transport", OPEN ("\"\":" REJECT), "oci-archive", NULL, NULL },
  { "archive", "{\"default\":" ACCEPT ",\"transports\":{\"oci-archive\":{\"\":" REJECT "}}}",
    "oci-archive", NULL, "\"reject\" is required for \"oci-archive\"" },
  { "archive-takes-no-scope-of-another", OPEN ("\"h.io\":" REJECT), "oci-archive", NULL, NULL },
  { "exact-tag", CLOSED ("\"h.io/p/a:1\":" ACCEPT), "docker", "h.io/p/a:1", NULL },
  { "exact-tag-of-another", CLOSED ("\"h.io/p/a:2\":" ACCEPT), "docker", "h.io/p/a:1",
    "\"default\"" },
  { "exact-digest", CLOSED ("\"h.io/a@" SHA "\":" ACCEPT), "docker", "h.io/a@" SHA, NULL },
  { "repository", CLOSED ("\"h.io/p/a\":" ACCEPT), "docker", "h.io/p/a:1", NULL },
  { "repository-of-digest", CLOSED ("\"h.io/p/a\":" ACCEPT), "docker", "h.io/p/a@" SHA, NULL },
  { "tag-of-both", OPEN ("\"h.io/p/a:1\":" REJECT), "docker", "h.io/p/a:1@" SHA,
    "\"reject\" is required for \"h.io/p/a:1\"" },
  { "repository-of-both", CLOSED ("\"h.io/p/a\":" ACCEPT), "docker", "h.io/p/a:1@" SHA, NULL },
  { "repository-that-begins-alike", CLOSED ("\"h.io/p/a\":" ACCEPT), "docker", "h.io/p/ab:1",
    "\"default\"" },
  { "namespace", CLOSED ("\"h.io/p\":" ACCEPT), "docker", "h.io/p/q/a:1", NULL },
  { "namespace-that-begins-alike", CLOSED ("\"h.io/p\":" ACCEPT), "docker", "h.io/pp/a:1",
    "\"default\"" },
  { "host", CLOSED ("\"h.io\":" ACCEPT), "docker", "h.io/p/a:1", NULL },
  { "host-with-port", CLOSED ("\"h.io:5000\":" ACCEPT), "docker", "h.io:5000/p/a:1", NULL },
  { "host-without-its-port", CLOSED ("\"h.io\":" ACCEPT), "docker", "h.io:5000/p/a:1",
    "\"default\"" },
  { "wildcard", CLOSED ("\"*.example.com\":" ACCEPT), "docker", "reg.example.com/a:1", NULL },
  { "wildcard-with-port", CLOSED ("\"*.example.com\":" ACCEPT), "docker",
    "reg.example.com:5000/a:1", NULL },
  { "wildcard-of-deeper-host", CLOSED ("\"*.example.com\":" ACCEPT), "docker",
    "a.b.example.com/a:1", NULL },
  { "wildcard-not-of-itself", CLOSED ("\"*.example.com\":" ACCEPT), "docker", "example.com/a:1",
    "\"default\"" },
  { "wildcard-not-in-the-middle", CLOSED ("\"*.example.com\":" ACCEPT), "docker",
    "xexample.com/a:1", "\"default\"" },
  { "longer-wildcard-first", CLOSED ("\"*.com\":" REJECT ",\"*.example.com\":" ACCEPT), "docker",
    "r.example.com/a:1", NULL },
  { "host-before-wildcard", CLOSED ("\"*.io\":" REJECT ",\"h.io\":" ACCEPT), "docker", "h.io/a:1",
    NULL },
  { "wildcard-before-transport", CLOSED ("\"\":" REJECT ",\"*.h.io\":" ACCEPT), "docker",
    "r.h.io/a:1", NULL },
  { "longer-scope-rejects", OPEN ("\"h.io\":" ACCEPT ",\"h.io/p/a\":" REJECT), "docker",
    "h.io/p/a:1", "\"reject\" is required for \"h.io/p/a\"" },
  { "longer-scope-accepts", OPEN ("\"h.io\":" REJECT ",\"h.io/p/a\":" ACCEPT), "docker",
    "h.io/p/a:1", NULL },
  /* Scopes have the fully expanded form. */
  { "hub-expanded", OPEN ("\"docker.io/library/busybox\":" REJECT), "docker",
    "docker.io/busybox:latest", "\"docker.io/library/busybox\"" },
  { "hub-expanded-namespace", CLOSED ("\"docker.io/library\":" ACCEPT), "docker",
    "docker.io/busybox:1", NULL },
  { "hub-expanded-tag", CLOSED ("\"docker.io/library/busybox:latest\":" ACCEPT), "docker",
    "docker.io/busybox:latest", NULL },
  { "host-in-another-case", OPEN ("\"h.io\":" REJECT), "docker", "H.IO/a:1", "\"h.io\"" },
  /* All requirements must hold. */
  { "second-requirement",
    "{\"default\":[{\"type\":\"insecureAcceptAnything\"},{\"type\":\"sigstoreSigned\",\"keyPath\":"
    "\"/k\"}]}",
    "docker", "h.io/a:1", "\"sigstoreSigned\"" },
  { "no-requirements", CLOSED ("\"h.io\":[]"), "docker", "h.io/a:1",
    "\"h.io\" has no requirements" },
  { "no-requirements-in-default", "{\"default\":[]}", "docker", "h.io/a:1",
    "\"default\" has no requirements" },
  { "null-requirements", OPEN ("\"h.io\":null"), "docker", "h.io/a:1",
    "\"h.io\" has no requirements" },
  { "unknown-requirement", "{\"default\":[{\"type\":\"acceptAll\"}]}", "docker", "h.io/a:1",
    "\"acceptAll\"" },
  { "requirement-without-type", "{\"default\":[{}]}", "docker", "h.io/a:1", "\"default\"" },
  { "requirement-with-number", "{\"default\":[{\"type\":1}]}", "docker", "h.io/a:1",
    "\"default\": \"type\"" },
  { "requirement-is-text", "{\"default\":[\"insecureAcceptAnything\"]}", "docker", "h.io/a:1",
    "no object" },
  /* What is not understood */
  { "default-missing", "{}", "docker", "h.io/a:1", "\"default\" is missing" },
  { "default-missing-beside-scope", "{\"transports\":{\"docker\":{\"h.io\":" ACCEPT "}}}", "docker",
    "h.io/a:1", "\"default\" is missing" },
  { "default-is-object", "{\"default\":{}}", "docker", "h.io/a:1", "\"default\" is not" },
  { "transports-is-list", "{\"default\":" ACCEPT ",\"transports\":[]}", "docker", "h.io/a:1",
    "\"transports\" is not" },
  { "transport-is-list", "{\"default\":" ACCEPT ",\"transports\":{\"docker\":[]}}", "docker",
    "h.io/a:1", "\"docker\" is not" },
  { "default-twice", "{\"default\":" REJECT ",\"default\":" ACCEPT "}", "docker", "h.io/a:1",
    "default" },
  { "scope-twice", OPEN ("\"h.io\":" REJECT ",\"h.io\":" ACCEPT), "docker", "h.io/a:1", "h.io" },
  { "comment", "/* x */{\"default\":" ACCEPT "}", "docker", "h.io/a:1", "" },
  { "empty", "", "docker", "h.io/a:1", "" },
};

static void
test_check (gconstpointer data)
{
  const Row *row = data;
  char *dir = scratch_new ();
  g_autofree char *path = g_build_filename (dir, "policy.json", NULL);
  g_autoptr (GError) error = NULL;
  g_assert_true (g_file_set_contents (path, row->policy, -1, NULL));

  gboolean accepted = sc_trust_policy_check (path, row->transport, row->scope, &error);

  scratch_free (dir);
  g_assert_cmpint (accepted, ==, row->fault == NULL);
  if (row->fault == NULL)
    {
      g_assert_no_error (error);
      return;
    }
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_POLICY_REJECTED);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, row->fault));
}

static void
test_check_without_file (void)
{
  char *dir = scratch_new ();
  g_autofree char *path = g_build_filename (dir, "policy.json", NULL);
  g_autoptr (GError) error = NULL;

  gboolean accepted = sc_trust_policy_check (path, "docker", "h.io/a:1", &error);

  scratch_free (dir);
  g_assert_no_error (error);
  g_assert_true (accepted);
}

static void
test_check_refuses_large_file (void)
{
  char *dir = scratch_new ();
  g_autofree char *path = g_build_filename (dir, "policy.json", NULL);
  g_autofree char *space = g_strnfill (1024 * 1024, ' ');
  g_autofree char *text = g_strconcat ("{\"default\":" ACCEPT "}", space, NULL);
  g_autoptr (GError) error = NULL;
  g_assert_true (g_file_set_contents (path, text, -1, NULL));

  gboolean accepted = sc_trust_policy_check (path, "docker", "h.io/a:1", &error);

  scratch_free (dir);
  g_assert_false (accepted);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_POLICY_REJECTED);
}

static void
test_check_refuses_directory (void)
{
  char *dir = scratch_new ();
  g_autoptr (GError) error = NULL;

  gboolean accepted = sc_trust_policy_check (dir, "docker", "h.io/a:1", &error);

  scratch_free (dir);
  g_assert_false (accepted);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_POLICY_REJECTED);
}

static void
test_check_refuses_fifo (void)
{
  char *dir = scratch_new ();
  g_autofree char *path = g_build_filename (dir, "policy.json", NULL);
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);

  gboolean accepted = sc_trust_policy_check (path, "docker", "h.io/a:1", &error);

  scratch_free (dir);
  g_assert_false (accepted);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_POLICY_REJECTED);
  g_assert_nonnull (strstr (error->message, "no regular file"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/trust-policy/check/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_check);
    }
  g_test_add_func ("/trust-policy/check/without-file", test_check_without_file);
  g_test_add_func ("/trust-policy/check/refuses-large-file", test_check_refuses_large_file);
  g_test_add_func ("/trust-policy/check/refuses-directory", test_check_refuses_directory);
  g_test_add_func ("/trust-policy/check/refuses-fifo", test_check_refuses_fifo);

  return g_test_run ();
}
