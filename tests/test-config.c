/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The configuration: defaults, drop-ins, ranges and what an error names.
 */
#include "base/sc-config.h"

#include "base/sc-error-util.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

static GPtrArray *warnings; /* (owned) messages of level warning, since the fixture was set up */

typedef struct
{
  char *root;     /* (owned) */
  ScPaths *paths; /* (owned) */
} Fixture;

static GLogWriterOutput
on_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  for (gsize i = 0; i < n_fields && (level & G_LOG_LEVEL_WARNING); i++)
    {
      if (g_str_equal (fields[i].key, "MESSAGE"))
        g_ptr_array_add (warnings, g_strdup (fields[i].value));
    }
  return G_LOG_WRITER_HANDLED;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  g_ptr_array_set_size (warnings, 0);
  self->root = g_dir_make_tmp ("syscont-config-XXXXXX", NULL);
  g_assert_nonnull (self->root);
  self->paths = sc_paths_new (self->root);
  g_assert_cmpint (g_mkdir_with_parents (self->paths->config_dropins, 0755), ==, 0);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autofree char *quoted = g_shell_quote (self->root);
  g_autofree char *command = g_strconcat ("rm -rf -- ", quoted, NULL);

  g_assert_true (g_spawn_command_line_sync (command, NULL, NULL, NULL, NULL));
  sc_paths_free (self->paths);
  g_free (self->root);
}

static void
write_main (const Fixture *self, const char *text)
{
  g_assert_true (g_file_set_contents (self->paths->config_file, text, -1, NULL));
}

