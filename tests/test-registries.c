/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * registries.d: which places a name means, and what is no configuration.
 */
#include "base/sc-registries.h"

#include "base/sc-error-util.h"
#include "scratch.h"

#include <string.h>

typedef struct
{
  char *root;     /* (owned) */
  ScPaths *paths; /* (owned) */
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->root = scratch_new ();
  self->paths = sc_paths_new (self->root);
  g_assert_cmpint (g_mkdir_with_parents (self->paths->registries, 0755), ==, 0);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  sc_paths_free (self->paths);
  scratch_free (self->root);
}

static void
write_file (const Fixture *self, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (self->paths->registries, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* Each place as "NAME[ insecure][ digest-only][ PROXY]", in one line. */
static char *
find (const Fixture *self, const char *name)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScRegistries) registries = sc_registries_load (self->paths, &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) places = sc_registries_find (registries, name, &error);
  g_assert_no_error (error);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < places->len; i++)
    {
      const ScRegistryPlace *place = places->pdata[i];
      g_string_append_printf (
          text, "%s%s%s%s%s%s", i > 0 ? ", " : "", place->name, place->insecure ? " insecure" : "",
          place->digest_only ? " digest-only" : "", place->proxy != NULL ? " " : "",
          place->proxy != NULL ? place->proxy : "");
    }
  return g_string_free (text, FALSE);
}

static const char example[] = "[Registry registry.example.com]\n"
                              "Mirrors=one.example.com:5000/cache; two.example.com\n"
                              "Proxy=http://user:secret@proxy.example.com:3128\n"
                              "[Mirror two.example.com]\n"
                              "DigestOnly=yes\n"
                              "Insecure=true\n"
                              "Proxy=none\n"
                              "[Registry registry.example.com/infra]\n"
                              "Location=inner.example.com/a/b\n"
                              "Insecure=on\n"
                              "[Registry *.example.org]\n"
                              "Location=cache.example.com:5000\n"
                              "[Registry special.example.org]\n"
                              "[Registry localhost:5000]\n"
                              "Insecure=1\n";

static const struct
{
  const char *name;
  const char *places;
} finds[] = {
  { "other.example.com/a", "other.example.com/a" },
  { "registry.example.com/team/app",
    "one.example.com:5000/cache/team/app, two.example.com/team/app insecure digest-only direct://, "
    "registry.example.com/team/app http://user:secret@proxy.example.com:3128" },
  { "Registry.Example.COM/infra/etcd", "inner.example.com/a/b/etcd insecure" },
  { "registry.example.com/infra", "inner.example.com/a/b insecure" },
  { "registry.example.com/infrastructure",
    "one.example.com:5000/cache/infrastructure, two.example.com/infrastructure insecure "
    "digest-only direct://, registry.example.com/infrastructure "
    "http://user:secret@proxy.example.com:3128" },
  { "registry.example.com:5000/a", "registry.example.com:5000/a" },
  { "a.b.example.org/c/d", "cache.example.com:5000/c/d" },
  { "a.example.org:8080/c", "cache.example.com:5000/c" },
  { "example.org/c", "example.org/c" },
  { "special.example.org/c", "special.example.org/c" },
  { "aexample.org/x.example.org/c", "aexample.org/x.example.org/c" },
  { "localhost:5000/a", "localhost:5000/a insecure" },
};

static void
test_find (Fixture *self, gconstpointer data)
{
  write_file (self, "example.conf", example);
  write_file (self, "example.conf.rpmsave", "nonsense");
  write_file (self, ".hidden.conf", "nonsense");

  for (gsize i = 0; i < G_N_ELEMENTS (finds); i++)
    {
      g_autofree char *places = find (self, finds[i].name);
      g_assert_cmpstr (places, ==, finds[i].places);
    }
}

static void
test_find_without_files (Fixture *self, gconstpointer data)
{
  g_autofree char *empty = find (self, "registry.example.com/a");
  g_assert_cmpstr (empty, ==, "registry.example.com/a");

  g_assert_cmpint (rmdir (self->paths->registries), ==, 0);
  g_autofree char *none = find (self, "registry.example.com/a");
  g_assert_cmpstr (none, ==, "registry.example.com/a");
}

