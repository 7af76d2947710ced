/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-image-argument.h"

#include "dbus/sc-error.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  const char *text;
  ScImageKind kind;
  const char *name;
  const char *tag;
} Row;

static void
test_parse_splits (gconstpointer data)
{
  const Row *row = data;
  g_auto (ScImageArgument) argument = { 0 };
  g_autoptr (GError) error = NULL;

  gboolean ok = sc_image_argument_parse (row->text, &argument, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
  g_assert_cmpint (argument.kind, ==, row->kind);
  g_assert_cmpstr (argument.name, ==, row->name);
  g_assert_cmpstr (argument.tag, ==, row->tag);
}

static void
test_parse_prefers_existing_file (void)
{
  g_autofree char *dir = g_dir_make_tmp ("test-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (dir, "a:b", NULL);
  g_autofree char *text = g_strconcat ("oci-archive:", file, NULL);
  g_auto (ScImageArgument) argument = { 0 };

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_true (sc_image_argument_parse (text, &argument, NULL));

  g_assert_cmpstr (argument.name, ==, file);
  g_assert_null (argument.tag);
  g_unlink (file);
  g_rmdir (dir);
}

static void
test_parse_prefers_existing_docker_archive (void)
{
  g_autofree char *dir = g_dir_make_tmp ("test-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (dir, "a:b", NULL);
  g_autofree char *text = g_strconcat ("docker-archive:", file, ":app:1", NULL);
  g_auto (ScImageArgument) argument = { 0 };

  g_assert_true (g_file_set_contents (file, "", 0, NULL));
  g_assert_true (sc_image_argument_parse (text, &argument, NULL));

  g_assert_cmpstr (argument.name, ==, file);
  g_assert_cmpstr (argument.tag, ==, "app:1");
  g_unlink (file);
  g_rmdir (dir);
}

static void
test_parse_missing_layout_names_registry_spelling (void)
{
  g_auto (ScImageArgument) argument = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_image_argument_parse ("oci:registry.example.com/etcd:3", &argument, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
  g_assert_true (
      g_str_has_suffix (error->message, "by its name alone: registry.example.com/etcd:3"));
}

static void
test_parse_refuses_other_transports (gconstpointer data)
{
  g_auto (ScImageArgument) argument = { 0 };
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_image_argument_parse (data, &argument, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, data));
}

typedef struct
{
  const char *text;
  const char *ref_name;
  const char *store_name;
} NameRow;

static void
test_store_name (gconstpointer data)
{
  const NameRow *row = data;
  g_auto (ScImageArgument) argument = { 0 };

  g_assert_true (sc_image_argument_parse (row->text, &argument, NULL));
  g_autofree char *name = sc_image_argument_store_name (&argument, row->ref_name);

  g_assert_cmpstr (name, ==, row->store_name);
}

int
main (int argc, char **argv)
{
  static const Row rows[] = {
    { "busybox", SC_IMAGE_NAME, "busybox", NULL },
    { "registry.example.com:5000/etcd:3.5", SC_IMAGE_NAME, "registry.example.com:5000/etcd:3.5",
      NULL },
    { "docker:app:1", SC_IMAGE_NAME, "docker:app:1", NULL },
    { "oci:/usr", SC_IMAGE_OCI_DIR, "/usr", NULL },
    { "oci:/usr:latest", SC_IMAGE_OCI_DIR, "/usr", "latest" },
    { "oci-archive:/no/such.tar:v1", SC_IMAGE_OCI_ARCHIVE, "/no/such.tar", "v1" },
    { "oci-archive:/no:such/file.tar", SC_IMAGE_OCI_ARCHIVE, "/no:such/file.tar", NULL },
    { "oci-archive:-", SC_IMAGE_OCI_ARCHIVE, "-", NULL },
    { "oci-archive:-:v2", SC_IMAGE_OCI_ARCHIVE, "-", "v2" },
    { "docker-archive:/no/such.tar", SC_IMAGE_DOCKER_ARCHIVE, "/no/such.tar", NULL },
    { "docker-archive:/no/such.tar:team/app:1", SC_IMAGE_DOCKER_ARCHIVE, "/no/such.tar",
      "team/app:1" },
    { "docker-archive:/etc/passwd:a.b:5000/app:1", SC_IMAGE_DOCKER_ARCHIVE, "/etc/passwd",
      "a.b:5000/app:1" },
    { "docker-archive:-:app:1", SC_IMAGE_DOCKER_ARCHIVE, "-", "app:1" },
    { "dockertar:/etc/passwd", SC_IMAGE_DOCKER_ARCHIVE, "/etc/passwd", NULL },
    { "dockertar://etc/passwd", SC_IMAGE_DOCKER_ARCHIVE, "/etc/passwd", NULL },
    { "dockertar:passwd", SC_IMAGE_DOCKER_ARCHIVE, "passwd", NULL },
  };
  static const NameRow names[] = {
    { "oci-archive:/x/etcd.tar", NULL, "etcd:latest" },
    { "oci-archive:/x/etcd.tar", "3.5", "etcd:3.5" },
    { "oci-archive:/x/etcd.tar:v1", "v1", "etcd:v1" },
    { "oci-archive:/x/etcd", "registry.example.com/etcd:3", "registry.example.com/etcd:3" },
    { "oci:/usr", NULL, "usr:latest" },
    { "oci-archive:-", NULL, "imported:latest" },
    { "docker-archive:/x/etcd.tar", NULL, NULL },
  };
  static const char *const refused[] = { "containers-storage:a:b", "dir:/etc" };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/image-argument/parse/%zu", i);
      g_test_add_data_func (path, &rows[i], test_parse_splits);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strdup_printf ("/image-argument/store-name/%zu", i);
      g_test_add_data_func (path, &names[i], test_store_name);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *path = g_strdup_printf ("/image-argument/parse/refuses-%zu", i);
      g_test_add_data_func (path, refused[i], test_parse_refuses_other_transports);
    }
  g_test_add_func ("/image-argument/parse/prefers-existing-file", test_parse_prefers_existing_file);
  g_test_add_func ("/image-argument/parse/prefers-existing-docker-archive",
                   test_parse_prefers_existing_docker_archive);
  g_test_add_func ("/image-argument/parse/missing-layout",
                   test_parse_missing_layout_names_registry_spelling);
  return g_test_run ();
}