static void
write_dropin (const Fixture *self, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (self->paths->config_dropins, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static ScConfig *
load (const Fixture *self)
{
  g_autoptr (GError) error = NULL;
  ScConfig *config = sc_config_load (self->paths, &error);

  g_assert_no_error (error);
  g_assert_nonnull (config);
  return config;
}

static void
assert_defaults (const ScConfig *config)
{
  g_assert_cmpstr (config->repository, ==, "/var/lib/containers/syscont/.repo");
  g_assert_cmpstr (config->checkout, ==, "/var/lib/containers/syscont");
  g_assert_cmpstr (config->runtime, ==, "/usr/bin/runc");
  g_assert_cmpuint (g_strv_length (config->insecure_registries), ==, 0);
  g_assert_cmpuint (g_hash_table_size (config->short_names), ==, 0);
  g_assert_cmpuint (g_strv_length (config->unqualified_search), ==, 0);
  g_assert_cmpuint (config->idle_exit_s, ==, 60);
  g_assert_cmpuint (config->max_jobs, ==, 4);
  g_assert_cmpuint (config->start_timeout_s, ==, 90);
  g_assert_cmpuint (config->max_blob_bytes, ==, G_GUINT64_CONSTANT (8589934592));
  g_assert_cmpuint (config->max_layer_bytes, ==, G_GUINT64_CONSTANT (17179869184));
  g_assert_cmpuint (config->max_image_bytes, ==, G_GUINT64_CONSTANT (34359738368));
  g_assert_cmpuint (config->max_layer_entries, ==, 500000);
  g_assert_cmpuint (config->max_image_entries, ==, 1000000);
  g_assert_cmpuint (config->keep_free_percent, ==, 5);
  g_assert_cmpuint (config->keep_free_bytes, ==, 1073741824);
}

static void
test_load_no_files (void)
{
  g_autoptr (ScPaths) paths = sc_paths_new ("/nowhere/at/all");
  g_autoptr (GError) error = NULL;

  g_autoptr (ScConfig) config = sc_config_load (paths, &error);

  g_assert_no_error (error);
  assert_defaults (config);
}

static void
test_load_empty_file (Fixture *self, gconstpointer data)
{
  write_main (self, "");

  g_autoptr (ScConfig) config = load (self);

  assert_defaults (config);
}

static void
test_load_all_keys (Fixture *self, gconstpointer data)
{
  write_main (self,
              "# a comment\n"
              "[Storage]\nRepository=/ostree/repo\nCheckout=/data//syscont/\nKeepFreePercent=50\n"
              "KeepFreeBytes=0\n[Runtime]\nPath=/usr/bin/crun\n"
              "[Registries]\nInsecure=localhost:5000; [::1]:5000 ;registry.lan\n"
              "ShortNames=etcd=registry.example.com/infra/etcd;web=example.com/w:1\n"
              "[Daemon]\nIdleExitSec=0\nMaxJobs=16\nStartTimeoutSec=5\n"
              "[Limits]\nBlobBytes=1\nLayerBytes=2\nImageBytes=1125899906842624\nLayerEntries=4\n"
              "ImageEntries=5\n");

  g_autoptr (ScConfig) config = load (self);

  g_assert_cmpstr (config->repository, ==, "/ostree/repo");
  g_assert_cmpstr (config->checkout, ==, "/data/syscont");
  g_assert_cmpuint (config->keep_free_percent, ==, 50);
  g_assert_cmpuint (config->keep_free_bytes, ==, 0);
  g_assert_cmpstr (config->runtime, ==, "/usr/bin/crun");
  g_assert_cmpuint (g_strv_length (config->insecure_registries), ==, 3);
  g_assert_cmpstr (g_hash_table_lookup (config->short_names, "etcd"), ==,
                   "registry.example.com/infra/etcd");
  g_assert_cmpstr (g_hash_table_lookup (config->short_names, "web"), ==, "example.com/w:1");
  g_assert_cmpuint (config->idle_exit_s, ==, 0);
  g_assert_cmpuint (config->max_jobs, ==, 16);
  g_assert_cmpuint (config->start_timeout_s, ==, 5);
  g_assert_cmpuint (config->max_blob_bytes, ==, 1);
  g_assert_cmpuint (config->max_layer_bytes, ==, 2);
  g_assert_cmpuint (config->max_image_bytes, ==, G_GUINT64_CONSTANT (1125899906842624));
  g_assert_cmpuint (config->max_layer_entries, ==, 4);
  g_assert_cmpuint (config->max_image_entries, ==, 5);
  g_assert_cmpuint (warnings->len, ==, 0);
}

static void
test_load_repository_follows_checkout (Fixture *self, gconstpointer data)
{
  write_main (self, "[Storage]\nCheckout=/data\n");

  g_autoptr (ScConfig) config = load (self);

  g_assert_cmpstr (config->repository, ==, "/data/.repo");
}

static void
test_load_dropins_replace (Fixture *self, gconstpointer data)
{
  write_main (self, "[Daemon]\nMaxJobs=1\nIdleExitSec=1\n[Registries]\nInsecure=a\n");
  write_dropin (self, "a.conf",
                "[Daemon]\nMaxJobs=2\nStartTimeoutSec=2\n[Registries]\nInsecure=b;c\n");

  g_autoptr (ScConfig) config = load (self);

  g_assert_cmpuint (config->max_jobs, ==, 2);
  g_assert_cmpuint (config->start_timeout_s, ==, 2);
  g_assert_cmpuint (config->idle_exit_s, ==, 1);
  g_assert_cmpuint (g_strv_length (config->insecure_registries), ==, 2);
  g_assert_cmpstr (config->insecure_registries[0], ==, "b");
}

/* Enough of them that no directory has them in this order by chance. */
static void
test_load_dropins_in_order_of_names (Fixture *self, gconstpointer data)
{
  for (guint i = 0; i < 40; i++)
    {
      guint number = 10 + (i * 17) % 40;
      g_autofree char *name = g_strdup_printf ("%u.conf", number);
      g_autofree char *text = g_strdup_printf ("[Daemon]\nIdleExitSec=%u\n", number);

      write_dropin (self, name, text);
    }

  g_autoptr (ScConfig) config = load (self);

  g_assert_cmpuint (config->idle_exit_s, ==, 49);
}

static void
test_load_ignores_other_names (Fixture *self, gconstpointer data)
{
  write_dropin (self, "a.conf.bak", "[Daemon]\nMaxJobs=9\n");
  write_dropin (self, ".a.conf", "[Daemon]\nMaxJobs=9\n");

  g_autoptr (ScConfig) config = load (self);

  assert_defaults (config);
}

static void
test_load_dropins_without_main_file (Fixture *self, gconstpointer data)
{
  write_dropin (self, "a.conf", "[Daemon]\nMaxJobs=2\n");

  g_autoptr (ScConfig) config = load (self);

  g_assert_cmpuint (config->max_jobs, ==, 2);
}

static void
test_load_warns_of_unknown_keys (Fixture *self, gconstpointer data)
{
  write_main (self, "[Daemon]\nMaxJob=2\nMaxJobs=3\n[Nonsense]\nMaxJobs=7\n");

  g_autoptr (ScConfig) config = load (self);

  g_assert_cmpuint (config->max_jobs, ==, 3);
  g_assert_cmpuint (warnings->len, ==, 2);
  g_assert_nonnull (strstr (g_ptr_array_index (warnings, 0), self->paths->config_file));
  g_assert_nonnull (strstr (g_ptr_array_index (warnings, 0), "MaxJob in group Daemon"));
  g_assert_nonnull (strstr (g_ptr_array_index (warnings, 1), "MaxJobs in group Nonsense"));
}

typedef struct
{
  const char *name;
  const char *text;
  const char *fault;
} Row;

static const Row bad_rows[] = {
  { "no-group", "MaxJobs=3\n", "" },
  { "no-key", "[Daemon]\nwhat is this\n", "what is this" },
  { "jobs-zero", "[Daemon]\nMaxJobs=0\n",
    "[Daemon] MaxJobs: \"0\" is not a whole number from 1 to 16" },
  { "jobs-too-many", "[Daemon]\nMaxJobs=17\n", "\"17\"" },
  { "negative", "[Daemon]\nIdleExitSec=-1\n", "[Daemon] IdleExitSec: \"-1\"" },
  { "idle-too-long", "[Daemon]\nIdleExitSec=86401\n", "\"86401\"" },
  { "percent-too-large", "[Storage]\nKeepFreePercent=51\n", "[Storage] KeepFreePercent" },
  { "with-unit", "[Limits]\nBlobBytes=8G\n", "[Limits] BlobBytes: \"8G\"" },
  { "hexadecimal", "[Limits]\nBlobBytes=0x10\n", "\"0x10\"" },
  { "plus", "[Limits]\nBlobBytes=+1\n", "\"+1\"" },
  { "no-number", "[Limits]\nLayerEntries=\n", "\"\"" },
  { "beyond-64-bits", "[Limits]\nImageBytes=18446744073709551616\n", "[Limits] ImageBytes" },
  { "relative-path", "[Storage]\nCheckout=data\n", "[Storage] Checkout: \"data\"" },
  { "empty-path", "[Storage]\nRepository=\n", "[Storage] Repository" },
  { "parent-in-path", "[Storage]\nCheckout=/data/../etc\n", "\"/data/../etc\"" },
  { "root-as-path", "[Storage]\nCheckout=/\n", "\"/\"" },
  { "control-character-in-path", "[Runtime]\nPath=/usr/bin/\\nrunc\n", "\\x0a" },
  { "registry-with-path", "[Registries]\nInsecure=a;b/c\n", "[Registries] Insecure: \"b/c\"" },
  { "registry-with-scheme", "[Registries]\nInsecure=http://a\n", "\"http://a\"" },
  { "registry-empty", "[Registries]\nInsecure=a;;b\n", "\"\"" },
  { "short-name-alone", "[Registries]\nShortNames=etcd\n", "[Registries] ShortNames: \"etcd\"" },
  { "short-name-empty", "[Registries]\nShortNames==a/b\n", "\"=a/b\"" },
  { "short-name-short", "[Registries]\nShortNames=a=b\n", "\"a=b\"" },
  { "short-name-twice", "[Registries]\nShortNames=a=b/c;a=b/d\n", "\"a=b/d\"" },
};

static void
assert_refused (const Fixture *self, const char *path, const char *fault)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_config_load (self->paths, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, path));
  if (strstr (error->message, fault) == NULL)
    g_test_fail_printf ("\"%s\" does not say \"%s\"", error->message, fault);
}

