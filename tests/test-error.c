/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How errors are made, prefixed and quoted.
 */
#include "base/sc-error-util.h"

#include <errno.h>
#include <string.h>

static void
test_set_formats (void)
{
  g_autoptr (GError) error = NULL;

  gboolean result = sc_error_set (&error, SYSCONT_ERROR_BUSY, "\"%s\" has job %d", "etcd", 7);

  g_assert_false (result);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_BUSY);
  g_assert_cmpstr (error->message, ==, "\"etcd\" has job 7");
}

static void
test_set_without_receiver (void)
{
  g_assert_false (sc_error_set (NULL, SYSCONT_ERROR_BUSY, "nobody listens"));
  g_assert_false (sc_error_set_errno (NULL, ENOENT, "nobody listens"));
}

static void
test_set_keeps_utf8 (void)
{
  g_autoptr (GError) error = NULL;

  sc_error_set (&error, SYSCONT_ERROR_FAILED, "name %s",
                "a\xff"
                "b");

  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_true (g_str_has_prefix (error->message, "name a"));
}

typedef struct
{
  const char *name;
  int saved_errno;
  SyscontError code;
} ErrnoRow;

static const ErrnoRow errno_rows[] = {
  { "no-space", ENOSPC, SYSCONT_ERROR_NO_SPACE },
  { "quota", EDQUOT, SYSCONT_ERROR_NO_SPACE },
  { "read-only", EROFS, SYSCONT_ERROR_STORAGE_READ_ONLY },
  { "missing", ENOENT, SYSCONT_ERROR_FAILED },
  { "input-output", EIO, SYSCONT_ERROR_FAILED },
};

static void
test_set_errno (gconstpointer data)
{
  const ErrnoRow *row = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = g_strdup_printf ("creating \"x\": %s", g_strerror (row->saved_errno));

  g_assert_false (sc_error_set_errno (&error, row->saved_errno, "creating \"%s\"", "x"));

  g_assert_error (error, SYSCONT_ERROR, (int)row->code);
  g_assert_cmpstr (error->message, ==, expected);
}

static void
test_prefix_keeps_code (void)
{
  g_autoptr (GError) error = NULL;

  sc_error_set (&error, SYSCONT_ERROR_NO_SPACE, "100%% full");
  gboolean result = sc_prefix_error (&error, "layer %d: ", 3);

  g_assert_false (result);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NO_SPACE);
  g_assert_cmpstr (error->message, ==, "layer 3: 100% full");
}

static void
test_prefix_without_error (void)
{
  GError *error = NULL;

  g_assert_false (sc_prefix_error (&error, "x: "));
  g_assert_false (sc_prefix_error (NULL, "x: "));
  g_assert_null (error);
}

typedef struct
{
  const char *name;
  const char *text;
  const char *escaped;
} EscapeRow;

static const EscapeRow escape_rows[] = {
  { "plain", "etcd-1.0_x", "etcd-1.0_x" },
  { "empty", "", "" },
  { "letters-of-others", "\u00fcber \u732b \U0001f431", "\u00fcber \u732b \U0001f431" },
  { "newline", "a\nb\r\tc", "a\\x0ab\\x0d\\x09c" },
  { "terminal", "\x1b[2J\x7f", "\\x1b[2J\\x7f" },
  { "c1-control",
    "a\xc2\x9b"
    "b",
    "a\\u{9b}b" },
  { "bidirectional", "a\u202eb\u2066c\u200fd\u061ce", "a\\u{202e}b\\u{2066}c\\u{200f}d\\u{61c}e" },
  { "invisible", "a\u200bb\ufeffc\u2028d", "a\\u{200b}b\\u{feff}c\\u{2028}d" },
  { "invalid-byte",
    "a\xff"
    "b\xc3",
    "a\\xffb\\xc3" },
  { "encoded-surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80" },
  { "overlong", "\xc0\xaf", "\\xc0\\xaf" },
};

static void
test_escape (gconstpointer data)
{
  const EscapeRow *row = data;

  g_autofree char *escaped = sc_text_escape (row->text);

  g_assert_cmpstr (escaped, ==, row->escaped);
}

static void
test_escape_twice_is_once (void)
{
  g_autofree char *once = sc_text_escape ("a\n\xff\u202e\\x0a");
  g_autofree char *twice = sc_text_escape (once);

  g_assert_cmpstr (twice, ==, once);
}

static void
test_escape_bounds_length (void)
{
  for (gsize length = 505; length < 520; length++)
    {
      g_autofree char *plain = g_strnfill (length, 'a');
      g_autofree char *control = g_strnfill (length, '\n');
      g_autofree char *escaped_plain = sc_text_escape (plain);
      g_autofree char *escaped_control = sc_text_escape (control);

      g_assert_cmpuint (strlen (escaped_plain), ==, MIN (length, 512));
      g_assert_cmpint (g_str_has_suffix (escaped_plain, "\u2026"), ==, length > 512);
      g_assert_cmpuint (strlen (escaped_control), <=, 512);
      g_assert_true (g_str_has_suffix (escaped_control, "\\x0a\u2026"));
    }
}

static void
test_escape_never_splits_a_character (void)
{
  for (gsize fill = 500; fill < 515; fill++)
    {
      g_autofree char *start = g_strnfill (fill, 'a');
      g_autofree char *text = g_strconcat (start, "\U0001f431\U0001f431\U0001f431\U0001f431", NULL);
      g_autofree char *escaped = sc_text_escape (text);

      g_assert_true (g_utf8_validate (escaped, -1, NULL));
      g_assert_cmpuint (strlen (escaped), <=, 512);
      g_assert_null (strchr (escaped, '\\'));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/error/set/formats", test_set_formats);
  g_test_add_func ("/error/set/without-receiver", test_set_without_receiver);
  g_test_add_func ("/error/set/keeps-utf8", test_set_keeps_utf8);
  for (gsize i = 0; i < G_N_ELEMENTS (errno_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/error/set-errno/", errno_rows[i].name, NULL);
      g_test_add_data_func (path, &errno_rows[i], test_set_errno);
    }
  g_test_add_func ("/error/prefix/keeps-code", test_prefix_keeps_code);
  g_test_add_func ("/error/prefix/without-error", test_prefix_without_error);
  for (gsize i = 0; i < G_N_ELEMENTS (escape_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/error/escape/", escape_rows[i].name, NULL);
      g_test_add_data_func (path, &escape_rows[i], test_escape);
    }
  g_test_add_func ("/error/escape/twice-is-once", test_escape_twice_is_once);
  g_test_add_func ("/error/escape/bounds-length", test_escape_bounds_length);
  g_test_add_func ("/error/escape/never-splits-a-character", test_escape_never_splits_a_character);

  return g_test_run ();
}
