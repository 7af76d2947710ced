/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-template.h"

#include "base/sc-error-util.h"

#include <string.h>

typedef struct
{
  const char *name;
  const char *text;
  const char *expected; /* output, or part of the message */
  ScTemplateContext context;
  int code; /* -1: succeeds */
} Row;

#define OK (-1)

static ScValues *
make_values (void)
{
  ScValues *values = sc_values_new ();
  sc_values_set (values, "NAME", "etcd", SC_VALUE_BUILTIN);
  sc_values_set (values, "name", "lower", SC_VALUE_DEFAULT);
  sc_values_set (values, "EMPTY", "", SC_VALUE_DEFAULT);
  sc_values_set (values, "QUOTED", "a\"b\\c", SC_VALUE_SET);
  sc_values_set (values, "BREAKOUT", "\",\"root\":\"x", SC_VALUE_SET);
  sc_values_set (values, "MOUNTS", ",\n\t{\"a\": [\"}\"]}", SC_VALUE_SET);
  sc_values_set (values, "OPEN_STRING", "\"", SC_VALUE_SET);
  sc_values_set (values, "CLOSER", "]}, {[", SC_VALUE_SET);
  sc_values_set (values, "PERCENT", "100%", SC_VALUE_SET);
  sc_values_set (values, "DEFAULT_PERCENT", "%h", SC_VALUE_DEFAULT);
  sc_values_set (values, "CONTINUED", "x\\", SC_VALUE_SET);
  sc_values_set (values, "LINES", "a\nExecStart=/x", SC_VALUE_SET);
  sc_values_set (values, "ESCAPE", "a\033b", SC_VALUE_SET);
  sc_values_set (values, "SEPARATOR",
                 "a\xe2\x80\xa8"
                 "b",
                 SC_VALUE_DEFAULT);
  sc_values_set (values, "LATIN1", "\xe9", SC_VALUE_DEFAULT);
  sc_values_set (values, "NESTED", "$NAME", SC_VALUE_SET);
  return values;
}

static const Row rows[] = {
  { "plain", "a b\n", "a b\n", SC_TEMPLATE_TEXT, OK },
  { "empty", "", "", SC_TEMPLATE_TEXT, OK },
  { "name", "x=$NAME;", "x=etcd;", SC_TEMPLATE_TEXT, OK },
  { "braces", "${NAME}ctl", "etcdctl", SC_TEMPLATE_TEXT, OK },
  { "longest-match", "$NAMEX", "''NAMEX''", SC_TEMPLATE_TEXT, SYSCONT_ERROR_VALUE_MISSING },
  { "case-sensitive", "$name$NAME", "loweretcd", SC_TEMPLATE_TEXT, OK },
  { "dollar", "exec $$@ $$$NAME", "exec $@ $etcd", SC_TEMPLATE_TEXT, OK },
  { "at-end", "[$NAME", "[etcd", SC_TEMPLATE_TEXT, OK },
  { "single-pass", "$NESTED", "$NAME", SC_TEMPLATE_TEXT, OK },
  { "empty-value", "a${EMPTY}b", "ab", SC_TEMPLATE_TEXT, OK },
  { "missing-names-line", "a\nb\n $MISSING",
    "line 3: still contains an unreplaced value for: ''MISSING''", SC_TEMPLATE_TEXT,
    SYSCONT_ERROR_VALUE_MISSING },
  { "dollar-paren", "\n$(x)", "file: line 2: ", SC_TEMPLATE_TEXT, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "dollar-digit", "$1", "line 1", SC_TEMPLATE_TEXT, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "dollar-last", "a$", "line 1", SC_TEMPLATE_TEXT, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "dash-in-braces", "${A-b}", "line 1", SC_TEMPLATE_TEXT, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "open-brace", "${NAME", "line 1", SC_TEMPLATE_TEXT, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "empty-braces", "${}", "line 1", SC_TEMPLATE_TEXT, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "not-utf8", "a\n\xff", "line 2: not UTF-8", SC_TEMPLATE_TEXT, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "value-not-utf8", "$LATIN1", "not UTF-8", SC_TEMPLATE_TEXT, SYSCONT_ERROR_TEMPLATE_INVALID },
  /* TH09 */
  { "text-newline", "$LINES", "\"LINES\" has a control", SC_TEMPLATE_TEXT,
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "unit-newline", "$LINES", "\"LINES\" has a control", SC_TEMPLATE_UNIT,
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "unit-escape", "$ESCAPE", "\"ESCAPE\" has a control", SC_TEMPLATE_UNIT,
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "unit-separator", "$SEPARATOR", "control", SC_TEMPLATE_UNIT, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "tmpfiles-newline", "$LINES", "control", SC_TEMPLATE_TMPFILES, SYSCONT_ERROR_TEMPLATE_INVALID },
  { "unit-percent", "$PERCENT", "100%%", SC_TEMPLATE_UNIT, OK },
  { "unit-percent-of-image", "$DEFAULT_PERCENT", "%h", SC_TEMPLATE_UNIT, OK },
  { "tmpfiles-percent", "$PERCENT", "100%%", SC_TEMPLATE_TMPFILES, OK },
  { "text-percent", "$PERCENT", "100%", SC_TEMPLATE_TEXT, OK },
  { "unit-continued", "$CONTINUED\n", "backslash", SC_TEMPLATE_UNIT,
    SYSCONT_ERROR_TEMPLATE_INVALID },
  /* TH13 */
  { "json-string", "\"$QUOTED\"", "\"a\\\"b\\\\c\"", SC_TEMPLATE_JSON, OK },
  { "json-breakout", "{\"a\":\"$BREAKOUT\"}", "{\"a\":\"\\\",\\\"root\\\":\\\"x\"}",
    SC_TEMPLATE_JSON, OK },
  { "json-raw", "[1$MOUNTS]", "[1,\n\t{\"a\": [\"}\"]}]", SC_TEMPLATE_JSON, OK },
  { "json-raw-in-string", "\"$MOUNTS\"", "control", SC_TEMPLATE_JSON,
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "json-escaped-quote", "\"\\\"$QUOTED\"", "\"\\\"a\\\"b\\\\c\"", SC_TEMPLATE_JSON, OK },
  { "json-escaped-backslash", "\"\\\\\"$MOUNTS", "\"\\\\\",\n\t{\"a\": [\"}\"]}", SC_TEMPLATE_JSON,
    OK },
  { "json-backslash-variable", "\"\\$NAME\"", "backslash", SC_TEMPLATE_JSON,
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "json-open-string", "[$OPEN_STRING\"]", "bracket open", SC_TEMPLATE_JSON,
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "json-closing-bracket", "{[$CLOSER]}", "bracket open", SC_TEMPLATE_JSON,
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "json-dollar-in-string", "\"$$HOME\"", "\"$HOME\"", SC_TEMPLATE_JSON, OK },
};

