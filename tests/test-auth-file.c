/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * containers-auth.json(5): which login is meant, and what is refused.
 */
#include "base/sc-error-util.h"
#include "image/sc-auth-file.h"

#include <string.h>

#define AUTH(base64) "{\"auth\":\"" base64 "\"}"
#define ALICE        AUTH ("YWxpY2U6c2VjcmV0") /* alice:secret */
#define BOB          AUTH ("Ym9iOnE6dw==")     /* bob:q:w */
#define TOKEN        "{\"auth\":\"PHRva2VuPjo=\",\"identitytoken\":\"t.0-k~en\"}"
#define FILE(auths)  "{\"auths\":{" auths "}}"

typedef struct
{
  const char *name;
  const char *text;
  const char *registry;
  const char *repository;
  const char *found; /* USER:SECRET; NULL: nothing */
  const char *fault; /* in the message */
} Row;

static const Row find_rows[] = {
  { "host", FILE ("\"h.io\":" ALICE), "h.io", "a/b", "alice:secret", NULL },
  { "host-itself", FILE ("\"h.io\":" ALICE), "h.io", NULL, "alice:secret", NULL },
  { "another-host", FILE ("\"h.io\":" ALICE), "i.io", "a/b", NULL, NULL },
  { "host-that-ends-alike", FILE ("\"h.io\":" ALICE), "xh.io", "a/b", NULL, NULL },
  { "port", FILE ("\"h.io:5000\":" ALICE), "h.io:5000", "a", "alice:secret", NULL },
  { "without-its-port", FILE ("\"h.io\":" ALICE), "h.io:5000", "a", NULL, NULL },
  { "another-port", FILE ("\"h.io:5000\":" ALICE), "h.io", "a", NULL, NULL },
  { "case-of-the-host", FILE ("\"h.io\":" ALICE), "H.io", "a", "alice:secret", NULL },
  { "password-with-a-colon", FILE ("\"h.io\":" BOB), "h.io", "a", "bob:q:w", NULL },
  { "repository-before-host", FILE ("\"h.io\":" ALICE ",\"h.io/a/b\":" BOB), "h.io", "a/b",
    "bob:q:w", NULL },
  { "namespace-before-host", FILE ("\"h.io\":" ALICE ",\"h.io/a\":" BOB), "h.io", "a/b", "bob:q:w",
    NULL },
  { "longest", FILE ("\"h.io/a\":" ALICE ",\"h.io/a/b\":" BOB), "h.io", "a/b/c", "bob:q:w", NULL },
  { "namespace-that-begins-alike", FILE ("\"h.io/a\":" ALICE), "h.io", "ab/c", NULL, NULL },
  { "deeper-than-wanted", FILE ("\"h.io/a/b\":" ALICE), "h.io", "a", NULL, NULL },
  { "namespace-is-not-for-the-registry", FILE ("\"h.io/a\":" ALICE), "h.io", NULL, NULL, NULL },
  { "url-of-docker", FILE ("\"https://index.docker.io/v1/\":" ALICE), "docker.io",
    "library/busybox", "alice:secret", NULL },
  { "other-names-of-docker", FILE ("\"registry-1.docker.io\":" ALICE), "docker.io", "a/b",
    "alice:secret", NULL },
  { "other-way-round", FILE ("\"docker.io\":" ALICE), "index.docker.io", "a/b", "alice:secret",
    NULL },
  { "exact-before-url", FILE ("\"https://docker.io/v1/\":" ALICE ",\"docker.io\":" BOB),
    "docker.io", "a/b", "bob:q:w", NULL },
  { "url", FILE ("\"https://H.io/v2/\":" ALICE), "h.io", "a", "alice:secret", NULL },
  { "url-of-another", FILE ("\"https://h.io.evil.io/h.io\":" ALICE), "h.io", "a", NULL, NULL },
  { "identity-token", FILE ("\"h.io\":" TOKEN), "h.io", "a", ":t.0-k~en", NULL },
  { "zero-bytes-behind", FILE ("\"h.io\":" AUTH ("YTpiAAA=")), "h.io", "a", "a:b", NULL },
  { "empty-password", FILE ("\"h.io\":" AUTH ("YTo=")), "h.io", "a", "a:", NULL },
  { "left-to-a-helper", "{\"auths\":{\"h.io\":{}},\"credsStore\":\"x\"}", "h.io", "a", NULL, NULL },
  { "empty", "{}", "h.io", "a", NULL, NULL },
  { "null", "{\"auths\":null}", "h.io", "a", NULL, NULL },
  { "broken-one-of-another", FILE ("\"i.io\":" AUTH ("!") ",\"h.io\":" ALICE), "h.io", "a",
    "alice:secret", NULL },
  { "no-base64", FILE ("\"h.io\":" AUTH ("abc")), "h.io", "a", NULL, "\"h.io\": \"auth\"" },
  { "no-colon", FILE ("\"h.io\":" AUTH ("YWxpY2U=")), "h.io", "a", NULL, "USER:PASSWORD" },
  { "no-user", FILE ("\"h.io\":" AUTH ("OnNlY3JldA==")), "h.io", "a", NULL, "user's name" },
  { "new-line", FILE ("\"h.io\":" AUTH ("YTpiDQpYOiB5")), "h.io", "a", NULL, "control character" },
  { "zero-byte-within", FILE ("\"h.io\":" AUTH ("YTpiAGM=")), "h.io", "a", NULL, "USER:PASSWORD" },
  { "token-with-a-blank", FILE ("\"h.io\":{\"identitytoken\":\"a b\"}"), "h.io", "a", NULL,
    "identity token" },
  { "auth-is-a-number", FILE ("\"h.io\":{\"auth\":1}"), "h.io", "a", NULL, "\"auth\"" },
  { "entry-is-a-text", FILE ("\"h.io\":\"x\""), "h.io", "a", NULL, "no object" },
};

