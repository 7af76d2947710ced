/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-layout.h"

#include "dbus/sc-error.h"
#include "sc-layout-index.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *path;
  char *manifest; /* its digest's hex digits */
} Fixture;

static char *
add_blob (Fixture *fixture, const char *content)
{
  char *hex = g_compute_checksum_for_string (G_CHECKSUM_SHA256, content, -1);
  g_autofree char *path = g_build_filename (fixture->path, "blobs", "sha256", hex, NULL);

  g_assert_true (g_file_set_contents (path, content, -1, NULL));
  return hex;
}

static void
set_index (Fixture *fixture, const char *entries)
{
  g_autofree char *path = g_build_filename (fixture->path, "index.json", NULL);
  g_autofree char *text = g_strdup_printf ("{\"schemaVersion\":2,\"manifests\":[%s]}", entries);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static char *
entry (const char *hex, const char *name)
{
  return g_strdup_printf ("{\"digest\":\"sha256:%s\",\"size\":1,\"annotations\":{\"org."
                          "opencontainers.image.ref.name\":\"%s\"}}",
                          hex, name);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->path = g_dir_make_tmp ("test-XXXXXX", NULL);
  g_autofree char *blobs = g_build_filename (fixture->path, "blobs", "sha256", NULL);
  g_assert_cmpint (g_mkdir_with_parents (blobs, 0755), ==, 0);

  g_autofree char *config = add_blob (fixture, "config");
  g_autofree char *layer = add_blob (fixture, "layer");
  g_autofree char *stray G_GNUC_UNUSED = add_blob (fixture, "stray");
  g_autofree char *manifest = g_strdup_printf (
      "{\"config\":{\"digest\":\"sha256:%s\"},\"layers\":[{\"digest\":\"sha256:%s\"}]}", config,
      layer);
  fixture->manifest = add_blob (fixture, manifest);
  g_autofree char *one = entry (fixture->manifest, "v1");
  set_index (fixture, one);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "rm", "-rf", fixture->path, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_free (fixture->path);
  g_free (fixture->manifest);
}

static char **
list_members (int fd)
{
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  struct archive *archive = archive_read_new ();
  struct archive_entry *member;
  int status;

  archive_read_support_format_tar (archive);
  g_assert_cmpint (archive_read_open_fd (archive, fd, 65536), ==, ARCHIVE_OK);
  while ((status = archive_read_next_header (archive, &member)) == ARCHIVE_OK)
    g_strv_builder_add (names, archive_entry_pathname (member));
  g_assert_cmpint (status, ==, ARCHIVE_EOF);
  archive_read_free (archive);
  return g_strv_builder_end (names);
}

static void
test_stream_has_what_the_entry_needs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScLayout) layout = sc_layout_open_dir (fixture->path, &error);
  int fd = sc_layout_stream (layout, "v1", &error);
  g_assert_no_error (error);

  g_auto (GStrv) members = list_members (fd);

  close (fd);
  g_assert_true (sc_layout_finish (layout, NULL));
  g_assert_cmpuint (g_strv_length (members), ==, 5);
  g_assert_cmpstr (members[0], ==, "oci-layout");
  g_assert_cmpstr (members[1], ==, "index.json");
  g_assert_true (g_str_has_suffix (members[2], fixture->manifest));
}

static void
test_stream_missing_blob_is_told (Fixture *fixture, gconstpointer data)
{
  g_autofree char *layer = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "layer", -1);
  g_autofree char *path = g_build_filename (fixture->path, "blobs", "sha256", layer, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScLayout) layout = sc_layout_open_dir (fixture->path, NULL);
  char buffer[65536];

  g_assert_cmpint (g_unlink (path), ==, 0);
  int fd = sc_layout_stream (layout, "v1", &error);
  g_assert_no_error (error);
  /* all of it is less than the block that the end of an archive would fill */
  g_assert_cmpint (read (fd, buffer, sizeof buffer), ==, 0);
  close (fd);

  g_assert_false (sc_layout_finish (layout, &error));
  g_assert_nonnull (strstr (error->message, layer));
}

static void
test_stream_reader_gone_ends_thread (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScLayout) layout = sc_layout_open_dir (fixture->path, NULL);
  g_autofree char *layer = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "layer", -1);
  g_autofree char *path = g_build_filename (fixture->path, "blobs", "sha256", layer, NULL);

  g_assert_cmpint (truncate (path, 64 * 1024 * 1024), ==, 0);
  int fd = sc_layout_stream (layout, "v1", NULL);
  close (fd);

  g_assert_false (sc_layout_finish (layout, NULL));
}

static void
test_find_entry_lists_names (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScLayout) layout = sc_layout_open_dir (fixture->path, NULL);

  g_assert_null (sc_layout_find_entry (layout, "v2", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "\"v1\""));
}

