/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-exports-dir.h"

#include "dbus/sc-error.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define EXPORTS   "exports"
#define MAX_BYTES (64 * 1024 * 1024)

static const char *const config_names[] = { "config.json", "config.json.template" };
static const char *const other_names[]
    = { "service.template", "tmpfiles.template", "manifest.json", "hostfs" };

static gboolean
has_any (const char *path, const char *const *names, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *file = g_build_filename (path, names[i], NULL);
      if (g_file_test (file, G_FILE_TEST_EXISTS))
        return TRUE;
    }
  return FALSE;
}

/* (transfer full): the directory that becomes /exports */
static char *
find_root (const char *path)
{
  g_autofree char *inner = g_build_filename (path, EXPORTS, NULL);

  return g_file_test (inner, G_FILE_TEST_IS_DIR) ? g_steal_pointer (&inner) : g_strdup (path);
}

gboolean
sc_exports_dir_has_config (const char *path)
{
  g_autofree char *root = find_root (path);

  return has_any (root, config_names, G_N_ELEMENTS (config_names));
}

gboolean
sc_exports_dir_is (const char *path)
{
  g_autofree char *root = find_root (path);

  return g_file_test (path, G_FILE_TEST_IS_DIR)
         && (!g_str_equal (root, path) || sc_exports_dir_has_config (path)
             || has_any (root, other_names, G_N_ELEMENTS (other_names)));
}

static gboolean
fail_errno (GError **error, const char *path)
{
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED, "\"%s\": %s", path, g_strerror (errno));
  return FALSE;
}

static gboolean
write_content (struct archive *tar, const char *path, gsize size_bytes, GError **error)
{
  g_autofree char *data = NULL;
  gsize n = 0;

  if (!g_file_get_contents (path, &data, &n, error))
    return FALSE;
  if (n == size_bytes && archive_write_data (tar, data, n) == (la_ssize_t)n)
    return TRUE;
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED, "\"%s\": changed while it was read",
               path);
  return FALSE;
}

static gboolean
write_entry (struct archive *tar, const char *path, const char *name, GError **error)
{
  struct stat st;
  g_autofree char *target = NULL;
  if (g_lstat (path, &st) != 0)
    return fail_errno (error, path);
  if (!S_ISREG (st.st_mode) && !S_ISDIR (st.st_mode) && !S_ISLNK (st.st_mode))
    return TRUE;
  if (S_ISREG (st.st_mode) && st.st_size > MAX_BYTES)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED, "\"%s\" is too large", path);
      return FALSE;
    }
  if (S_ISLNK (st.st_mode) && (target = g_file_read_link (path, error)) == NULL)
    return FALSE;

  struct archive_entry *entry = archive_entry_new ();
  archive_entry_set_pathname (entry, name);
  archive_entry_set_mode (entry, st.st_mode);
  archive_entry_set_size (entry, S_ISREG (st.st_mode) ? st.st_size : 0);
  if (target != NULL)
    archive_entry_set_symlink (entry, target);
  gboolean is_written = archive_write_header (tar, entry) == ARCHIVE_OK;
  archive_entry_free (entry);
  if (!is_written)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED, "\"%s\": %s", path,
                   archive_error_string (tar));
      return FALSE;
    }
  return !S_ISREG (st.st_mode) || write_content (tar, path, (gsize)st.st_size, error);
}

