/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-text-diff.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *before;
  const char *after;
  const char *expected;
} Row;

static const Row rows[] = {
  { "same", "a\nb\n", "a\nb\n", NULL },
  { "none-and-empty", NULL, "", NULL },
  { "end-of-last-line", "a\nb", "a\nb\n", NULL },
  { "new", NULL, "a\nb\n", "@@ -0,0 +1,2 @@\n+a\n+b\n" },
  { "gone", "a\n", NULL, "@@ -1,1 +0,0 @@\n-a\n" },
  { "changed", "a\nb\nc\n", "a\nx\nc\n", "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n" },
  { "added-in-the-middle", "a\nc\n", "a\nb\nc\n", "@@ -1,2 +1,3 @@\n a\n+b\n c\n" },
  { "moved", "a\nb\nc\n", "c\na\nb\n", "@@ -1,3 +1,3 @@\n+c\n a\n b\n-c\n" },
  { "context", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nx\n6\n7\n8\n9\n",
    "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+x\n 6\n 7\n 8\n" },
  { "two-hunks", "a\n1\n2\n3\n4\n5\n6\n7\n8\nb\n", "x\n1\n2\n3\n4\n5\n6\n7\n8\ny\n",
    "@@ -1,4 +1,4 @@\n-a\n+x\n 1\n 2\n 3\n@@ -7,4 +7,4 @@\n 6\n 7\n 8\n-b\n+y\n" },
};

static void
test_row (gconstpointer data)
{
  const Row *row = data;

  g_autofree char *text = sc_text_diff (row->before, row->after);

  g_assert_cmpstr (text, ==, row->expected);
}

static void
test_long_texts_are_replaced (void)
{
  g_autoptr (GString) before = g_string_new (NULL);
  g_autoptr (GString) after = g_string_new (NULL);
  for (guint i = 0; i < 5000; i++)
    {
      g_string_append_printf (before, "before %u\n", i);
      g_string_append_printf (after, "after %u\n", i);
    }

  g_autofree char *text = sc_text_diff (before->str, after->str);

  g_assert_true (g_str_has_prefix (text, "@@ -1,5000 +1,5000 @@\n-before 0\n"));
  g_assert_true (g_str_has_suffix (text, "+after 4999\n"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/text-diff/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_row);
    }
  g_test_add_func ("/text-diff/long-texts-are-replaced", test_long_texts_are_replaced);
  return g_test_run ();
}