/* NP03: capitals in a host do not get around it */
static void
test_find_blocked (Fixture *self, gconstpointer data)
{
  static const char *const names[]
      = { "registry.example.com/a", "REGISTRY.example.com/a/b", "x.bad.example.org/a" };

  write_file (self, "blocked.conf",
              "[Registry registry.example.com]\nBlocked=yes\nMirrors=mirror.example.com\n"
              "[Registry *.bad.example.org]\nBlocked=yes\n");
  g_autoptr (ScRegistries) registries = sc_registries_load (self->paths, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) places = sc_registries_find (registries, names[i], &error);

      g_assert_null (places);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_POLICY_REJECTED);
      g_assert_nonnull (strstr (error->message, "[Registry "));
      g_assert_nonnull (strstr (error->message, "registries.d/blocked.conf"));
    }
}

static const struct
{
  const char *text;
  const char *mentions; /* beside the file */
} bad_files[] = {
  { "Blocked=yes\n", "" },
  { "[Registries]\n", "[Registries]" },
  { "[Registry]\n", "[Registry]" },
  { "[Registry registry]\n", "[Registry registry]" },
  { "[Registry Registry.example.com]\n", "lower case" },
  { "[Registry registry.example.com/]\n", "[Registry registry.example.com/]" },
  { "[Registry registry.example.com:0]\n", "[Registry registry.example.com:0]" },
  { "[Registry https://registry.example.com]\n", "[Registry https:" },
  { "[Registry *.example.com/a]\n", "[Registry *.example.com/a]" },
  { "[Registry *]\n", "[Registry *]" },
  { "[Mirror *.example.com]\n", "[Mirror *.example.com]" },
  { "[Registry a.example.com]\nBlcoked=yes\n", "Blcoked" },
  { "[Registry a.example.com]\nDigestOnly=yes\n", "DigestOnly" },
  { "[Registry a.example.com]\nBlocked=maybe\n", "Blocked" },
  { "[Registry a.example.com]\nLocation=b\n", "Location" },
  { "[Registry a.example.com]\nLocation=b.example.com/A\n", "Location" },
  { "[Registry a.example.com]\nMirrors=b.example.com;;c.example.com\n", "Mirrors" },
  { "[Registry a.example.com]\nMirrors=b.example.com;b.example.com\n", "Mirrors" },
  { "[Registry a.example.com]\nMirrors=http://b.example.com\n", "Mirrors" },
  { "[Registry a.example.com]\nProxy=proxy.example.com:3128\n", "Proxy" },
  { "[Registry a.example.com]\nProxy=http://proxy.example.com\n", "Proxy" },
  { "[Registry a.example.com]\nProxy=file:///etc/passwd\n", "Proxy" },
  { "[Mirror b.example.com]\nInsecure=yes\n", "[Mirror b.example.com]" },
  { "[Registry a.example.com]\n[Registry  a.example.com]\n", "a.example.com" },
};

static void
test_load_refuses (Fixture *self, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad_files); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", bad_files[i].text);
      write_file (self, "bad.conf", bad_files[i].text);
      g_autoptr (ScRegistries) registries = sc_registries_load (self->paths, &error);

      g_assert_null (registries);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, "registries.d/bad.conf"));
      g_assert_nonnull (strstr (error->message, bad_files[i].mentions));
    }
}

/* RX10 */
static void
test_load_keeps_password (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  write_file (self, "bad.conf", "[Registry a.example.com]\nProxy=http://user:secret@proxy:port\n");
  g_autoptr (ScRegistries) registries = sc_registries_load (self->paths, &error);

  g_assert_null (registries);
  g_assert_null (strstr (error->message, "secret"));
}

static void
test_load_refuses_two_files (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  write_file (self, "a.conf", "[Registry a.example.com]\nBlocked=yes\n");
  write_file (self, "b.conf", "[Registry a.example.com]\nBlocked=no\n");
  g_autoptr (ScRegistries) registries = sc_registries_load (self->paths, &error);

  g_assert_null (registries);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "registries.d/a.conf"));
  g_assert_nonnull (strstr (error->message, "registries.d/b.conf"));
}

#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/registries/find/places", test_find);
  ADD ("/registries/find/without-files", test_find_without_files);
  ADD ("/registries/find/blocked", test_find_blocked);
  ADD ("/registries/load/refuses", test_load_refuses);
  ADD ("/registries/load/keeps-password", test_load_keeps_password);
  ADD ("/registries/load/refuses-two-files", test_load_refuses_two_files);
  return g_test_run ();
}