static gboolean
write_tree (struct archive *tar, const char *path, const char *name, GError **error)
{
  if (!write_entry (tar, path, name, error))
    return FALSE;
  if (!g_file_test (path, G_FILE_TEST_IS_DIR) || g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    return TRUE;

  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  const char *child;
  if (dir == NULL)
    return FALSE;
  while ((child = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *child_path = g_build_filename (path, child, NULL);
      g_autofree char *child_name = g_build_filename (name, child, NULL);
      if (!write_tree (tar, child_path, child_name, error))
        return FALSE;
    }
  return TRUE;
}

/* Of a directory with more in it than templates, e.g. a Dockerfile, only these. */
static gboolean
write_known (struct archive *tar, const char *root, GError **error)
{
  const char *const *const lists[] = { config_names, other_names };
  const gsize lengths[] = { G_N_ELEMENTS (config_names), G_N_ELEMENTS (other_names) };

  if (!write_entry (tar, root, EXPORTS, error))
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (lists); i++)
    for (gsize j = 0; j < lengths[i]; j++)
      {
        g_autofree char *path = g_build_filename (root, lists[i][j], NULL);
        g_autofree char *name = g_build_filename (EXPORTS, lists[i][j], NULL);
        if (g_file_test (path, G_FILE_TEST_EXISTS) && !write_tree (tar, path, name, error))
          return FALSE;
      }
  return TRUE;
}

static gboolean
write_layer (const char *path, const char *file, GError **error)
{
  g_autofree char *root = find_root (path);
  struct archive *tar = archive_write_new ();

  archive_write_set_format_pax_restricted (tar);
  gboolean done = archive_write_open_filename (tar, file) == ARCHIVE_OK
                      ? (g_str_equal (root, path) ? write_known (tar, root, error)
                                                  : write_tree (tar, root, EXPORTS, error))
                      : fail_errno (error, file);
  if (archive_write_close (tar) != ARCHIVE_OK && done)
    done = fail_errno (error, file);
  archive_write_free (tar);
  return done;
}

/* (transfer full): hex digits; the file gets its name among the blobs */
static char *
add_blob (const char *layout, const char *data, gsize size_bytes, GError **error)
{
  char *hex = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (const guchar *)data, size_bytes);
  g_autofree char *file = g_build_filename (layout, "blobs", "sha256", hex, NULL);

  if (g_file_set_contents (file, data, (gssize)size_bytes, error))
    return hex;
  g_free (hex);
  return NULL;
}

static const char *
architecture (const struct utsname *host)
{
  if (strcmp (host->machine, "x86_64") == 0)
    return "amd64";
  return strcmp (host->machine, "aarch64") == 0 ? "arm64" : host->machine;
}

static gboolean
write_documents (const char *layout, const char *layer, gsize layer_bytes, GError **error)
{
  struct utsname host;
  (void)uname (&host);
  g_autofree char *index_file = g_build_filename (layout, "index.json", NULL);
  g_autofree char *version_file = g_build_filename (layout, "oci-layout", NULL);
  g_autofree char *config_text = g_strdup_printf (
      "{\"architecture\":\"%s\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"/bin/sh\"]},"
      "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:%s\"]}}",
      architecture (&host), layer);
  g_autofree char *config = add_blob (layout, config_text, strlen (config_text), error);
  if (config == NULL)
    return FALSE;
  g_autofree char *manifest_text = g_strdup_printf (
      "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
      "\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
      "\"digest\":\"sha256:%s\",\"size\":%zu},"
      "\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\","
      "\"digest\":\"sha256:%s\",\"size\":%zu}]}",
      config, strlen (config_text), layer, layer_bytes);
  g_autofree char *manifest = add_blob (layout, manifest_text, strlen (manifest_text), error);
  if (manifest == NULL)
    return FALSE;
  g_autofree char *index
      = g_strdup_printf ("{\"schemaVersion\":2,\"manifests\":["
                         "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
                         "\"digest\":\"sha256:%s\",\"size\":%zu,"
                         "\"annotations\":{\"org.opencontainers.image.ref.name\":\"latest\"}}]}",
                         manifest, strlen (manifest_text));
  return g_file_set_contents (index_file, index, -1, error)
         && g_file_set_contents (version_file, "{\"imageLayoutVersion\":\"1.0.0\"}", -1, error);
}

gboolean
sc_exports_dir_write_layout (const char *path, const char *layout, GError **error)
{
  g_autofree char *blobs = g_build_filename (layout, "blobs", "sha256", NULL);
  g_autofree char *file = g_build_filename (layout, "layer.tar", NULL);
  g_autofree char *data = NULL;
  gsize n = 0;

  if (g_mkdir_with_parents (blobs, 0700) != 0)
    return fail_errno (error, blobs);
  if (!write_layer (path, file, error) || !g_file_get_contents (file, &data, &n, error))
    return FALSE;
  g_autofree char *layer = add_blob (layout, data, n, error);
  (void)g_unlink (file);
  return layer != NULL && write_documents (layout, layer, n, error);
}
