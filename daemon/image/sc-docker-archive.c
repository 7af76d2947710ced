/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-docker-archive.h"

#include "base/sc-digest.h"
#include "base/sc-json.h"
#include "image/sc-entry.h"
#include "image/sc-manifest-text.h"

#include <string.h>

#define INDEX          "manifest.json"
#define MANIFEST_TYPE  "application/vnd.docker.distribution.manifest.v2+json"
#define CONFIG_TYPE    "application/vnd.docker.container.image.v1+json"
#define LAYER_TYPE     "application/vnd.docker.image.rootfs.diff.tar"
#define MAX_LIST_BYTES 1024 /* of names in a message */

typedef struct
{
  GBytes *bytes;  /* (owned) (nullable) of a document */
  char *digest;   /* (owned) (nullable) of a layer */
  char *target;   /* (owned) (nullable) of a link: path of a member, that may not be there */
  GError *reason; /* (owned) (nullable) of what cannot be used */
  guint64 size_bytes;
} Member;

struct _ScDockerArchive
{
  GHashTable *members; /* (owned) char* to Member* */
  gsize kept_bytes;
};

static void
member_free (Member *self)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->digest);
  g_free (self->target);
  g_clear_error (&self->reason);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Member, member_free)

ScDockerArchive *
sc_docker_archive_new (void)
{
  ScDockerArchive *self = g_new0 (ScDockerArchive, 1);

  self->members
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)member_free);
  return self;
}

void
sc_docker_archive_free (ScDockerArchive *self)
{
  g_hash_table_unref (self->members);
  g_free (self);
}

/* @member: (transfer full) */
static gboolean
add_member (ScDockerArchive *self, const char *path, Member *member, GError **error)
{
  g_autoptr (Member) owned = member;
  g_autofree char *shown = sc_text_escape (path);

  if (g_hash_table_contains (self->members, path))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "member \"%s\" is there twice", shown);
  if (g_hash_table_size (self->members) >= SC_DOCKER_MAX_MEMBERS)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the archive has more than %d members", SC_DOCKER_MAX_MEMBERS);
  g_hash_table_insert (self->members, g_strdup (path), g_steal_pointer (&owned));
  return TRUE;
}

gboolean
sc_docker_archive_add_document (ScDockerArchive *self,
                                const char *path,
                                GBytes *bytes,
                                GError **error)
{
  Member *member = g_new0 (Member, 1);

  self->kept_bytes += g_bytes_get_size (bytes);
  if (self->kept_bytes > SC_DOCKER_MAX_KEPT_BYTES)
    g_set_error (&member->reason, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED,
                 "the documents of the archive have more than %d bytes", SC_DOCKER_MAX_KEPT_BYTES);
  else
    member->bytes = g_bytes_ref (bytes);
  return add_member (self, path, member, error);
}

gboolean
sc_docker_archive_add_layer (
    ScDockerArchive *self, const char *path, const char *digest, guint64 size_bytes, GError **error)
{
  Member *member = g_new0 (Member, 1);

  member->digest = g_strdup (digest);
  member->size_bytes = size_bytes;
  return add_member (self, path, member, error);
}

/* The path in the archive that a symbolic link at @path means; NULL when it leads out. */
static char *
resolve_link (const char *path, const char *target)
{
  const char *slash = strrchr (path, '/');
  g_autofree char *directory
      = slash != NULL ? g_strndup (path, (gsize)(slash - path)) : g_strdup ("");
  g_autofree char *joined = g_strconcat (directory, "/", target, NULL);
  g_auto (GStrv) names = g_strsplit (joined, "/", -1);
  g_autoptr (GPtrArray) clean = g_ptr_array_new ();

  if (target[0] == '/')
    return NULL;
  for (gsize i = 0; names[i] != NULL; i++)
    {
      if (names[i][0] == '\0' || strcmp (names[i], ".") == 0)
        continue;
      if (strcmp (names[i], "..") != 0)
        g_ptr_array_add (clean, names[i]);
      else if (clean->len > 0)
        g_ptr_array_remove_index (clean, clean->len - 1);
      else
        return NULL;
    }
  g_ptr_array_add (clean, NULL);
  return g_strjoinv ("/", (char **)clean->pdata);
}

gboolean
sc_docker_archive_add_symlink (ScDockerArchive *self,
                               const char *path,
                               const char *target,
                               GError **error)
{
  Member *member = g_new0 (Member, 1);

  member->target = resolve_link (path, target);
  if (member->target == NULL)
    g_set_error (&member->reason, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID,
                 "it is a link that leads out of the archive");
  return add_member (self, path, member, error);
}

