/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an entry of a layer may be.
 */
#include "base/sc-error-util.h"
#include "image/sc-entry.h"

#include <string.h>

#define CORRUPT SYSCONT_ERROR_IMAGE_INVALID
#define LIMIT   SYSCONT_ERROR_LIMIT_EXCEEDED
#define FINE    -1

typedef struct
{
  const char *name;
  const char *path;
  int code;
} PathRow;

/* AR01, AR02, AR18 */
static const PathRow path_rows[] = {
  { "root", "", FINE },
  { "file", "etc/passwd", FINE },
  { "dots-in-name", "a/...b../.c", FINE },
  { "three-dots", "...", FINE },
  { "newline", "a\nb", FINE },
  { "escape", "a\033[31m", FINE },
  { "right-to-left", "a\u202eb", FINE },
  { "back-slash", "a\\b", FINE },
  { "absolute", "/etc", CORRUPT },
  { "slash", "/", CORRUPT },
  { "parent", "..", CORRUPT },
  { "parent-first", "../evil", CORRUPT },
  { "parent-inside", "a/../../evil", CORRUPT },
  { "parent-last", "a/..", CORRUPT },
  { "dot", ".", CORRUPT },
  { "dot-first", "./a", CORRUPT },
  { "dot-inside", "a/./b", CORRUPT },
  { "empty-component", "a//b", CORRUPT },
  { "slash-at-end", "a/", CORRUPT },
  { "not-utf-8", "a\xff", CORRUPT },
  { "utf-8-cut", "a\xe2\x80", CORRUPT },
  { "utf-8-surrogate", "a\xed\xa0\x80", CORRUPT },
};

static void
check_code (gboolean ok, const GError *error, int code)
{
  g_assert_cmpint (ok, ==, code == FINE);
  if (code == FINE)
    g_assert_no_error (error);
  else
    g_assert_error (error, SYSCONT_ERROR, code);
}

static void
test_path_check (gconstpointer data)
{
  const PathRow *row = data;
  g_autoptr (GError) error = NULL;

  gboolean ok = sc_entry_path_check (row->path, &error);

  check_code (ok, error, row->code);
  if (row->code != FINE)
    {
      g_autofree char *escaped = sc_text_escape (row->path);
      g_autofree char *quoted = g_strdup_printf ("\"%s\"", escaped);
      g_assert_nonnull (strstr (error->message, quoted));
    }
}

/* Components of @bytes each, @n of them */
static char *
make_path (guint n, gsize bytes)
{
  g_autofree char *component = g_strnfill (bytes, 'a');
  GString *path = g_string_new (component);

  for (guint i = 1; i < n; i++)
    g_string_append_printf (path, "/%s", component);
  return g_string_free (path, FALSE);
}

typedef struct
{
  const char *name;
  guint n_components;
  gsize component_bytes;
  int code;
} LimitRow;

/* AR18 */
static const LimitRow limit_rows[] = {
  { "component-255", 1, 255, FINE }, { "component-256", 1, 256, LIMIT },
  { "depth-128", 128, 1, FINE },     { "depth-129", 129, 1, LIMIT },
  { "path-4095", 16, 255, FINE },    { "path-4351", 17, 255, LIMIT },
};

static void
test_path_limits (gconstpointer data)
{
  const LimitRow *row = data;
  g_autofree char *path = make_path (row->n_components, row->component_bytes);
  g_autoptr (GError) error = NULL;

  gboolean ok = sc_entry_path_check (path, &error);

  check_code (ok, error, row->code);
}

