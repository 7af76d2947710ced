/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-entry.h"

#include "base/sc-error-util.h"

#include <linux/capability.h>
#include <string.h>

#define MODE_MASK 07777

ScEntry *
sc_entry_new (ScEntryType type, const char *path)
{
  ScEntry *self = g_new0 (ScEntry, 1);

  self->type = type;
  self->path = g_strdup (path);
  return self;
}

void
sc_xattr_free (ScXattr *self)
{
  g_free (self->name);
  g_bytes_unref (self->value);
  g_free (self);
}

void
sc_entry_free (ScEntry *self)
{
  g_free (self->path);
  g_free (self->link_target);
  g_clear_pointer (&self->xattrs, g_ptr_array_unref);
  g_free (self);
}

void
sc_entry_add_xattr (ScEntry *self, const char *name, GBytes *value)
{
  ScXattr *xattr = g_new0 (ScXattr, 1);

  if (self->xattrs == NULL)
    self->xattrs = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_xattr_free);
  xattr->name = g_strdup (name);
  xattr->value = g_bytes_ref (value);
  g_ptr_array_add (self->xattrs, xattr);
}

static gboolean
refuse_path (GError **error, SyscontError code, const char *path, const char *what)
{
  g_autofree char *escaped = sc_text_escape (path);

  return sc_error_set (error, code, "the path \"%s\" %s", escaped, what);
}

gboolean
sc_entry_path_check (const char *path, GError **error)
{
  gsize length = strlen (path);
  guint depth = 0;

  if (length > SC_ENTRY_MAX_PATH)
    return refuse_path (error, SYSCONT_ERROR_LIMIT_EXCEEDED, path, "is too long");
  if (!g_utf8_validate (path, (gssize)length, NULL))
    return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, path, "is not UTF-8");

  for (const char *p = path; *path != '\0' && p != NULL;)
    {
      const char *slash = strchr (p, '/');
      gsize n = slash != NULL ? (gsize)(slash - p) : strlen (p);

      if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
        return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, path,
                            "is not a clean relative path");
      if (n > SC_ENTRY_MAX_COMPONENT)
        return refuse_path (error, SYSCONT_ERROR_LIMIT_EXCEEDED, path,
                            "has a component that is too long");
      if (++depth > SC_ENTRY_MAX_DEPTH)
        return refuse_path (error, SYSCONT_ERROR_LIMIT_EXCEEDED, path, "is nested too deeply");
      p = slash != NULL ? slash + 1 : NULL;
    }
  return TRUE;
}

/* What libostree or another tool would take for a whiteout must not be a name in a tree of ours. */
static gboolean
check_names (const char *path, GError **error)
{
  const char *name = path;

  while (name != NULL)
    {
      if (g_str_has_prefix (name, ".wh.") || g_str_has_prefix (name, ".ostree-wh."))
        return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, path,
                            "has a name that is reserved for whiteouts");
      const char *slash = strchr (name, '/');
      name = slash != NULL ? slash + 1 : NULL;
    }
  return TRUE;
}

static gboolean
check_link (const ScEntry *self, GError **error)
{
  const char *target = self->link_target;

  if (self->type == SC_ENTRY_HARDLINK)
    {
      if (target == NULL || target[0] == '\0')
        return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                            "is a hard link to nothing");
      return sc_entry_path_check (target, error) && check_names (target, error);
    }
  if (self->type == SC_ENTRY_SYMLINK)
    {
      if (target == NULL || target[0] == '\0')
        return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                            "is a symbolic link to nothing");
      if (strlen (target) >= SC_ENTRY_MAX_PATH)
        return refuse_path (error, SYSCONT_ERROR_LIMIT_EXCEEDED, self->path,
                            "is a symbolic link with too long a target");
      if (!g_utf8_validate (target, -1, NULL))
        return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                            "is a symbolic link whose target is not UTF-8");
      return TRUE;
    }
  if (target != NULL && target[0] != '\0')
    return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                        "has a link target but is no link");
  return TRUE;
}

/* A vfs_cap_data or vfs_ns_cap_data as setxattr(2) takes it: revision and flags in a little endian
 * word. Kernels since 4.14 read revision 1 but do not write it. */
static gboolean
is_capability (GBytes *value)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (value, &size);
  guint32 magic;

  if (size < sizeof magic)
    return FALSE;
  memcpy (&magic, data, sizeof magic);
  switch (GUINT32_FROM_LE (magic) & ~(guint32)VFS_CAP_FLAGS_EFFECTIVE)
    {
    case VFS_CAP_REVISION_2:
      return size == XATTR_CAPS_SZ_2;
    case VFS_CAP_REVISION_3:
      return size == XATTR_CAPS_SZ_3;
    default:
      return FALSE;
    }
}

static gboolean
xattr_is_valid (const ScXattr *xattr)
{
  if (strlen (xattr->name) > 255)
    return FALSE;
  if (strcmp (xattr->name, "security.capability") == 0)
    return is_capability (xattr->value);
  return g_str_has_prefix (xattr->name, "user.") && xattr->name[strlen ("user.")] != '\0';
}

static gboolean
check_xattrs (const ScEntry *self, GError **error)
{
  gsize total = 0;

  for (guint i = 0; self->xattrs != NULL && i < self->xattrs->len; i++)
    {
      const ScXattr *xattr = self->xattrs->pdata[i];
      const ScXattr *previous = i > 0 ? self->xattrs->pdata[i - 1] : NULL;

      total += strlen (xattr->name) + g_bytes_get_size (xattr->value);
      if (self->xattrs->len > SC_ENTRY_MAX_XATTRS || total > SC_ENTRY_MAX_XATTR_BYTES)
        return refuse_path (error, SYSCONT_ERROR_LIMIT_EXCEEDED, self->path,
                            "has too many extended attributes");
      if (!xattr_is_valid (xattr))
        return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                            "has an extended attribute that is not allowed");
      if (previous != NULL && strcmp (previous->name, xattr->name) >= 0)
        return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                            "has unsorted extended attributes");
    }
  return TRUE;
}

gboolean
sc_entry_check (const ScEntry *self, GError **error)
{
  if (self->type < SC_ENTRY_DIRECTORY || self->type > SC_ENTRY_PACKED)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "an entry has the unknown type %d",
                         self->type);
  if (!sc_entry_path_check (self->path, error) || !check_names (self->path, error)
      || !check_link (self, error) || !check_xattrs (self, error))
    return FALSE;
  if (self->path[0] == '\0' && self->type != SC_ENTRY_DIRECTORY && self->type != SC_ENTRY_OPAQUE)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the root is not a directory");
  if ((self->mode & ~(guint32)MODE_MASK) != 0)
    return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                        "has a mode with more than permissions");
  if (self->uid > G_MAXINT32 || self->gid > G_MAXINT32)
    return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                        "has an owner that no system has");
  /* off_t is signed, and whoever adds sizes up must not overflow on a single one. */
  if (self->size_bytes > G_MAXINT64)
    return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                        "has a size that no file has");
  if (self->size_bytes != 0 && self->type != SC_ENTRY_REGULAR)
    return refuse_path (error, SYSCONT_ERROR_IMAGE_INVALID, self->path,
                        "has content but is no regular file");
  return TRUE;
}