gboolean
sc_docker_archive_add_hardlink (ScDockerArchive *self,
                                const char *path,
                                const char *target,
                                GError **error)
{
  Member *member = g_new0 (Member, 1);

  member->target = g_strdup (target);
  return add_member (self, path, member, error);
}

gboolean
sc_docker_archive_add_unusable (ScDockerArchive *self,
                                const char *path,
                                GError *reason,
                                GError **error)
{
  Member *member = g_new0 (Member, 1);

  member->reason = reason;
  return add_member (self, path, member, error);
}

/* --- looking up --- */

/* One hop: what the members of an archive share, they share directly. */
static Member *
follow_link (ScDockerArchive *self, const char *path, const Member *link, GError **error)
{
  g_autofree char *shown = sc_text_escape (path);
  Member *member = g_hash_table_lookup (self->members, link->target);

  if (member != NULL && member->target == NULL)
    return member;
  sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                member == NULL ? "member \"%s\" is a link to what is not in the archive"
                               : "member \"%s\" is a link to a link",
                shown);
  return NULL;
}

/* Returns: (transfer none) (nullable): never a link */
static const Member *
find_member (ScDockerArchive *self, const char *path, GError **error)
{
  g_autofree char *shown = sc_text_escape (path);
  Member *member = NULL;

  if (path[0] == '\0')
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, INDEX " names a member \"\"");
      return NULL;
    }
  if (!sc_entry_path_check (path, error))
    {
      sc_prefix_error (error, "%s names a member: ", INDEX);
      return NULL;
    }
  member = g_hash_table_lookup (self->members, path);
  if (member == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the archive lacks the member \"%s\"",
                    shown);
      return NULL;
    }
  if (member->target != NULL && (member = follow_link (self, path, member, error)) == NULL)
    return NULL;
  if (member->reason == NULL)
    return member;
  g_propagate_error (error, g_error_copy (member->reason));
  sc_prefix_error (error, "member \"%s\": ", shown);
  return NULL;
}

static GBytes *
find_document (ScDockerArchive *self, const char *path, GError **error)
{
  const Member *member = find_member (self, path, error);

  if (member != NULL && member->bytes != NULL)
    return g_bytes_ref (member->bytes);
  if (member != NULL)
    {
      g_autofree char *shown = sc_text_escape (path);
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "member \"%s\" is a layer, not a document",
                    shown);
    }
  return NULL;
}

/* --- manifest.json --- */

typedef struct
{
  const char *config; /* lent by the document */
  char **tags;        /* (owned) (nullable) */
  char **layers;      /* (owned) (nullable) */
} Row;

static void
row_clear (Row *self)
{
  g_clear_pointer (&self->tags, g_strfreev);
  g_clear_pointer (&self->layers, g_strfreev);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Row, row_clear)

static gboolean
read_row (JsonArray *index, guint i, Row *row, GError **error)
{
  JsonNode *node = json_array_get_element (index, i);

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, INDEX ": an element is no object");

  JsonObject *object = json_node_get_object (node);
  if (!sc_json_get_string (object, "Config", &row->config, error)
      || !sc_json_get_strv (object, "RepoTags", &row->tags, error)
      || !sc_json_get_strv (object, "Layers", &row->layers, error))
    return sc_prefix_error (error, INDEX ": ");
  if (row->config == NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, INDEX ": an image has no \"Config\"");
  if (row->layers == NULL)
    row->layers = g_new0 (char *, 1);
  if (row->tags == NULL)
    row->tags = g_new0 (char *, 1);
  return g_strv_length (row->layers) <= SC_MANIFEST_MAX_LAYERS
             ? TRUE
             : sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                             "the image has more than %d layers", SC_MANIFEST_MAX_LAYERS);
}

static JsonNode *
parse_index (ScDockerArchive *self, GError **error)
{
  if (!g_hash_table_contains (self->members, INDEX))
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                    "the archive has no " INDEX
                    ": it is none of \"docker save\" (an OCI archive is given as oci-archive:)");
      return NULL;
    }
  g_autoptr (GBytes) bytes = find_document (self, INDEX, error);
  if (bytes == NULL)
    return NULL;

  gsize size_bytes = 0;
  const char *data = g_bytes_get_data (bytes, &size_bytes);
  g_autoptr (JsonNode) root = sc_json_parse (data, size_bytes, NULL, error);
  if (root == NULL)
    {
      sc_prefix_error (error, INDEX ": ");
      return NULL;
    }
  if (JSON_NODE_HOLDS_ARRAY (root) && json_array_get_length (json_node_get_array (root)) > 0)
    return g_steal_pointer (&root);
  sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, INDEX " lists no image");
  return NULL;
}