/* AR18: the limit itself, in one component more than it has room for */
static void
test_path_limit_is_exact (void)
{
  g_autofree char *path = make_path (17, 240);
  g_autoptr (GError) error = NULL;
  g_assert_cmpuint (strlen (path), ==, SC_ENTRY_MAX_PATH);
  g_autofree char *longer = g_strconcat (path, "a", NULL);

  g_assert_true (sc_entry_path_check (path, &error));
  g_assert_no_error (error);
  g_assert_false (sc_entry_path_check (longer, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

typedef struct
{
  const char *name;
  ScEntry entry;
  int code;
} EntryRow;

#define ENTRY(kind, where) .type = SC_ENTRY_##kind, .path = (char *)where
#define TO(target)         .link_target = (char *)target

static const EntryRow entry_rows[] = {
  { "directory", { ENTRY (DIRECTORY, "a"), .mode = 0755 }, FINE },
  { "root", { ENTRY (DIRECTORY, ""), .mode = 01777 }, FINE },
  { "file", { ENTRY (REGULAR, "a"), .mode = 06755, .size_bytes = 5 }, FINE },
  { "symlink", { ENTRY (SYMLINK, "a"), TO ("../../etc/shadow"), .mode = 0777 }, FINE },
  { "absolute-symlink", { ENTRY (SYMLINK, "a"), TO ("/etc/shadow"), .mode = 0777 }, FINE },
  { "hard-link", { ENTRY (HARDLINK, "a"), TO ("b/c") }, FINE },
  { "whiteout", { ENTRY (WHITEOUT, "a/b") }, FINE },
  { "opaque", { ENTRY (OPAQUE, "a") }, FINE },
  { "opaque-root", { ENTRY (OPAQUE, "") }, FINE },
  { "dropped", { ENTRY (DROPPED, "dev/null") }, FINE },
  { "highest-owner", { ENTRY (REGULAR, "a"), .uid = G_MAXINT32, .gid = G_MAXINT32 }, FINE },
  { "type-0", { .type = 0, .path = (char *)"a" }, CORRUPT },
  { "packed", { ENTRY (PACKED, "layer") }, FINE },
  { "type-9", { .type = SC_ENTRY_PACKED + 1, .path = (char *)"a" }, CORRUPT },
  { "path-outside", { ENTRY (REGULAR, "../a") }, CORRUPT },
  /* AR08, AR09, AR12 */
  { "whiteout-of-parent", { ENTRY (WHITEOUT, "..") }, CORRUPT },
  { "whiteout-of-dot", { ENTRY (WHITEOUT, ".") }, CORRUPT },
  { "whiteout-of-sub-parent", { ENTRY (WHITEOUT, "sub/..") }, CORRUPT },
  { "whiteout-of-root", { ENTRY (WHITEOUT, "") }, CORRUPT },
  { "whiteout-of-whiteout", { ENTRY (WHITEOUT, ".wh.a") }, CORRUPT },
  { "name-of-whiteout", { ENTRY (REGULAR, "sub/.wh.a") }, CORRUPT },
  { "name-of-empty-whiteout", { ENTRY (REGULAR, ".wh.") }, CORRUPT },
  { "name-of-opaque", { ENTRY (REGULAR, "a/.wh..wh..opq") }, CORRUPT },
  { "below-name-of-whiteout", { ENTRY (REGULAR, ".wh.a/b") }, CORRUPT },
  { "aufs-directory", { ENTRY (DIRECTORY, ".wh..wh.plnk") }, CORRUPT },
  { "name-of-stored-whiteout", { ENTRY (REGULAR, ".ostree-wh.foo") }, CORRUPT },
  { "name-that-only-begins-alike", { ENTRY (REGULAR, ".wh") }, FINE },
  { "file-as-root", { ENTRY (REGULAR, "") }, CORRUPT },
  { "symlink-as-root", { ENTRY (SYMLINK, ""), TO ("a") }, CORRUPT },
  { "hard-link-as-root", { ENTRY (HARDLINK, ""), TO ("a") }, CORRUPT },
  { "dropped-as-root", { ENTRY (DROPPED, "") }, CORRUPT },
  /* AR06 */
  { "hard-link-absolute", { ENTRY (HARDLINK, "a"), TO ("/etc/shadow") }, CORRUPT },
  { "hard-link-outside", { ENTRY (HARDLINK, "a"), TO ("../../etc/shadow") }, CORRUPT },
  { "hard-link-outside-later", { ENTRY (HARDLINK, "a"), TO ("x/../../../etc/shadow") }, CORRUPT },
  { "hard-link-to-whiteout", { ENTRY (HARDLINK, "a"), TO ("b/.wh.c") }, CORRUPT },
  { "hard-link-to-root", { ENTRY (HARDLINK, "a"), TO ("") }, CORRUPT },
  { "hard-link-to-nothing", { ENTRY (HARDLINK, "a") }, CORRUPT },
  { "symlink-to-nothing", { ENTRY (SYMLINK, "a") }, CORRUPT },
  { "symlink-to-empty", { ENTRY (SYMLINK, "a"), TO ("") }, CORRUPT },
  { "symlink-not-utf-8", { ENTRY (SYMLINK, "a"), TO ("\xff") }, CORRUPT },
  { "directory-with-target", { ENTRY (DIRECTORY, "a"), TO ("b") }, CORRUPT },
  { "file-with-target", { ENTRY (REGULAR, "a"), TO ("b") }, CORRUPT },
  /* AR20 */
  { "mode-with-type", { ENTRY (REGULAR, "a"), .mode = 0100644 }, CORRUPT },
  { "mode-of-17-bits", { ENTRY (REGULAR, "a"), .mode = 0177777 }, CORRUPT },
  { "uid-2-31", { ENTRY (REGULAR, "a"), .uid = 0x80000000u }, CORRUPT },
  { "uid-minus-1", { ENTRY (REGULAR, "a"), .uid = G_MAXUINT32 }, CORRUPT },
  { "gid-2-31", { ENTRY (REGULAR, "a"), .gid = 0x80000000u }, CORRUPT },
  { "largest-size", { ENTRY (REGULAR, "a"), .size_bytes = G_MAXINT64 }, FINE },
  { "size-2-63", { ENTRY (REGULAR, "a"), .size_bytes = (guint64)1 << 63 }, CORRUPT },
  { "size-minus-1", { ENTRY (REGULAR, "a"), .size_bytes = G_MAXUINT64 }, CORRUPT },
  { "directory-with-content", { ENTRY (DIRECTORY, "a"), .size_bytes = 1 }, CORRUPT },
  { "symlink-with-content", { ENTRY (SYMLINK, "a"), TO ("b"), .size_bytes = 1 }, CORRUPT },
  { "hard-link-with-content", { ENTRY (HARDLINK, "a"), TO ("b"), .size_bytes = 1 }, CORRUPT },
  { "whiteout-with-content", { ENTRY (WHITEOUT, "a"), .size_bytes = 1 }, CORRUPT },
};

static void
test_check (gconstpointer data)
{
  const EntryRow *row = data;
  g_autoptr (GError) error = NULL;

  gboolean ok = sc_entry_check (&row->entry, &error);

  check_code (ok, error, row->code);
}

static void
test_check_limits_symlink (void)
{
  g_autoptr (ScEntry) entry = sc_entry_new (SC_ENTRY_SYMLINK, "a");
  g_autoptr (GError) error = NULL;

  entry->link_target = g_strnfill (4095, 'a');
  g_assert_true (sc_entry_check (entry, &error));
  g_assert_no_error (error);

  g_free (entry->link_target);
  entry->link_target = g_strnfill (4096, 'a');
  g_assert_false (sc_entry_check (entry, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, "\"a\""));
}

typedef struct
{
  const char *name;
  const char *xattr;
  const char *value;
  gsize size_bytes;
  int code;
} XattrRow;

#define ZEROS "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"

/* AR12, AR15 */
static const XattrRow xattr_rows[] = {
  { "user", "user.a", "b", 1, FINE },
  { "user-empty-value", "user.a", "", 0, FINE },
  { "user-without-name", "user.", "b", 1, CORRUPT },
  { "no-name", "", "b", 1, CORRUPT },
  { "user-alone", "user", "b", 1, CORRUPT },
  { "selinux", "security.selinux", "b", 1, CORRUPT },
  { "ima", "security.ima", "b", 1, CORRUPT },
  { "acl", "system.posix_acl_access", "b", 1, CORRUPT },
  { "overlay-opaque", "trusted.overlay.opaque", "y", 1, CORRUPT },
  { "overlay-redirect", "trusted.overlay.redirect", "/etc", 4, CORRUPT },
  { "capability-2", "security.capability", "\1\0\0\2" ZEROS, 20, FINE },
  { "capability-2-not-effective", "security.capability", "\0\0\0\2" ZEROS, 20, FINE },
  { "capability-3", "security.capability", "\1\0\0\3" ZEROS, 24, FINE },
  { "capability-1", "security.capability", "\1\0\0\1" ZEROS, 12, CORRUPT },
  { "capability-4", "security.capability", "\1\0\0\4" ZEROS, 24, CORRUPT },
  { "capability-unknown-flag", "security.capability", "\2\0\0\2" ZEROS, 20, CORRUPT },
  { "capability-2-short", "security.capability", "\1\0\0\2" ZEROS, 19, CORRUPT },
  { "capability-2-long", "security.capability", "\1\0\0\2" ZEROS, 24, CORRUPT },
  { "capability-3-short", "security.capability", "\1\0\0\3" ZEROS, 20, CORRUPT },
  { "capability-empty", "security.capability", "", 0, CORRUPT },
  { "capability-3-bytes", "security.capability", "\1\0\0", 3, CORRUPT },
};

static void
add_xattr (ScEntry *entry, const char *name, const void *value, gsize size_bytes)
{
  g_autoptr (GBytes) bytes = g_bytes_new (value, size_bytes);

  sc_entry_add_xattr (entry, name, bytes);
}

static void
test_check_xattr (gconstpointer data)
{
  const XattrRow *row = data;
  g_autoptr (ScEntry) entry = sc_entry_new (SC_ENTRY_REGULAR, "bin/x");
  g_autoptr (GError) error = NULL;
  add_xattr (entry, row->xattr, row->value, row->size_bytes);

  gboolean ok = sc_entry_check (entry, &error);

  check_code (ok, error, row->code);
  if (row->code != FINE)
    g_assert_nonnull (strstr (error->message, "\"bin/x\""));
}

static void
test_check_xattr_name_length (void)
{
  g_autoptr (ScEntry) entry = sc_entry_new (SC_ENTRY_REGULAR, "a");
  g_autofree char *rest = g_strnfill (295, 'x');
  g_autofree char *name = g_strconcat ("user.", rest, NULL);
  g_autoptr (GError) error = NULL;
  add_xattr (entry, name, "", 0);

  g_assert_false (sc_entry_check (entry, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

static void
test_check_xattr_order (void)
{
  const char *const orders[][2] = { { "user.b", "user.a" }, { "user.a", "user.a" } };

  for (gsize i = 0; i < G_N_ELEMENTS (orders); i++)
    {
      g_autoptr (ScEntry) entry = sc_entry_new (SC_ENTRY_REGULAR, "a");
      g_autoptr (GError) error = NULL;
      add_xattr (entry, orders[i][0], "", 0);
      add_xattr (entry, orders[i][1], "", 0);

      g_assert_false (sc_entry_check (entry, &error));

      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
      g_assert_nonnull (strstr (error->message, "unsorted"));
    }
}

static void
test_check_xattr_count (void)
{
  g_autoptr (ScEntry) entry = sc_entry_new (SC_ENTRY_REGULAR, "a");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < SC_ENTRY_MAX_XATTRS; i++)
    {
      g_autofree char *name = g_strdup_printf ("user.%02u", i);
      add_xattr (entry, name, "", 0);
    }
  g_assert_true (sc_entry_check (entry, &error));
  g_assert_no_error (error);

  add_xattr (entry, "user.x", "", 0);
  g_assert_false (sc_entry_check (entry, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

static void
test_check_xattr_bytes (void)
{
  g_autofree char *value = g_malloc0 (SC_ENTRY_MAX_XATTR_BYTES);
  g_autoptr (ScEntry) fitting = sc_entry_new (SC_ENTRY_REGULAR, "a");
  g_autoptr (ScEntry) larger = sc_entry_new (SC_ENTRY_REGULAR, "a");
  g_autoptr (GError) error = NULL;
  add_xattr (fitting, "user.a", value, SC_ENTRY_MAX_XATTR_BYTES - strlen ("user.a"));
  add_xattr (larger, "user.a", value, SC_ENTRY_MAX_XATTR_BYTES - strlen ("user.a") + 1);

  g_assert_true (sc_entry_check (fitting, &error));
  g_assert_no_error (error);
  g_assert_false (sc_entry_check (larger, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

#define ADD_ROWS(rows, prefix, func)                                                               \
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)                                                  \
    {                                                                                              \
      g_autofree char *path = g_strconcat (prefix, rows[i].name, NULL);                            \
      g_test_add_data_func (path, &rows[i], func);                                                 \
    }

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD_ROWS (path_rows, "/entry/path-check/", test_path_check);
  ADD_ROWS (limit_rows, "/entry/path-check/limits-", test_path_limits);
  g_test_add_func ("/entry/path-check/limit-is-exact", test_path_limit_is_exact);
  ADD_ROWS (entry_rows, "/entry/check/", test_check);
  g_test_add_func ("/entry/check/limits-symlink", test_check_limits_symlink);
  ADD_ROWS (xattr_rows, "/entry/check/xattr-", test_check_xattr);
  g_test_add_func ("/entry/check/xattr-name-length", test_check_xattr_name_length);
  g_test_add_func ("/entry/check/xattr-order", test_check_xattr_order);
  g_test_add_func ("/entry/check/xattr-count", test_check_xattr_count);
  g_test_add_func ("/entry/check/xattr-bytes", test_check_xattr_bytes);

  return g_test_run ();
}
