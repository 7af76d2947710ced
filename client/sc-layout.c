/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-layout.h"

#include "dbus/sc-error.h"
#include "sc-layout-index.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK_BYTES (256 * 1024)

struct _ScLayout
{
  char *path;         /* (owned) for messages */
  int dir_fd;         /* (owned) -1 when it could not be opened */
  GBytes *index;      /* (owned) index.json */
  GThread *thread;    /* (owned) (nullable) while streaming */
  int write_fd;       /* the thread's */
  GPtrArray *members; /* (owned) of char*: relative paths to write after index.json */
  GError *error;      /* (owned) (nullable) of the thread, read after joining it */
};

/* Of regular files below the directory alone: whoever made it may not have been whoever sends it. */
static int
open_member (const ScLayout *self, const char *member, gint64 *size_bytes, GError **error)
{
  const struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
  struct stat st;
  int fd;

  do
    fd = (int)syscall (SYS_openat2, self->dir_fd, member, &how, sizeof how);
  while (fd < 0 && (errno == EAGAIN || errno == EINTR));
  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISREG (st.st_mode))
    {
      *size_bytes = st.st_size;
      return fd;
    }

  const char *problem = fd >= 0          ? "not a regular file"
                        : errno == ELOOP ? "a symbolic link, which is not followed"
                                         : g_strerror (errno);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "opening \"%s/%s\": %s", self->path, member,
               problem);
  if (fd >= 0)
    close (fd);
  return -1;
}

static GBytes *
read_document (const ScLayout *self, const char *member, GError **error)
{
  gint64 size_bytes = 0;
  int fd = open_member (self, member, &size_bytes, error);
  if (fd < 0)
    return NULL;

  g_autoptr (GInputStream) stream = g_unix_input_stream_new (fd, TRUE);
  if (size_bytes > SC_LAYOUT_DOCUMENT_MAX_BYTES)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED,
                   "\"%s/%s\" has more than %d bytes", self->path, member,
                   SC_LAYOUT_DOCUMENT_MAX_BYTES);
      return NULL;
    }
  g_autofree guint8 *data = g_malloc ((gsize)size_bytes + 1);
  gsize read_bytes = 0;
  if (!g_input_stream_read_all (stream, data, (gsize)size_bytes, &read_bytes, NULL, error))
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), read_bytes);
}

ScLayout *
sc_layout_open_dir (const char *path, GError **error)
{
  g_autoptr (ScLayout) self = g_new0 (ScLayout, 1);

  self->path = g_strdup (path);
  self->write_fd = -1;
  self->members = g_ptr_array_new_with_free_func (g_free);
  self->dir_fd = open (path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (self->dir_fd >= 0)
    self->index = read_document (self, "index.json", error);
  else
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, g_strerror (errno));
  if (self->index != NULL)
    return g_steal_pointer (&self);
  g_prefix_error (error, "\"%s\" is no OCI image layout: ", path);
  return NULL;
}

void
sc_layout_free (ScLayout *self)
{
  sc_layout_finish (self, NULL);
  g_ptr_array_unref (self->members);
  g_clear_pointer (&self->index, g_bytes_unref);
  if (self->dir_fd >= 0)
    close (self->dir_fd);
  g_free (self->path);
  g_free (self);
}

char *
sc_layout_find_entry (ScLayout *self, const char *tag, GError **error)
{
  return sc_layout_find_name (self->index, tag, error);
}

static gboolean
add_member (ScLayout *self, JsonObject *descriptor, char **member, GError **error)
{
  g_autofree char *path = sc_layout_dup_member (descriptor, error);

  if (path == NULL)
    return FALSE;
  if (!g_ptr_array_find_with_equal_func (self->members, path, g_str_equal, NULL))
    g_ptr_array_add (self->members, g_strdup (path));
  if (member != NULL)
    *member = g_steal_pointer (&path);
  return TRUE;
}

static gboolean
add_members (ScLayout *self, JsonArray *descriptors, GError **error)
{
  for (guint i = 0; descriptors != NULL && i < json_array_get_length (descriptors); i++)
    {
      JsonObject *descriptor = sc_layout_get_element (descriptors, i);
      if (descriptor != NULL && !add_member (self, descriptor, NULL, error))
        return FALSE;
    }
  return TRUE;
}

/* A manifest or an index, and what it needs; an index's children are manifests: @depth bounds what
 * is not. */
