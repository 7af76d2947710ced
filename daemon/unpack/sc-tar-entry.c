/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-tar-entry.h"

#include "base/sc-error-util.h"

#include <archive.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <string.h>

#define WHITEOUT_PREFIX        ".wh."
#define OPAQUE_NAME            ".wh..wh..opq"
#define OSTREE_WHITEOUT_PREFIX ".ostree-wh."

typedef enum
{
  NAME_ORDINARY,
  NAME_WHITEOUT,
  NAME_OPAQUE,
  NAME_AUFS, /* what aufs kept in its branches for itself, and no reader of layers heeds */
} NameKind;

const char *
sc_tar_entry_get_name (struct archive_entry *member, const ScTarHeader *header)
{
  return header->path != NULL ? header->path : archive_entry_pathname (member);
}

static const char *
get_link_target (struct archive_entry *member, const ScTarHeader *header)
{
  if (header->linkpath != NULL)
    return header->linkpath;
  return header->type == '1' ? archive_entry_hardlink (member) : archive_entry_symlink (member);
}

/* Relative to the root directory, which all paths are in: a leading slash changes nothing. */
static char *
clean_path (const char *raw, GError **error)
{
  g_autoptr (GString) path = g_string_new (NULL);

  if (raw == NULL || *raw == '\0')
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it has an empty path");
      return NULL;
    }
  if (!g_utf8_validate (raw, -1, NULL))
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its path is not UTF-8");
      return NULL;
    }

  for (const char *p = raw; *p != '\0';)
    {
      gsize length = strcspn (p, "/");

      if (length == 2 && memcmp (p, "..", 2) == 0)
        {
          sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its path has a \"..\" component");
          return NULL;
        }
      if (length > 0 && !(length == 1 && *p == '.'))
        {
          if (path->len > 0)
            g_string_append_c (path, '/');
          g_string_append_len (path, p, (gssize)length);
        }
      p += length + (p[length] == '/');
    }
  return g_string_free (g_steal_pointer (&path), FALSE);
}

static gboolean
component_is_reserved (const char *component)
{
  return g_str_has_prefix (component, WHITEOUT_PREFIX)
         || g_str_has_prefix (component, OSTREE_WHITEOUT_PREFIX);
}

/* What is hidden must be a name that the directory can have: never the directory itself or one
 * above it. */
static gboolean
check_hidden_name (const char *name, GError **error)
{
  if (*name != '\0' && strcmp (name, ".") != 0 && strcmp (name, "..") != 0
      && !component_is_reserved (name))
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it is a whiteout of no possible name");
}

/* @path: (inout): becomes that of what is hidden, or of the opaque directory */
static gboolean
classify_name (char **path, NameKind *kind, GError **error)
{
  g_auto (GStrv) components = g_strsplit (*path, "/", -1);
  char **last = components;

  *kind = NAME_ORDINARY;
  while (*last != NULL && !component_is_reserved (*last))
    last++;
  if (*last == NULL)
    return TRUE;

  if (strcmp (*last, ".wh..wh.plnk") == 0 || strcmp (*last, ".wh..wh.aufs") == 0)
    {
      *kind = NAME_AUFS;
      return TRUE;
    }
  if (g_str_has_prefix (*last, OSTREE_WHITEOUT_PREFIX))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "its path has a component that begins with \"%s\"",
                         OSTREE_WHITEOUT_PREFIX);
  if (last[1] != NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it is below a whiteout");

  *kind = strcmp (*last, OPAQUE_NAME) == 0 ? NAME_OPAQUE : NAME_WHITEOUT;
  g_autofree char *hidden = g_strdup (*last + strlen (WHITEOUT_PREFIX));
  if (*kind == NAME_WHITEOUT && !check_hidden_name (hidden, error))
    return FALSE;
  g_clear_pointer (last, g_free);
  if (*kind == NAME_WHITEOUT)
    *last = g_steal_pointer (&hidden);
  g_free (*path);
  *path = g_strjoinv ("/", components);
  return TRUE;
}

