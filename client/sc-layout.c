/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-layout.h"

#include "dbus/sc-error.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DOCUMENT_MAX_BYTES (4 * 1024 * 1024)
#define CHUNK_BYTES        (256 * 1024)
#define REF_NAME           "org.opencontainers.image.ref.name"

struct _ScLayout
{
  char *path;         /* (owned) */
  GBytes *index;      /* (owned) index.json */
  GThread *thread;    /* (owned) (nullable) while streaming */
  int write_fd;       /* the thread's */
  GPtrArray *members; /* (owned) of char*: relative paths to write after index.json */
  GError *error;      /* (owned) (nullable) of the thread, read after joining it */
};

static GBytes *
read_document (const char *path, GError **error)
{
  g_autofree char *data = NULL;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, error))
    return NULL;
  if (size > DOCUMENT_MAX_BYTES)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED,
                   "\"%s\" has more than %d bytes", path, DOCUMENT_MAX_BYTES);
      return NULL;
    }
  return g_bytes_new_take (g_steal_pointer (&data), size);
}

ScLayout *
sc_layout_open_dir (const char *path, GError **error)
{
  g_autofree char *index_path = g_build_filename (path, "index.json", NULL);
  g_autoptr (GBytes) index = read_document (index_path, error);

  if (index == NULL)
    {
      g_prefix_error (error, "\"%s\" is no OCI image layout: ", path);
      return NULL;
    }

  ScLayout *self = g_new0 (ScLayout, 1);
  self->path = g_strdup (path);
  self->index = g_steal_pointer (&index);
  self->write_fd = -1;
  self->members = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
sc_layout_free (ScLayout *self)
{
  sc_layout_finish (self, NULL);
  g_ptr_array_unref (self->members);
  g_bytes_unref (self->index);
  g_free (self->path);
  g_free (self);
}

static JsonObject *
parse_object (GBytes *bytes, const char *what, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  if (!json_parser_load_from_data (parser, data, (gssize)size, error))
    {
      g_prefix_error (error, "%s: ", what);
      return NULL;
    }
  JsonNode *root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID, "%s is no JSON object", what);
      return NULL;
    }
  return json_node_dup_object (root);
}

static JsonObject *
get_object (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static JsonArray *
get_array (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static const char *
get_string (JsonObject *object, const char *member)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, member) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static JsonObject *
get_element (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static const char *
ref_name_of (JsonObject *entry)
{
  JsonObject *annotations = get_object (entry, "annotations");

  return annotations != NULL ? get_string (annotations, REF_NAME) : NULL;
}

/* (transfer none): the entry of @index that @tag means. Without a tag any will do when they have
 * one name between them: then they are one image for several platforms, and the service chooses. */
static JsonObject *
find_entry (JsonObject *index, const char *tag, GError **error)
{
  JsonArray *entries = get_array (index, "manifests");
  g_autoptr (GString) names = g_string_new (NULL);
  JsonObject *first = NULL;
  gboolean several = FALSE;

  for (guint i = 0; entries != NULL && i < json_array_get_length (entries); i++)
    {
      JsonObject *entry = get_element (entries, i);
      const char *name = entry != NULL ? ref_name_of (entry) : NULL;
      if (entry == NULL)
        continue;
      if (tag != NULL && g_strcmp0 (name, tag) == 0)
        return entry;
      several |= first != NULL && g_strcmp0 (ref_name_of (first), name) != 0;
      first = first != NULL ? first : entry;
      if (name != NULL)
        g_string_append_printf (names, "%s\"%s\"", names->len > 0 ? ", " : "", name);
    }

  if (tag == NULL && first != NULL && !several)
    return first;
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND,
               tag != NULL
                   ? "the image layout has no entry \"%s\"; it has %s"
                   : "the image layout has no single entry%s: say which one as :TAG; it has %s",
               tag != NULL ? tag : "", names->len > 0 ? names->str : "none with a name");
  return NULL;
}

static char *
find_ref_name (GBytes *index, const char *tag, GError **error)
{
  g_autoptr (JsonObject) object = parse_object (index, "index.json", error);
  JsonObject *entry = object != NULL ? find_entry (object, tag, error) : NULL;
  if (entry == NULL)
    return NULL;

  const char *name = ref_name_of (entry);
  return g_strdup (name != NULL ? name : "");
}

char *
sc_layout_find_entry (ScLayout *self, const char *tag, GError **error)
{
  return find_ref_name (self->index, tag, error);
}

/* (transfer full) (nullable): "blobs/sha256/<hex>" for the digest of a descriptor */
static char *
member_of (JsonObject *descriptor, GError **error)
{
  const char *digest = get_string (descriptor, "digest");

  if (digest != NULL && g_str_has_prefix (digest, "sha256:") && strlen (digest) == 71
      && strspn (digest + 7, "0123456789abcdef") == 64)
    return g_strconcat ("blobs/sha256/", digest + 7, NULL);
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID,
               "the image layout has a descriptor without a sha256 digest");
  return NULL;
}