static gboolean
add_document (ScLayout *self, JsonObject *descriptor, guint depth, GError **error)
{
  g_autofree char *member = NULL;
  struct stat st;
  if (!add_member (self, descriptor, &member, error))
    return FALSE;

  g_autoptr (GBytes) bytes = read_document (self, member, error);
  g_autoptr (JsonObject) document = bytes != NULL ? sc_layout_parse (bytes, member, error) : NULL;
  if (document == NULL)
    return FALSE;

  JsonObject *config = sc_layout_get_object (document, "config");
  JsonArray *children = sc_layout_get_array (document, "manifests");
  if (config != NULL && !add_member (self, config, NULL, error))
    return FALSE;
  for (guint i = 0; depth > 0 && children != NULL && i < json_array_get_length (children); i++)
    {
      JsonObject *child = sc_layout_get_element (children, i);
      g_autofree char *child_member = child != NULL ? sc_layout_dup_member (child, error) : NULL;
      if (child_member == NULL)
        return FALSE;
      /* a layout may hold one platform of an index only */
      if (fstatat (self->dir_fd, child_member, &st, AT_SYMLINK_NOFOLLOW) == 0
          && !add_document (self, child, depth - 1, error))
        return FALSE;
    }
  return add_members (self, sc_layout_get_array (document, "layers"), error);
}

static gboolean
collect_members (ScLayout *self, const char *tag, GError **error)
{
  g_autoptr (JsonObject) index = sc_layout_parse (self->index, "index.json", error);
  JsonObject *entry = index != NULL ? sc_layout_find (index, tag, error) : NULL;
  JsonArray *entries = entry != NULL ? sc_layout_get_array (index, "manifests") : NULL;

  if (entry == NULL)
    return FALSE;
  if (tag != NULL)
    return add_document (self, entry, 2, error);
  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      JsonObject *descriptor = sc_layout_get_element (entries, i);
      if (descriptor != NULL && !add_document (self, descriptor, 2, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
archive_failed (struct archive *archive, const char *name, GError **error)
{
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED, "sending \"%s\": %s", name,
               archive_error_string (archive));
  return FALSE;
}

static gboolean
write_header (struct archive *archive, const char *name, gint64 size_bytes, GError **error)
{
  struct archive_entry *entry = archive_entry_new ();

  archive_entry_set_pathname (entry, name);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_size (entry, size_bytes);
  int status = archive_write_header (archive, entry);
  archive_entry_free (entry);
  return status == ARCHIVE_OK || archive_failed (archive, name, error);
}

static gboolean
write_bytes (struct archive *archive, const char *name, GBytes *bytes, GError **error)
{
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);

  return write_header (archive, name, (gint64)size, error)
         && (archive_write_data (archive, data, size) == (la_ssize_t)size
             || archive_failed (archive, name, error));
}

static gboolean
write_file (ScLayout *self, struct archive *archive, const char *name, GError **error)
{
  g_autofree guint8 *buffer = g_malloc (CHUNK_BYTES);
  gint64 size_bytes = 0;
  int fd = open_member (self, name, &size_bytes, error);
  gssize n = -1;

  if (fd >= 0 && write_header (archive, name, size_bytes, error))
    {
      while ((n = read (fd, buffer, CHUNK_BYTES)) > 0)
        if (archive_write_data (archive, buffer, (gsize)n) != n)
          {
            archive_failed (archive, name, error);
            break;
          }
      if (n < 0)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "reading \"%s/%s\": %s", self->path,
                     name, g_strerror (errno));
    }
  if (fd >= 0)
    close (fd);
  return n == 0;
}

/* After an error it only seems to write: libarchive returns its buffer when an archive is closed
 * and not when it is given up, but the end that it then writes would make a short archive look
 * whole. */
static la_ssize_t
on_write (struct archive *archive, void *data, const void *bytes, size_t n_bytes)
{
  ScLayout *self = data;
  gssize n;

  if (self->error != NULL)
    return (la_ssize_t)n_bytes;
  do
    n = write (self->write_fd, bytes, n_bytes);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    archive_set_error (archive, errno, "write error");
  return n;
}

static gpointer
stream_in_thread (gpointer data)
{
  ScLayout *self = data;
  struct archive *archive = archive_write_new ();
  g_autoptr (GBytes) marker = g_bytes_new_static ("{\"imageLayoutVersion\":\"1.0.0\"}", 30);
  gboolean ok;

  archive_write_set_format_pax_restricted (archive);
  archive_write_set_bytes_per_block (archive, CHUNK_BYTES);
  archive_write_open (archive, self, NULL, on_write, NULL);
  ok = write_bytes (archive, "oci-layout", marker, &self->error)
       && write_bytes (archive, "index.json", self->index, &self->error);
  for (guint i = 0; ok && i < self->members->len; i++)
    ok = write_file (self, archive, self->members->pdata[i], &self->error);
  archive_write_close (archive);
  archive_write_free (archive);
  close (self->write_fd);
  return NULL;
}

int
sc_layout_stream (ScLayout *self, const char *tag, GError **error)
{
  int fds[2];

  if (!collect_members (self, tag, error) || !g_unix_open_pipe (fds, FD_CLOEXEC, error))
    return -1;
  (void)fcntl (fds[1], F_SETPIPE_SZ, 1024 * 1024);
  self->write_fd = fds[1];
  self->thread = g_thread_new ("layout", stream_in_thread, self);
  return fds[0];
}

gboolean
sc_layout_finish (ScLayout *self, GError **error)
{
  if (self->thread != NULL)
    g_thread_join (g_steal_pointer (&self->thread));
  if (self->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->error));
  return FALSE;
}