static void
test_find (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScCredential) credential = NULL;
  g_autoptr (ScAuthFile) file = sc_auth_file_parse (row->text, strlen (row->text), &error);
  g_assert_no_error (error);

  gboolean done = sc_auth_file_find (file, row->registry, row->repository, &credential, &error);

  if (row->fault != NULL)
    {
      g_assert_false (done);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, row->fault));
      return;
    }
  g_assert_no_error (error);
  g_autofree char *found
      = credential != NULL ? g_strconcat (credential->user, ":", credential->secret, NULL) : NULL;
  g_assert_cmpstr (found, ==, row->found);
}

static void
test_parse_refuses (void)
{
  static const char *const texts[] = {
    "",
    "null",
    "[]",
    "{\"auths\":[]}",
    "{\"auths\":{}}x",
    "{\"auths\":{\"h\":{},\"h\":{}}}",
    "{\"auths\":{}, // remark\n}",
    "{\"version\":2}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScAuthFile) file = sc_auth_file_parse (texts[i], strlen (texts[i]), &error);

      g_assert_null (file);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_fragment (void)
{
  static const char *const texts[] = { ALICE, FILE ("\"h.io\":" ALICE) };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScCredential) here = NULL;
      g_autoptr (ScCredential) elsewhere = NULL;
      g_autoptr (ScAuthFile) file
          = sc_auth_file_parse_fragment (texts[i], strlen (texts[i]), "h.io", &error);

      g_assert_no_error (error);
      g_assert_true (sc_auth_file_find (file, "h.io", "a", &here, &error));
      g_assert_true (sc_auth_file_find (file, "i.io", "a", &elsewhere, &error));
      g_assert_cmpstr (here->secret, ==, "secret");
      g_assert_null (elsewhere);
    }
}

static void
test_helper (void)
{
  const char *one = "{\"credHelpers\":{\"h.io\":\"x\"}}";
  g_autoptr (ScAuthFile) file = sc_auth_file_parse (one, strlen (one), NULL);

  g_assert_true (sc_auth_file_has_helper (file, "h.io"));
  g_assert_false (sc_auth_file_has_helper (file, "i.io"));
}

/* What was written is read again, and what is not ours stays. */
static void
test_set_and_remove (void)
{
  const char *text = "{\"auths\":{\"i.io\":" BOB "},\"x\":[1]}";
  g_autoptr (GError) error = NULL;
  g_autoptr (ScAuthFile) file = sc_auth_file_parse (text, strlen (text), &error);
  g_autoptr (ScCredential) credential
      = sc_credential_new (SC_CREDENTIAL_BASIC, "a", "b:c", "auth.h.io", &error);
  g_assert_no_error (error);

  sc_auth_file_set (file, "h.io/ns", credential);
  g_assert_true (sc_auth_file_remove (file, "i.io"));
  g_assert_false (sc_auth_file_remove (file, "i.io"));
  g_autofree char *written = sc_auth_file_to_text (file);
  g_autoptr (ScAuthFile) again = sc_auth_file_parse (written, strlen (written), &error);
  g_assert_no_error (error);

  g_autoptr (ScCredential) found = NULL;
  g_autoptr (ScCredential) removed = NULL;
  g_assert_true (sc_auth_file_find (again, "h.io", "ns/a", &found, &error));
  g_assert_true (sc_auth_file_find (again, "i.io", "a", &removed, &error));
  g_assert_cmpstr (found->user, ==, "a");
  g_assert_cmpstr (found->secret, ==, "b:c");
  g_assert_cmpstr (found->realm, ==, "auth.h.io");
  g_assert_null (removed);
  g_assert_nonnull (strstr (written, "\"x\""));
}

static void
test_prefix (void)
{
  static const char *const good[] = { "h.io", "h.io:5000", "localhost", "[::1]:5000", "h.io/a/b" };
  static const char *const bad[]
      = { "",         "busybox",  "https://h.io", "h.io/",       "h.io/../a", "H.io",
          "h.io/a:1", "h.io/a@b", "h.io:x",       "u:p@h.io/ns", "h.io\n",    "h.io//a" };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (sc_auth_prefix_check (good[i], NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_false (sc_auth_prefix_check (bad[i], &error));
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_describe_has_no_secret (void)
{
  g_autoptr (ScCredential) basic
      = sc_credential_new (SC_CREDENTIAL_BASIC, "alice", "canary", NULL, NULL);
  g_autoptr (ScCredential) token
      = sc_credential_new (SC_CREDENTIAL_IDENTITY_TOKEN, "", "canary", NULL, NULL);
  g_autofree char *of_basic = sc_credential_describe (basic);
  g_autofree char *of_token = sc_credential_describe (token);

  g_assert_cmpstr (of_basic, ==, "user \"alice\"");
  g_assert_null (strstr (of_token, "canary"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (find_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/auth-file/find/", find_rows[i].name, NULL);
      g_test_add_data_func (path, &find_rows[i], test_find);
    }
  g_test_add_func ("/auth-file/parse/refuses", test_parse_refuses);
  g_test_add_func ("/auth-file/parse/fragment", test_fragment);
  g_test_add_func ("/auth-file/has-helper", test_helper);
  g_test_add_func ("/auth-file/set-and-remove", test_set_and_remove);
  g_test_add_func ("/auth-file/prefix", test_prefix);
  g_test_add_func ("/credential/describe", test_describe_has_no_secret);
  return g_test_run ();
}