static gboolean
add_member (ScLayout *self, JsonObject *descriptor, char **member, GError **error)
{
  g_autofree char *path = member_of (descriptor, error);

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
      JsonObject *descriptor = get_element (descriptors, i);
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
  if (!add_member (self, descriptor, &member, error))
    return FALSE;

  g_autofree char *path = g_build_filename (self->path, member, NULL);
  g_autoptr (GBytes) bytes = read_document (path, error);
  g_autoptr (JsonObject) document = bytes != NULL ? parse_object (bytes, member, error) : NULL;
  if (document == NULL)
    return FALSE;

  JsonObject *config = get_object (document, "config");
  JsonArray *children = get_array (document, "manifests");
  if (config != NULL && !add_member (self, config, NULL, error))
    return FALSE;
  for (guint i = 0; depth > 0 && children != NULL && i < json_array_get_length (children); i++)
    {
      JsonObject *child = get_element (children, i);
      g_autofree char *child_member = child != NULL ? member_of (child, error) : NULL;
      if (child_member == NULL)
        return FALSE;
      /* a layout may hold one platform of an index only */
      g_autofree char *child_path = g_build_filename (self->path, child_member, NULL);
      if (g_file_test (child_path, G_FILE_TEST_EXISTS)
          && !add_document (self, child, depth - 1, error))
        return FALSE;
    }
  return add_members (self, get_array (document, "layers"), error);
}

static gboolean
collect_members (ScLayout *self, const char *tag, GError **error)
{
  g_autoptr (JsonObject) index = parse_object (self->index, "index.json", error);
  JsonObject *entry = index != NULL ? find_entry (index, tag, error) : NULL;
  JsonArray *entries = entry != NULL ? get_array (index, "manifests") : NULL;

  if (entry == NULL)
    return FALSE;
  if (tag != NULL)
    return add_document (self, entry, 2, error);
  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      JsonObject *descriptor = get_element (entries, i);
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
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  g_autofree guint8 *buffer = g_malloc (CHUNK_BYTES);
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat st;
  gssize n = -1;

  if (fd < 0 || fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "opening \"%s\": %s", path,
                 fd < 0 ? g_strerror (errno) : "not a regular file");
  else if (write_header (archive, name, st.st_size, error))
    {
      while ((n = read (fd, buffer, CHUNK_BYTES)) > 0)
        if (archive_write_data (archive, buffer, (gsize)n) != n)
          {
            archive_failed (archive, name, error);
            break;
          }
      if (n < 0)
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "reading \"%s\": %s", path,
                     g_strerror (errno));
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

static GBytes *
read_member (struct archive *archive, struct archive_entry *entry)
{
  gint64 size = archive_entry_size (entry);
  if (size <= 0 || size > DOCUMENT_MAX_BYTES)
    return NULL;

  g_autofree char *data = g_malloc ((gsize)size);
  if (archive_read_data (archive, data, (gsize)size) != size)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), (gsize)size);
}

char *
sc_layout_find_archive_entry (int fd, const char *tag, GError **error)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  g_autoptr (GBytes) index = NULL;

  archive_read_support_format_tar (archive);
  if (archive_read_open_fd (archive, fd, CHUNK_BYTES) == ARCHIVE_OK)
    while (index == NULL && archive_read_next_header (archive, &entry) == ARCHIVE_OK)
      {
        const char *name = archive_entry_pathname (entry);
        while (name != NULL && g_str_has_prefix (name, "./"))
          name += 2;
        if (g_strcmp0 (name, "index.json") == 0)
          index = read_member (archive, entry);
      }
  archive_read_free (archive);
  lseek (fd, 0, SEEK_SET);

  if (index == NULL)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID,
                   "it has no index.json: it is no oci-archive");
      return NULL;
    }
  return find_ref_name (index, tag, error);
}
