/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"

static char **
row (const char *a, const char *b)
{
  const char *const cells[] = { a, b, NULL };

  return g_strdupv ((char **)cells);
}

static void
test_table_aligns_columns (void)
{
  const char *const headings[] = { "NAME", "STATE", NULL };
  g_autoptr (ScTable) table = sc_table_new (headings);

  sc_table_add (table, row ("a", "running"));
  sc_table_add (table, row ("longer-name", ""));

  g_autofree char *text = sc_table_to_text (table, FALSE);
  g_assert_cmpstr (text, ==, "NAME         STATE\na            running\nlonger-name\n");
}

static void
test_table_counts_characters (void)
{
  const char *const headings[] = { "X", "Y", NULL };
  g_autoptr (ScTable) table = sc_table_new (headings);

  sc_table_add (table, row ("éé", "1"));

  g_autofree char *text = sc_table_to_text (table, FALSE);
  g_assert_cmpstr (text, ==, "X   Y\néé  1\n");
}

static void
test_table_quiet_is_first_column (void)
{
  const char *const headings[] = { "NAME", "STATE", NULL };
  g_autoptr (ScTable) table = sc_table_new (headings);

  sc_table_add (table, row ("a", "running"));

  g_autofree char *text = sc_table_to_text (table, TRUE);
  g_assert_cmpstr (text, ==, "a\n");
}

static void
test_safe_text_escapes (gconstpointer data)
{
  const char *const *pair = data;
  g_autofree char *safe = sc_safe_text (pair[0]);

  g_assert_cmpstr (safe, ==, pair[1]);
}

static void
test_short_digest (void)
{
  g_autofree char *text = sc_short_digest ("sha256:0123456789abcdef0123");

  g_assert_cmpstr (text, ==, "0123456789ab");
}

static void
test_dict_reads_members (void)
{
  g_autoptr (GVariant) dict = g_variant_ref_sink (
      g_variant_new_parsed ("{'name': <'etcd'>, 'size': <@t 7>, 'small': <@u 3>, 'on': <true>, "
                            "'list': <['a', 'b']>}"));
  g_autofree char *name = sc_dict_string (dict, "name");
  g_autofree char *missing = sc_dict_string (dict, "other");
  g_autofree char *joined = sc_dict_joined (dict, "list");

  g_assert_cmpstr (name, ==, "etcd");
  g_assert_cmpstr (missing, ==, "");
  g_assert_cmpstr (joined, ==, "a, b");
  g_assert_cmpuint (sc_dict_uint (dict, "size"), ==, 7);
  g_assert_cmpuint (sc_dict_uint (dict, "small"), ==, 3);
  g_assert_true (sc_dict_bool (dict, "on"));
  g_assert_false (sc_dict_bool (dict, "other"));
}

int
main (int argc, char **argv)
{
  static const char *const plain[] = { "a b/é", "a b/é" };
  static const char *const escape[] = { "a\033[31mb", "a\\x1b[31mb" };
  static const char *const newline[] = { "a\nb", "a\\x0ab" };
  static const char *const broken[] = { "a\xff"
                                        "b",
                                        "a\\xffb" };
  static const char *const bidi[] = { "a\xe2\x80\xae"
                                      "b",
                                      "a\\xe2\\x80\\xaeb" };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/printer/table/aligns-columns", test_table_aligns_columns);
  g_test_add_func ("/printer/table/counts-characters", test_table_counts_characters);
  g_test_add_func ("/printer/table/quiet-is-first-column", test_table_quiet_is_first_column);
  g_test_add_data_func ("/printer/safe-text/plain", plain, test_safe_text_escapes);
  g_test_add_data_func ("/printer/safe-text/escape", escape, test_safe_text_escapes);
  g_test_add_data_func ("/printer/safe-text/newline", newline, test_safe_text_escapes);
  g_test_add_data_func ("/printer/safe-text/broken", broken, test_safe_text_escapes);
  g_test_add_data_func ("/printer/safe-text/bidi", bidi, test_safe_text_escapes);
  g_test_add_func ("/printer/short-digest/twelve-digits", test_short_digest);
  g_test_add_func ("/printer/dict/reads-members", test_dict_reads_members);
  return g_test_run ();
}