static void
test_find_entry_several_need_tag (Fixture *fixture, gconstpointer data)
{
  g_autofree char *one = entry (fixture->manifest, "v1");
  g_autofree char *two = entry (fixture->manifest, "v2");
  g_autofree char *both = g_strconcat (one, ",", two, NULL);
  g_autoptr (GError) error = NULL;

  set_index (fixture, both);
  g_autoptr (ScLayout) layout = sc_layout_open_dir (fixture->path, NULL);

  g_assert_null (sc_layout_find_entry (layout, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
}

static void
test_find_archive_entry_reads_back (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->path, "archive.tar", NULL);
  g_autoptr (ScLayout) layout = sc_layout_open_dir (fixture->path, NULL);
  int fd = sc_layout_stream (layout, "v1", NULL);
  int file = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  char buffer[65536];

  for (gssize n; (n = read (fd, buffer, sizeof buffer)) > 0;)
    g_assert_cmpint (write (file, buffer, (gsize)n), ==, n);
  close (fd);
  lseek (file, 0, SEEK_SET);
  g_autofree char *name = sc_layout_find_archive_entry (file, NULL, NULL);

  g_assert_cmpstr (name, ==, "v1");
  g_assert_cmpint (lseek (file, 0, SEEK_CUR), ==, 0);
  close (file);
}

/* AR29: what is reached through a link, or is no file, is not read, and nothing of it is told. */
static void
test_links_are_not_followed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *layer = g_compute_checksum_for_string (G_CHECKSUM_SHA256, "layer", -1);
  g_autofree char *layer_member = g_strconcat ("blobs/sha256/", layer, NULL);
  g_autofree char *manifest_member = g_strconcat ("blobs/sha256/", fixture->manifest, NULL);
  const char *const members[] = { "index.json", "blobs", manifest_member, layer_member };

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *path = g_build_filename (fixture->path, members[i], NULL);
      g_autofree char *moved = g_strconcat (path, ".moved", NULL);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", members[i]);
      g_assert_cmpint (g_rename (path, moved), ==, 0);
      g_assert_cmpint (symlink (moved, path), ==, 0);
      g_autoptr (ScLayout) layout = sc_layout_open_dir (fixture->path, &error);
      int fd = layout != NULL ? sc_layout_stream (layout, "v1", &error) : -1;
      gboolean finished
          = layout != NULL && sc_layout_finish (layout, error == NULL ? &error : NULL);
      if (fd >= 0)
        close (fd);

      g_assert_nonnull (error);
      g_assert_nonnull (strstr (error->message, "symbolic link"));
      g_assert_true (!finished || fd < 0);
      g_assert_cmpint (g_unlink (path), ==, 0);
      g_assert_cmpint (g_rename (moved, path), ==, 0);
    }
}

static void
test_fifo_is_not_waited_for (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->path, "index.json", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  g_assert_null (sc_layout_open_dir (fixture->path, &error));
  g_assert_nonnull (strstr (error->message, "not a regular file"));
}

static void
test_garbage_is_not_quoted (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->path, "index.json", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "root:secret:0", -1, NULL));
  g_autoptr (ScLayout) layout = sc_layout_open_dir (fixture->path, &error);
  g_assert_null (sc_layout_find_entry (layout, NULL, &error));
  g_assert_null (strstr (error->message, "root"));
  g_assert_null (strstr (error->message, "secret"));
}

static void
test_open_dir_names_what_is_missing (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_layout_open_dir ("/usr", &error));
  g_assert_nonnull (strstr (error->message, "\"/usr\" is no OCI image layout"));
}

int
main (int argc, char **argv)
{
  signal (SIGPIPE, SIG_IGN);
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/layout/stream/has-what-the-entry-needs", test_stream_has_what_the_entry_needs);
  ADD ("/layout/stream/missing-blob-is-told", test_stream_missing_blob_is_told);
  ADD ("/layout/stream/reader-gone-ends-thread", test_stream_reader_gone_ends_thread);
  ADD ("/layout/find-entry/lists-names", test_find_entry_lists_names);
  ADD ("/layout/find-entry/several-need-tag", test_find_entry_several_need_tag);
  ADD ("/layout/find-archive-entry/reads-back", test_find_archive_entry_reads_back);
  ADD ("/layout/links-are-not-followed", test_links_are_not_followed);
  ADD ("/layout/fifo-is-not-waited-for", test_fifo_is_not_waited_for);
  ADD ("/layout/garbage-is-not-quoted", test_garbage_is_not_quoted);
  g_test_add_func ("/layout/open-dir/names-what-is-missing", test_open_dir_names_what_is_missing);
  return g_test_run ();
}
