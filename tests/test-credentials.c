/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which file a login comes from, which files are not used, and the store of our own.
 */
#include "ops/sc-credentials.h"

#include "base/sc-error-util.h"
#include "ops/sc-login-store.h"
#include "scratch.h"

#include <string.h>
#include <sys/mman.h>

#define AUTH(base64)      "{\"auth\":\"" base64 "\"}"
#define FILE(key, base64) "{\"auths\":{\"" key "\":" AUTH (base64) "}}"
#define GIVEN             "Z2l2ZW46eA==" /* given:x */
#define OWN               "b3duOng="     /* own:x */
#define RUN               "cnVuOng="     /* run:x */
#define ETC               "ZXRjOng="     /* etc:x */

typedef struct
{
  char *root; /* (owned) */
  ScPaths *paths;
  GString *log;
  GPtrArray *hints;
  ScOpContext context;
} Fixture;

static void
keep_line (gpointer data, guint priority, const char *line)
{
  g_string_append_printf (((Fixture *)data)->log, "%s\n", line);
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->root = scratch_new ();
  self->paths = sc_paths_new (self->root);
  self->log = g_string_new (NULL);
  self->hints = g_ptr_array_new_with_free_func (g_free);
  self->context = (ScOpContext){
    .paths = self->paths, .hints = self->hints, .log = keep_line, .log_data = self
  };
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_string_free (self->log, TRUE);
  g_ptr_array_unref (self->hints);
  sc_paths_free (self->paths);
  scratch_free (self->root);
}

static void
write_file (const char *path, const char *text, mode_t mode)
{
  g_autofree char *dir = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  g_assert_cmpint (chmod (path, mode), ==, 0);
}

static ScSecret *
make_secret (const char *text)
{
  int fd = memfd_create ("test", MFD_CLOEXEC);

  g_assert_cmpint (write (fd, text, strlen (text)), ==, (int)strlen (text));
  return sc_secret_new (fd, NULL);
}

/* (nullable): the user of the login for h.io/a/b */
static char *
find (Fixture *self, const char *given)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScSecret) secret = given != NULL ? make_secret (given) : NULL;
  g_autoptr (ScCredentials) credentials
      = sc_credentials_load (&self->context, secret, "h.io", NULL, &error);
  g_assert_no_error (error);
  g_autoptr (ScCredential) credential = sc_credentials_find (credentials, "h.io", "a/b");

  return credential != NULL ? g_strdup (credential->user) : NULL;
}

static void
assert_finds (Fixture *self, const char *given, const char *user)
{
  g_autofree char *found = find (self, given);

  g_assert_cmpstr (found, ==, user);
}

static void
test_order (Fixture *self, gconstpointer data)
{
  g_autofree char *own = sc_login_store_get_path (self->paths);

  assert_finds (self, NULL, NULL);
  write_file (self->paths->auth_system, FILE ("h.io/a/b", ETC), 0600);
  assert_finds (self, NULL, "etc");
  write_file (self->paths->auth_runtime, FILE ("h.io", RUN), 0600);
  assert_finds (self, NULL, "run");
  write_file (own, FILE ("h.io/a", OWN), 0600);
  assert_finds (self, NULL, "own");
  assert_finds (self, AUTH (GIVEN), "given");
  assert_finds (self, FILE ("h.io", GIVEN), "given");
  assert_finds (self, FILE ("i.io", GIVEN), "own");
  g_assert_cmpuint (self->hints->len, ==, 0);
}

static void
test_given_is_broken (Fixture *self, gconstpointer data)
{
  static const char *const texts[] = { "", "{", "[]", "{\"auths\":1}", AUTH ("!") };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScSecret) secret = make_secret (texts[i]);
      g_autoptr (ScCredentials) credentials
          = sc_credentials_load (&self->context, secret, "h.io", NULL, &error);

      g_assert_null (credentials);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
    }
}