/* An old "regular file" whose name ends in a slash is a directory. */
static gboolean
is_directory (const ScTarHeader *header, const char *raw_path)
{
  return header->type == '5' || (header->type == '0' && g_str_has_suffix (raw_path, "/"));
}

/* aufs makes its whiteouts as hard links to each other, and layers of its time have them so. */
static gboolean
check_whiteout (struct archive_entry *member,
                const ScTarHeader *header,
                gboolean is_regular,
                GError **error)
{
  const char *target = header->type == '1' ? get_link_target (member, header) : NULL;
  const char *target_name
      = target != NULL && strrchr (target, '/') != NULL ? strrchr (target, '/') + 1 : target;

  if (!is_regular && (target_name == NULL || !g_str_has_prefix (target_name, WHITEOUT_PREFIX)))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "it has the name of a whiteout, but is no regular file");
  return archive_entry_size (member) == 0
             ? TRUE
             : sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it is a whiteout with content");
}

static gboolean
capability_is_valid (const guint8 *value, gsize size_bytes)
{
  static const gsize sizes[] = { 0, XATTR_CAPS_SZ_1, XATTR_CAPS_SZ_2, XATTR_CAPS_SZ_3 };

  if (size_bytes < sizeof (guint32))
    return FALSE;
  guint32 magic
      = value[0] | (guint32)value[1] << 8 | (guint32)value[2] << 16 | (guint32)value[3] << 24;
  guint32 revision = (magic & VFS_CAP_REVISION_MASK) >> VFS_CAP_REVISION_SHIFT;
  return revision > 0 && revision < G_N_ELEMENTS (sizes) && size_bytes == sizes[revision]
         && (magic & VFS_CAP_FLAGS_MASK & ~(guint32)VFS_CAP_FLAGS_EFFECTIVE) == 0;
}

static gboolean
xattr_is_kept (const ScEntry *entry, const char *name, const void *value, gsize size_bytes)
{
  if (g_str_has_prefix (name, "user."))
    return name[strlen ("user.")] != '\0';
  return entry->type == SC_ENTRY_REGULAR && strcmp (name, "security.capability") == 0
         && capability_is_valid (value, size_bytes);
}

/* One writer puts the same attribute down under two keys. Returns: FALSE when they differ */
static gboolean
find_xattr (const ScEntry *entry, const char *name, GBytes *value, gboolean *found)
{
  *found = FALSE;
  for (guint i = 0; entry->xattrs != NULL && i < entry->xattrs->len; i++)
    {
      const ScXattr *xattr = entry->xattrs->pdata[i];
      if (strcmp (xattr->name, name) != 0)
        continue;
      *found = TRUE;
      return g_bytes_equal (xattr->value, value);
    }
  return TRUE;
}

static gboolean
add_xattr (ScEntry *entry, const char *name, const void *value, gsize size_bytes, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (value, size_bytes);
  gboolean found;

  if (strlen (name) > XATTR_NAME_MAX)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the name of an extended attribute has more than %d bytes",
                         XATTR_NAME_MAX);
  if (!g_utf8_validate (name, -1, NULL))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "the name of an extended attribute is not UTF-8");
  if (!find_xattr (entry, name, bytes, &found))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it has an extended attribute twice");
  if (found)
    return TRUE;
  if (entry->xattrs != NULL && entry->xattrs->len >= SC_ENTRY_MAX_XATTRS)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "it has more than %d extended attributes", SC_ENTRY_MAX_XATTRS);

  sc_entry_add_xattr (entry, name, bytes);
  return TRUE;
}

static gint
compare_xattrs (gconstpointer a, gconstpointer b)
{
  const ScXattr *const *left = a;
  const ScXattr *const *right = b;

  return strcmp ((*left)->name, (*right)->name);
}

/* Labels, integrity data and what overlayfs, ACLs and trusted.* mean belong to a host, not to an
 * image. */