static void
test_expand (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScValues) values = make_values ();
  g_autoptr (GBytes) text = g_bytes_new_static (row->text, strlen (row->text));

  g_autofree char *out = sc_template_expand ("file", text, row->context, values, &error);

  if (row->code == OK)
    {
      g_assert_no_error (error);
      g_assert_cmpstr (out, ==, row->expected);
      return;
    }
  g_assert_null (out);
  g_assert_error (error, SYSCONT_ERROR, row->code);
  g_assert_true (g_str_has_prefix (error->message, "file: "));
  g_assert_nonnull (strstr (error->message, row->expected));
}

/* TH20 */
static void
test_expand_nul_is_seen (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScValues) values = make_values ();
  g_autoptr (GBytes) text = g_bytes_new_static ("a\nb\0c", 5);

  g_assert_null (sc_template_expand ("unit", text, SC_TEMPLATE_UNIT, values, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
  g_assert_cmpstr (error->message, ==, "unit: line 2: a NUL byte");
}

static void
test_expand_too_large (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScValues) values = make_values ();
  gsize size = SC_TEMPLATE_MAX_BYTES + 1;
  g_autoptr (GBytes) text = g_bytes_new_take (g_strnfill (size, 'x'), size);

  g_assert_null (sc_template_expand ("unit", text, SC_TEMPLATE_JSON, values, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

static void
test_expand_grows_too_large (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScValues) values = make_values ();
  g_autofree char *value = g_strnfill (60000, 'x');
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < 100000; i++)
    g_string_append (text, "$BIG\n");
  g_autoptr (GBytes) bytes = g_bytes_new (text->str, text->len);
  sc_values_set (values, "BIG", value, SC_VALUE_SET);

  g_assert_null (sc_template_expand ("config", bytes, SC_TEMPLATE_JSON, values, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

static void
test_variables_sorted_once (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = g_bytes_new_static ("$B ${A} $B $$C", 14);

  g_auto (GStrv) names = sc_template_variables ("unit", text, &error);

  g_assert_no_error (error);
  g_autofree char *joined = g_strjoinv (",", names);
  g_assert_cmpstr (joined, ==, "A,B");
}

static void
test_variables_invalid_names_file (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) text = g_bytes_new_static ("$-", 2);

  g_assert_null (sc_template_variables ("unit", text, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
  g_assert_true (g_str_has_prefix (error->message, "unit: line 1"));
}

static void
test_values_last_wins (void)
{
  g_autoptr (ScValues) values = sc_values_new ();

  sc_values_set (values, "B", "1", SC_VALUE_BUILTIN);
  sc_values_set (values, "A", "x", SC_VALUE_SET);
  sc_values_set (values, "B", "2", SC_VALUE_SET);

  g_autofree const char **names = sc_values_names (values);
  g_assert_cmpstr (names[0], ==, "A");
  g_assert_cmpstr (names[1], ==, "B");
  g_assert_null (names[2]);
  g_assert_cmpstr (sc_values_get (values, "B"), ==, "2");
  g_assert_null (sc_values_get (values, "C"));
}

static void
test_values_name_is_valid (void)
{
  g_autofree char *longest = g_strnfill (255, 'A');
  g_autofree char *too_long = g_strnfill (256, 'A');

  g_assert_true (sc_values_name_is_valid ("_a9"));
  g_assert_true (sc_values_name_is_valid (longest));
  g_assert_false (sc_values_name_is_valid (too_long));
  g_assert_false (sc_values_name_is_valid (""));
  g_assert_false (sc_values_name_is_valid ("9A"));
  g_assert_false (sc_values_name_is_valid ("A-B"));
  g_assert_false (sc_values_name_is_valid ("\xc3\xa9"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/template/expand/%s", rows[i].name);
      g_test_add_data_func (path, &rows[i], test_expand);
    }
  g_test_add_func ("/template/expand/nul-is-seen", test_expand_nul_is_seen);
  g_test_add_func ("/template/expand/too-large", test_expand_too_large);
  g_test_add_func ("/template/expand/grows-too-large", test_expand_grows_too_large);
  g_test_add_func ("/template/variables/sorted-once", test_variables_sorted_once);
  g_test_add_func ("/template/variables/invalid-names-file", test_variables_invalid_names_file);
  g_test_add_func ("/template/values/last-wins", test_values_last_wins);
  g_test_add_func ("/template/values/name-is-valid", test_values_name_is_valid);
  return g_test_run ();
}