static void
test_load_refuses (Fixture *self, gconstpointer data)
{
  const Row *row = data;

  write_main (self, row->text);

  assert_refused (self, self->paths->config_file, row->fault);
}

static void
test_load_names_dropin (Fixture *self, gconstpointer data)
{
  write_main (self, "[Daemon]\nMaxJobs=1\n");
  write_dropin (self, "bad.conf", "[Daemon]\nMaxJobs=x\n");

  assert_refused (self, "syscont.conf.d/bad.conf", "MaxJobs");
}

static void
test_load_zero_byte (Fixture *self, gconstpointer data)
{
  static const char text[] = "[Daemon]\nMaxJobs=1\0\n";
  g_assert_true (g_file_set_contents (self->paths->config_file, text, sizeof text - 1, NULL));

  assert_refused (self, self->paths->config_file, "zero byte");
}

static void
test_load_refuses_symlink (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (symlink ("/dev/null", self->paths->config_file), ==, 0);

  g_assert_null (sc_config_load (self->paths, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "syscont.conf"));
  g_assert_nonnull (strstr (error->message, "symbolic link"));
}

static void
test_is_insecure_compares_exactly (Fixture *self, gconstpointer data)
{
  write_main (self, "[Registries]\nInsecure=localhost:5000;registry.lan\n");

  g_autoptr (ScConfig) config = load (self);

  g_assert_true (sc_config_is_insecure (config, "localhost:5000"));
  g_assert_true (sc_config_is_insecure (config, "registry.lan"));
  g_assert_false (sc_config_is_insecure (config, "localhost"));
  g_assert_false (sc_config_is_insecure (config, "registry.lan:443"));
  g_assert_false (sc_config_is_insecure (config, "x.registry.lan"));
  g_assert_false (sc_config_is_insecure (config, ""));
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (on_log, NULL, NULL);
  warnings = g_ptr_array_new_with_free_func (g_free);

  g_test_add_func ("/config/load/no-files", test_load_no_files);
  ADD ("/config/load/empty-file", test_load_empty_file);
  ADD ("/config/load/all-keys", test_load_all_keys);
  ADD ("/config/load/repository-follows-checkout", test_load_repository_follows_checkout);
  ADD ("/config/load/dropins-replace", test_load_dropins_replace);
  ADD ("/config/load/dropins-in-order-of-names", test_load_dropins_in_order_of_names);
  ADD ("/config/load/ignores-other-names", test_load_ignores_other_names);
  ADD ("/config/load/dropins-without-main-file", test_load_dropins_without_main_file);
  ADD ("/config/load/warns-of-unknown-keys", test_load_warns_of_unknown_keys);
  for (gsize i = 0; i < G_N_ELEMENTS (bad_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/config/load/refuses-", bad_rows[i].name, NULL);
      g_test_add (path, Fixture, &bad_rows[i], set_up, test_load_refuses, tear_down);
    }
  ADD ("/config/load/names-dropin", test_load_names_dropin);
  ADD ("/config/load/zero-byte", test_load_zero_byte);
  ADD ("/config/load/refuses-symlink", test_load_refuses_symlink);
  ADD ("/config/is-insecure/compares-exactly", test_is_insecure_compares_exactly);

  int result = g_test_run ();
  g_ptr_array_unref (warnings);
  return result;
}