static gboolean
take_xattrs (ScEntry *entry, struct archive_entry *member, GError **error)
{
  const char *name;
  const void *value;
  gsize size_bytes;
  gsize total_bytes = 0;

  archive_entry_xattr_reset (member);
  while (archive_entry_xattr_next (member, &name, &value, &size_bytes) == ARCHIVE_OK)
    {
      if (name == NULL || !xattr_is_kept (entry, name, value, size_bytes))
        continue;
      total_bytes += strlen (name) + size_bytes;
      if (total_bytes > SC_ENTRY_MAX_XATTR_BYTES)
        return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                             "its extended attributes have more than %d bytes",
                             SC_ENTRY_MAX_XATTR_BYTES);
      if (!add_xattr (entry, name, value, size_bytes, error))
        return FALSE;
    }
  if (entry->xattrs != NULL)
    g_ptr_array_sort (entry->xattrs, compare_xattrs);
  return TRUE;
}

static gboolean
take_owner (ScEntry *entry, struct archive_entry *member, GError **error)
{
  gint64 uid = archive_entry_uid (member);
  gint64 gid = archive_entry_gid (member);

  if (uid < 0 || uid > G_MAXINT32 || gid < 0 || gid > G_MAXINT32)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "its owner %" G_GINT64_FORMAT ":%" G_GINT64_FORMAT " is out of range", uid,
                         gid);
  entry->uid = (guint32)uid;
  entry->gid = (guint32)gid;
  return TRUE;
}

static gboolean
take_link_target (ScEntry *entry,
                  struct archive_entry *member,
                  const ScTarHeader *header,
                  GError **error)
{
  const char *target = get_link_target (member, header);
  NameKind kind;

  if (target == NULL || *target == '\0')
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it is a link to nothing");
  if (entry->type == SC_ENTRY_SYMLINK)
    {
      entry->link_target = g_strdup (target);
      return g_utf8_validate (target, -1, NULL)
                 ? TRUE
                 : sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its target is not UTF-8");
    }

  entry->link_target = clean_path (target, error);
  if (entry->link_target == NULL || !classify_name (&entry->link_target, &kind, error))
    return sc_prefix_error (error, "target of the hard link: ");
  if (kind != NAME_ORDINARY || *entry->link_target == '\0'
      || strcmp (entry->link_target, entry->path) == 0)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "it is a hard link to what cannot be linked to");
  return TRUE;
}

static ScEntryType
choose_type (const ScTarHeader *header, NameKind name_kind, gboolean directory)
{
  if (name_kind != NAME_ORDINARY)
    return name_kind == NAME_OPAQUE ? SC_ENTRY_OPAQUE : SC_ENTRY_WHITEOUT;
  if (directory)
    return SC_ENTRY_DIRECTORY;
  if (header->type == '0')
    return SC_ENTRY_REGULAR;
  if (header->type == '1')
    return SC_ENTRY_HARDLINK;
  return header->type == '2' ? SC_ENTRY_SYMLINK : SC_ENTRY_DROPPED;
}

/* libarchive takes sizes and link targets from pax records whatever the type is; other readers do
 * not. */
static gboolean
check_form (struct archive_entry *member,
            const ScTarHeader *header,
            gboolean is_regular,
            GError **error)
{
  gboolean is_link = header->type == '1' || header->type == '2';
  gboolean has_target
      = archive_entry_hardlink (member) != NULL || archive_entry_symlink (member) != NULL;

  if (!is_link && (has_target || header->linkpath != NULL))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "it has a link target, but is no link");
  if (!is_regular && archive_entry_size (member) != 0)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "it has content, but is no regular file");
  return archive_entry_size (member) >= 0
             ? TRUE
             : sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its size is negative");
}