/* The name among @tags that is @name, which may lack ":latest". */
static const char *
find_tag (char *const *tags, const char *name)
{
  const char *last = strrchr (name, '/') != NULL ? strrchr (name, '/') : name;
  g_autofree char *complete
      = strpbrk (last, ":@") != NULL ? g_strdup (name) : g_strconcat (name, ":latest", NULL);

  for (gsize i = 0; tags[i] != NULL; i++)
    if (strcmp (tags[i], complete) == 0)
      return tags[i];
  return NULL;
}

static void
append_names (GString *names, const Row *row)
{
  if (names->len > MAX_LIST_BYTES)
    return;
  if (row->tags[0] == NULL)
    g_string_append_printf (names, "%sone without a name", names->len > 0 ? ", " : "");
  for (gsize i = 0; row->tags[i] != NULL; i++)
    {
      g_autofree char *shown = sc_text_escape (row->tags[i]);
      g_string_append_printf (names, "%s\"%s\"", names->len > 0 ? ", " : "", shown);
    }
}

/* @row: (out): the wanted one, its tag in @tag (nullable) */
static gboolean
choose_row (JsonArray *index, const char *name, Row *row, const char **tag, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  guint n = json_array_get_length (index);

  for (guint i = 0; i < n; i++)
    {
      row_clear (row);
      if (!read_row (index, i, row, error))
        return FALSE;
      *tag = name != NULL ? find_tag (row->tags, name) : row->tags[0];
      if (name != NULL ? *tag != NULL : n == 1)
        return TRUE;
      append_names (names, row);
    }

  if (name == NULL)
    return sc_error_set (error, SYSCONT_ERROR_MANIFEST_UNKNOWN,
                         "the archive has several images, say which one by its name: %s",
                         names->str);
  g_autofree char *shown = sc_text_escape (name);
  return sc_error_set (error, SYSCONT_ERROR_MANIFEST_UNKNOWN,
                       "the archive has no image \"%s\"; it has %s", shown, names->str);
}

/* --- the image --- */

static gboolean
add_layers (ScDockerArchive *self, ScDockerImage *image, GError **error)
{
  for (gsize i = 0; image->layer_members[i] != NULL; i++)
    {
      const char *path = image->layer_members[i];
      const Member *member = find_member (self, path, error);

      if (member == NULL)
        return FALSE;
      if (member->digest == NULL)
        {
          g_autofree char *shown = sc_text_escape (path);
          return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                               "member \"%s\" is not the tar of a layer", shown);
        }
      g_ptr_array_add (image->layers,
                       sc_descriptor_new (LAYER_TYPE, member->digest, member->size_bytes));
    }
  return TRUE;
}

static GBytes *
make_manifest (const ScDockerImage *image)
{
  gsize size_bytes = 0;
  gconstpointer data = g_bytes_get_data (image->config, &size_bytes);
  g_autofree char *digest = sc_digest_of_bytes (data, size_bytes);
  g_autoptr (ScDescriptor) config = sc_descriptor_new (CONFIG_TYPE, digest, size_bytes);

  return sc_manifest_text_new (MANIFEST_TYPE, config, image->layers);
}

ScDockerImage *
sc_docker_archive_choose (ScDockerArchive *self, const char *name, GError **error)
{
  g_autoptr (JsonNode) index = parse_index (self, error);
  g_auto (Row) row = { 0 };
  const char *tag = NULL;

  if (index == NULL || !choose_row (json_node_get_array (index), name, &row, &tag, error))
    return NULL;

  g_autoptr (ScDockerImage) image = g_new0 (ScDockerImage, 1);
  image->name = g_strdup (tag);
  image->layers = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_descriptor_free);
  image->layer_members = g_steal_pointer (&row.layers);
  image->config = find_document (self, row.config, error);
  if (image->config == NULL || !add_layers (self, image, error))
    return NULL;
  image->manifest = make_manifest (image);
  return g_steal_pointer (&image);
}

gboolean
sc_docker_image_check_layers (const ScDockerImage *self,
                              const char *const *diff_ids,
                              GError **error)
{
  for (guint i = 0; i < self->layers->len; i++)
    {
      const ScDescriptor *layer = self->layers->pdata[i];
      if (strcmp (layer->digest, diff_ids[i]) == 0)
        continue;
      g_autofree char *shown = sc_text_escape (self->layer_members[i]);
      return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                           "member \"%s\" has the digest %s, but the image config says %s", shown,
                           layer->digest, diff_ids[i]);
    }
  return TRUE;
}

void
sc_docker_image_free (ScDockerImage *self)
{
  g_free (self->name);
  g_clear_pointer (&self->config, g_bytes_unref);
  g_clear_pointer (&self->layers, g_ptr_array_unref);
  g_clear_pointer (&self->layer_members, g_strfreev);
  g_clear_pointer (&self->manifest, g_bytes_unref);
  g_free (self);
}