/* Left out and told, and the next one counts. */
static void
assert_left_out (Fixture *self, const char *why)
{
  assert_finds (self, NULL, "etc");
  g_assert_cmpuint (self->hints->len, ==, 1);
  g_assert_nonnull (strstr (self->hints->pdata[0], self->paths->auth_runtime));
  g_assert_nonnull (strstr (self->hints->pdata[0], why));
  g_assert_nonnull (strstr (self->log->str, why));
}

static void
test_readable_by_others (Fixture *self, gconstpointer data)
{
  write_file (self->paths->auth_system, FILE ("h.io", ETC), 0640);
  write_file (self->paths->auth_runtime, FILE ("h.io", RUN), 0604);
  assert_left_out (self, "chmod 600");
}

static void
test_writable_by_others (Fixture *self, gconstpointer data)
{
  write_file (self->paths->auth_system, FILE ("h.io", ETC), 0600);
  write_file (self->paths->auth_runtime, FILE ("h.io", RUN), 0620);
  assert_left_out (self, "chmod 600");
}

static void
test_no_regular_file (Fixture *self, gconstpointer data)
{
  write_file (self->paths->auth_system, FILE ("h.io", ETC), 0600);
  g_assert_cmpint (g_mkdir_with_parents (self->paths->auth_runtime, 0700), ==, 0);
  assert_left_out (self, "regular file");
}

static void
test_not_understood (Fixture *self, gconstpointer data)
{
  write_file (self->paths->auth_system, FILE ("h.io", ETC), 0600);
  write_file (self->paths->auth_runtime, "{\"auths\":{},}", 0600);
  assert_left_out (self, "line 1");
}

static void
test_too_large (Fixture *self, gconstpointer data)
{
  g_autofree char *text = g_strnfill (SC_AUTH_FILE_MAX_BYTES + 1, ' ');

  write_file (self->paths->auth_system, FILE ("h.io", ETC), 0600);
  write_file (self->paths->auth_runtime, text, 0600);
  assert_left_out (self, "not used");
}

static void
test_helper (Fixture *self, gconstpointer data)
{
  write_file (self->paths->auth_runtime, "{\"auths\":{\"h.io\":{}},\"credsStore\":\"pass\"}", 0600);
  write_file (self->paths->auth_system, FILE ("h.io", ETC), 0600);
  assert_left_out (self, "helper");
}

static void
test_store (Fixture *self, gconstpointer data)
{
  g_autofree char *path = sc_login_store_get_path (self->paths);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScCredential) credential
      = sc_credential_new (SC_CREDENTIAL_BASIC, "mine", "x", NULL, &error);
  struct stat st;

  g_assert_true (sc_login_store_set (self->paths, "h.io/a", credential, &error));
  g_assert_no_error (error);
  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 07777, ==, 0600);
  assert_finds (self, NULL, "mine");

  g_assert_true (sc_login_store_remove (self->paths, "h.io/a", &error));
  assert_finds (self, NULL, NULL);
  g_assert_false (sc_login_store_remove (self->paths, "h.io/a", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
}

/* What cannot be understood is not overwritten. */
static void
test_store_is_damaged (Fixture *self, gconstpointer data)
{
  g_autofree char *path = sc_login_store_get_path (self->paths);
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScCredential) credential
      = sc_credential_new (SC_CREDENTIAL_BASIC, "mine", "x", NULL, NULL);

  write_file (path, "{", 0600);
  g_assert_false (sc_login_store_set (self->paths, "h.io", credential, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_DAMAGED);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "{");
}

#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* What is left out is warned of. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  ADD ("/credentials/find/order", test_order);
  ADD ("/credentials/load/given-is-broken", test_given_is_broken);
  ADD ("/credentials/load/readable-by-others", test_readable_by_others);
  ADD ("/credentials/load/writable-by-others", test_writable_by_others);
  ADD ("/credentials/load/no-regular-file", test_no_regular_file);
  ADD ("/credentials/load/not-understood", test_not_understood);
  ADD ("/credentials/load/too-large", test_too_large);
  ADD ("/credentials/find/helper", test_helper);
  ADD ("/credentials/store/set-and-remove", test_store);
  ADD ("/credentials/store/damaged", test_store_is_damaged);
  return g_test_run ();
}