static gboolean
fill_entry (ScEntry *entry, struct archive_entry *member, const ScTarHeader *header, GError **error)
{
  if (entry->type == SC_ENTRY_WHITEOUT || entry->type == SC_ENTRY_OPAQUE
      || entry->type == SC_ENTRY_DROPPED)
    return TRUE;
  if (!take_owner (entry, member, error))
    return FALSE;

  /* The mode of a symbolic link means nothing and is 0777 wherever it is unpacked. */
  entry->mode
      = entry->type == SC_ENTRY_SYMLINK ? 0777 : (guint32)archive_entry_mode (member) & 07777;
  if (entry->type == SC_ENTRY_REGULAR)
    entry->size_bytes = (guint64)archive_entry_size (member);
  if (entry->type == SC_ENTRY_SYMLINK || entry->type == SC_ENTRY_HARDLINK)
    return take_link_target (entry, member, header, error);
  return take_xattrs (entry, member, error);
}

static gboolean
convert_layer_member (struct archive_entry *member,
                      const ScTarHeader *header,
                      char **path,
                      ScEntry **entry,
                      GError **error)
{
  gboolean directory = is_directory (header, sc_tar_entry_get_name (member, header));
  gboolean is_regular = header->type == '0' && !directory;
  NameKind kind;

  if (**path == '\0' && !directory)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "it is the root directory, but no directory");
  if (!classify_name (path, &kind, error) || !check_form (member, header, is_regular, error))
    return FALSE;
  if (kind == NAME_AUFS)
    return TRUE;
  if (kind != NAME_ORDINARY && !check_whiteout (member, header, is_regular, error))
    return FALSE;

  *entry = sc_entry_new (choose_type (header, kind, directory), *path);
  return fill_entry (*entry, member, header, error);
}

static ScEntryType
choose_archive_type (const ScTarHeader *header, ScUnpackKind kind)
{
  if (header->type == '0')
    return SC_ENTRY_REGULAR;
  if (kind != SC_UNPACK_DOCKER_ARCHIVE || (header->type != '1' && header->type != '2'))
    return SC_ENTRY_DROPPED;
  return header->type == '1' ? SC_ENTRY_HARDLINK : SC_ENTRY_SYMLINK;
}

/* The names of whiteouts mean nothing here. An entry cannot have them, and nothing that is looked
 * for has them. */
static gboolean
convert_archive_member (struct archive_entry *member,
                        const ScTarHeader *header,
                        ScUnpackKind kind,
                        char **path,
                        ScEntry **entry,
                        GError **error)
{
  gboolean directory = is_directory (header, sc_tar_entry_get_name (member, header));
  gboolean is_regular = header->type == '0' && !directory;
  g_auto (GStrv) components = g_strsplit (*path, "/", -1);

  if (!check_form (member, header, is_regular, error))
    return FALSE;
  if (directory)
    return TRUE;
  if (**path == '\0')
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "it is the root directory, but no directory");
  for (char **p = components; *p != NULL; p++)
    if (component_is_reserved (*p))
      return TRUE;

  *entry = sc_entry_new (choose_archive_type (header, kind), *path);
  if (is_regular)
    {
      (*entry)->mode = 0644;
      (*entry)->size_bytes = (guint64)archive_entry_size (member);
    }
  gboolean is_link = (*entry)->type == SC_ENTRY_HARDLINK || (*entry)->type == SC_ENTRY_SYMLINK;
  return !is_link || take_link_target (*entry, member, header, error);
}

gboolean
sc_tar_entry_convert (struct archive_entry *member,
                      const ScTarHeader *header,
                      ScUnpackKind kind,
                      ScEntry **entry,
                      GError **error)
{
  g_autoptr (ScEntry) made = NULL;
  g_autofree char *path = clean_path (sc_tar_entry_get_name (member, header), error);
  if (path == NULL)
    return FALSE;

  *entry = NULL;
  gboolean ok = kind == SC_UNPACK_LAYER
                    ? convert_layer_member (member, header, &path, &made, error)
                    : convert_archive_member (member, header, kind, &path, &made, error);
  if (!ok || (made != NULL && !sc_entry_check (made, error)))
    return FALSE;
  *entry = g_steal_pointer (&made);
  return TRUE;
}
