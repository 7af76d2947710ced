/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Strict JSON. Most of what is refused here json-glib 1.6 accepts: duplicate keys (the last wins),
 * "\u0000" (cuts the string), bytes after the document (ignored), integers beyond 64 bits (become
 * -1 or wrap), hexadecimal and octal numbers, comments, "var x =", an empty document (root NULL),
 * and any depth (until the stack ends).
 */
#include "base/sc-json.h"

#include <string.h>

/* What sc_json_check() must say about a text. */
typedef struct
{
  const char *name;
  const char *text;
  const char *fault; /* in the message; NULL for what is accepted */
} Row;

static const Row rows[] = {
  { "null", "null", NULL },
  { "true", "true", NULL },
  { "number", "0", NULL },
  { "string", "\"x\"", NULL },
  { "empty-array", "[]", NULL },
  { "empty-object", " \t\r\n{ \n } \r\n", NULL },
  { "nested", "{\"a\":[1,{\"b\":null},[]],\"c\":{\"a\":false}}", NULL },
  { "same-key-in-siblings", "[{\"a\":1},{\"a\":2}]", NULL },
  { "empty-key", "{\"\":1}", NULL },
  { "keys-that-differ-in-case", "{\"a\":1,\"A\":2}", NULL },
  { "numbers", "[-1,0.5,-0.0,1e3,1E+2,2e-7,9223372036854775807,-9223372036854775808]", NULL },
  { "escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", NULL },
  { "surrogate-pair", "\"\\ud83d\\uDE00\"", NULL },
  { "delete-character", "\"\x7f\"", NULL },

  /* MJ06: documents that are none */
  { "empty", "", "empty" },
  { "only-space", " \n ", "line 2" },
  { "byte-order-mark", "\xef\xbb\xbf{}", "byte order mark" },
  { "trailing-object", "{}{}", "after the document" },
  { "trailing-word", "{} x", "after the document" },
  { "trailing-comma-after-document", "[],", "after the document" },
  { "line-comment", "{} // x", "after the document" },
  { "block-comment", "/* x */ {}", "unknown value" },
  { "comment-inside", "{\"a\": /* x */ 1}", "unknown value" },
  { "hash-comment", "# x\n{}", "unknown value" },
  { "assignment", "var x = {}", "unknown value" },
  { "not-a-number", "NaN", "unknown value" },
  { "infinity", "-Infinity", "unknown value" },
  { "upper-case-word", "True", "unknown value" },
  { "word-too-long", "nullx", "after the document" },
  { "word-too-short", "tru", "unknown value" },
  { "single-quotes", "{'a':1}", "no key" },
  { "bare-key", "{a:1}", "no key" },
  { "number-key", "{1:1}", "no key" },
  { "no-colon", "{\"a\" 1}", "no colon" },
  { "two-colons", "{\"a\"::1}", "unknown value" },
  { "no-value", "{\"a\":}", "unknown value" },
  { "comma-at-end-of-object", "{\"a\":1,}", "no key" },
  { "comma-at-end-of-array", "[1,]", "unknown value" },
  { "comma-at-start", "[,1]", "unknown value" },
  { "two-commas", "[1,,2]", "unknown value" },
  { "no-comma", "[1 2]", "no comma" },
  { "wrong-end-of-array", "[1}", "no comma" },
  { "wrong-end-of-object", "{\"a\":1]", "no comma" },
  { "end-alone", "]", "unknown value" },
  { "array-without-end", "[1", "no comma" },
  { "object-without-end", "{\"a\":{}", "no comma" },
  { "open-array", "[", "unknown value" },
  { "open-object", "{", "no key" },
  { "vertical-tab-is-no-space", "\v{}", "unknown value" },
  { "no-break-space-is-no-space", "\u00a0{}", "unknown value" },

  /* MJ02 */
  { "same-key", "{\"a\":1,\"a\":1}", "key \"a\" twice" },
  { "same-key-escaped", "{\"a\":1,\n\"\\u0061\":1}", "line 2: key \"a\" twice" },
  { "same-key-below", "[{\"x\":{\"digest\":1,\"digest\":2}}]", "key \"digest\" twice" },
  { "same-key-after-object", "{\"a\":{\"b\":1},\"a\":1}", "key \"a\" twice" },
  { "same-empty-key", "{\"\":1,\"\":1}", "key \"\" twice" },
  { "same-key-as-surrogates", "{\"\U0001f600\":1,\"\\ud83d\\ude00\":1}", "twice" },

  /* MJ05 */
  { "hexadecimal", "0x10", "after the document" },
  { "octal", "010", "leading zero" },
  { "negative-octal", "-010", "leading zero" },
  { "plus", "+1", "unknown value" },
  { "minus-alone", "-", "unknown value" },
  { "minus-space", "- 1", "unknown value" },
  { "minus-zero", "-0", "\"-0\"" },
  { "point-first", ".5", "unknown value" },
  { "point-last", "1.", "after the point" },
  { "exponent-empty", "1e", "exponent" },
  { "exponent-sign-only", "1e+", "exponent" },
  { "exponent-two-signs", "1e+-1", "exponent" },
  { "int64-plus-one", "9223372036854775808", "64 bits" },
  { "int64-minus-one", "-9223372036854775809", "64 bits" },
  { "uint64-plus-one", "18446744073709551616", "64 bits" },
  { "twenty-nines", "99999999999999999999", "64 bits" },
  { "beyond-double", "1e999", "too large" },
  { "digits-of-others", "\u0661", "unknown value" },

  /* strings */
  { "string-without-end", "\"abc", "without an end" },
  { "string-ends-in-backslash", "\"abc\\", "unknown escape" },
  { "escaped-quote-at-end", "\"abc\\\"", "without an end" },
  { "unknown-escape", "\"\\x41\"", "unknown escape" },
  { "newline", "\"a\nb\"", "control character" },
  { "tab", "\"a\tb\"", "control character" },
  { "escaped-nul", "\"x\\u0000y\"", "\\u0000" },
  { "escaped-nul-in-key", "{\"x\\u0000y\":1}", "\\u0000" },
  { "short-unicode", "\"\\u12\"", "four hexadecimal" },
  { "bad-unicode", "\"\\u12g4\"", "four hexadecimal" },
  { "high-surrogate", "\"\\ud83d\"", "unpaired" },
  { "high-surrogate-and-letter", "\"\\ud83dx\"", "unpaired" },
  { "two-high-surrogates", "\"\\ud83d\\ud83d\"", "unpaired" },
  { "high-surrogate-and-escape", "\"\\ud83d\\n\"", "unpaired" },
  { "low-surrogate", "\"\\ude00\"", "unpaired" },
  { "invalid-utf8", "\"a\xff\"", "not UTF-8" },
  { "cut-utf8", "\"\xc3\"", "not UTF-8" },
  { "overlong-utf8", "\"\xc0\xaf\"", "not UTF-8" },
  { "encoded-surrogate", "\"\xed\xa0\x80\"", "not UTF-8" },
  { "utf16", "\xff\xfe{", "not UTF-8" },
};

static void
test_check (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;
  gsize size_bytes = strlen (row->text);
  /* A copy of exactly its size, so that a sanitizer sees one byte too many. */
  g_autofree char *exact = g_memdup2 (row->text, size_bytes);

  gboolean is_accepted = sc_json_check (exact, size_bytes, NULL, &error);

  g_assert_cmpint (is_accepted, ==, row->fault == NULL);
  if (row->fault == NULL)
    {
      g_assert_no_error (error);
      return;
    }
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  if (strstr (error->message, row->fault) == NULL)
    g_test_fail_printf ("\"%s\" does not say \"%s\"", error->message, row->fault);
}

/* What is accepted must mean the same to json-glib. */
static void
test_parse (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (JsonNode) root = sc_json_parse (row->text, strlen (row->text), NULL, &error);

  g_assert_cmpint (root != NULL, ==, row->fault == NULL);
  g_assert_cmpint (error == NULL, ==, row->fault == NULL);
}

static void
test_check_zero_byte (void)
{
  static const char text[] = "[1]\0[2]";
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_json_check (text, sizeof text - 1, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

static void
test_check_null_data (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_json_check (NULL, 0, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

static void
test_check_names_line (void)
{
  static const char text[] = "{\n\n  \"a\": 1,\n  \"b\": 010\n}";
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_json_check (text, strlen (text), NULL, &error));
  g_assert_cmpstr (error->message, ==, "invalid JSON in line 4: number with a leading zero");
}

static char *
repeat (const char *start, const char *text, gsize n, const char *end)
{
  GString *all = g_string_new (start);

  for (gsize i = 0; i < n; i++)
    g_string_append (all, text);
  g_string_append (all, end);
  return g_string_free (all, FALSE);
}

static void
assert_limit (const char *text, const ScJsonLimits *limits, const char *fault)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_json_check (text, strlen (text), limits, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, fault));
}

static void
assert_accepted (const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_json_check (text, strlen (text), NULL, &error));
  g_assert_no_error (error);
}

/* MJ04 */
static void
test_limit_depth (void)
{
  g_autofree char *arrays = repeat ("", "[", 16, "]]]]]]]]]]]]]]]]");
  g_autofree char *objects = repeat ("", "{\"a\":", 16, "1}}}}}}}}}}}}}}}}");
  g_autofree char *too_deep = repeat ("[", arrays, 1, "]");
  g_autofree char *very_deep = repeat ("", "[", 100000, "");

  assert_accepted (arrays);
  assert_accepted (objects);
  assert_limit (too_deep, NULL, "16 levels");
  assert_limit (very_deep, NULL, "16 levels");
}

static void
test_limit_depth_cannot_be_lifted (void)
{
  static const ScJsonLimits no_limits = { G_MAXSIZE, .max_depth = G_MAXUINT,
                                          .max_values = G_MAXUINT, .max_string_bytes = G_MAXSIZE };
  g_autofree char *very_deep = repeat ("", "[", 100000, "");

  assert_limit (very_deep, &no_limits, "256 levels");
}

static void
test_limit_values (void)
{
  g_autofree char *most = repeat ("[1", ",1", 19998, "]");
  g_autofree char *too_many = repeat ("[1", ",1", 19999, "]");
  g_autofree char *million = repeat ("[1", ",{}", 999999, "]");

  assert_accepted (most);
  assert_limit (too_many, NULL, "20000 values");
  assert_limit (million, NULL, "20000 values");
}

static void
test_limit_string (void)
{
  g_autofree char *longest = repeat ("\"", "a", 65536, "\"");
  g_autofree char *longest_escaped = repeat ("\"", "\\u0061", 65536, "\"");
  g_autofree char *too_long = repeat ("\"", "a", 65537, "\"");
  g_autofree char *too_long_escaped = repeat ("\"", "\\n", 65537, "\"");
  g_autofree char *too_long_key = repeat ("{\"", "a", 65537, "\":1}");

  assert_accepted (longest);
  assert_accepted (longest_escaped);
  assert_limit (too_long, NULL, "65536 bytes in a string");
  assert_limit (too_long_escaped, NULL, "65536 bytes in a string");
  assert_limit (too_long_key, NULL, "65536 bytes in a string");
}

static void
test_limit_bytes (void)
{
  static const ScJsonLimits limits
      = { .max_bytes = 4, .max_depth = 4, .max_values = 4, .max_string_bytes = 4 };
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_json_check ("[1] ", 4, &limits, &error));
  g_assert_no_error (error);
  assert_limit ("[1]  ", &limits, "4 bytes");
}

static void
test_limit_number (void)
{
  g_autofree char *longest = repeat ("0.", "1", 62, "");
  g_autofree char *too_long = repeat ("0.", "1", 63, "");

  assert_accepted (longest);
  assert_limit (too_long, NULL, "64 bytes in a number");
}

static void
test_limit_is_fast_for_many_keys (void)
{
  g_autoptr (GString) text = g_string_new ("{");
  gint64 start_usec = g_get_monotonic_time ();

  for (guint i = 0; i < 19000; i++)
    g_string_append_printf (text, "%s\"key %u\":%u", i > 0 ? "," : "", i, i);
  g_string_append_c (text, '}');

  assert_accepted (text->str);
  g_assert_cmpint (g_get_monotonic_time () - start_usec, <, G_USEC_PER_SEC);
}

/* "Ab" and "BA" have one hash, so have all words of them. */
static void
test_limit_keys_that_collide (void)
{
  g_autoptr (GString) text = g_string_new ("{");

  for (guint i = 0; i < 16384; i++)
    {
      g_string_append (text, i > 0 ? ",\"" : "\"");
      for (guint bit = 0; bit < 14; bit++)
        g_string_append (text, (i >> bit) & 1 ? "BA" : "Ab");
      g_string_append (text, "\":1");
    }
  g_string_append_c (text, '}');

  assert_limit (text->str, NULL, "keys of one hash");
}

static void
test_parse_object_refuses_others (void)
{
  const char *const texts[] = { "null", "[]", "\"x\"", "1" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonObject) object
          = sc_json_parse_object (texts[i], strlen (texts[i]), NULL, &error);

      g_assert_null (object);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
    }
}

static void
test_parse_reads_only_the_given_bytes (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (JsonNode) root = sc_json_parse ("123456", 3, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpint (json_node_get_int (root), ==, 123);
}

static JsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = sc_json_parse_object (text, strlen (text), NULL, &error);

  g_assert_no_error (error);
  return object;
}

/* One member "m" of each kind. */
static const char *const members[] = {
  "\"x\"", "{}", "[]", "true", "7", "-7", "1.9", "1e3", "\"12\"", "[\"a\",1]", "[\"a\",null]",
};

static gboolean
get_any (JsonObject *object, const char *kind, GError **error)
{
  const char *string;
  JsonObject *inner;
  JsonArray *array;
  gboolean boolean;
  guint64 number;
  g_auto (GStrv) strv = NULL;

  if (g_str_equal (kind, "string"))
    return sc_json_get_string (object, "m", &string, error);
  if (g_str_equal (kind, "object"))
    return sc_json_get_object (object, "m", &inner, error);
  if (g_str_equal (kind, "array"))
    return sc_json_get_array (object, "m", &array, error);
  if (g_str_equal (kind, "bool"))
    return sc_json_get_bool (object, "m", TRUE, &boolean, error);
  if (g_str_equal (kind, "uint"))
    return sc_json_get_uint (object, "m", 1, &number, error);
  return sc_json_get_strv (object, "m", &strv, error);
}

typedef struct
{
  const char *kind;
  const char *accepted; /* one letter for each of members[] */
} GetterRow;

static const GetterRow getter_rows[] = {
  { "string", "y.......y.." }, { "object", ".y........." }, { "array", "..y......yy" },
  { "bool", "...y......." },   { "uint", "....y......" },   { "strv", "..y........" },
};

static void
test_get (gconstpointer data)
{
  const GetterRow *row = data;

  for (gsize i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *text = g_strdup_printf ("{\"m\":%s}", members[i]);
      g_autoptr (JsonObject) object = parse (text);

      gboolean result = get_any (object, row->kind, &error);

      if (result != (row->accepted[i] == 'y'))
        g_test_fail_printf ("%s", text);
      if (result)
        continue;
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
      g_assert_true (g_str_has_prefix (error->message, "\"m\" is not "));
    }
}

static void
test_get_missing_gives_fallback (void)
{
  const char *const texts[] = { "{}", "{\"m\":null}" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (JsonObject) object = parse (texts[i]);
      const char *string = "x";
      JsonObject *inner = object;
      JsonArray *array = (JsonArray *)object;
      gboolean boolean = FALSE;
      guint64 number = 0;
      char **strv = (char **)object;

      g_assert_true (sc_json_get_string (object, "m", &string, NULL));
      g_assert_true (sc_json_get_object (object, "m", &inner, NULL));
      g_assert_true (sc_json_get_array (object, "m", &array, NULL));
      g_assert_true (sc_json_get_bool (object, "m", TRUE, &boolean, NULL));
      g_assert_true (sc_json_get_uint (object, "m", 42, &number, NULL));
      g_assert_true (sc_json_get_strv (object, "m", &strv, NULL));

      g_assert_null (string);
      g_assert_null (inner);
      g_assert_null (array);
      g_assert_true (boolean);
      g_assert_cmpuint (number, ==, 42);
      g_assert_null (strv);
    }
}

static void
test_get_values (void)
{
  g_autoptr (JsonObject) object
      = parse ("{\"s\":\"x\\ud83d\\ude00\",\"b\":false,\"n\":9223372036854775807,"
               "\"v\":[\"a\",\"\"],\"a\":[1,2],\"o\":{\"k\":1}}");
  const char *string;
  JsonObject *inner;
  JsonArray *array;
  gboolean boolean;
  guint64 number;
  g_auto (GStrv) strv = NULL;

  g_assert_true (sc_json_get_string (object, "s", &string, NULL));
  g_assert_true (sc_json_get_object (object, "o", &inner, NULL));
  g_assert_true (sc_json_get_array (object, "a", &array, NULL));
  g_assert_true (sc_json_get_bool (object, "b", TRUE, &boolean, NULL));
  g_assert_true (sc_json_get_uint (object, "n", 0, &number, NULL));
  g_assert_true (sc_json_get_strv (object, "v", &strv, NULL));

  g_assert_cmpstr (string, ==, "x\U0001f600");
  g_assert_cmpuint (json_object_get_size (inner), ==, 1);
  g_assert_cmpuint (json_array_get_length (array), ==, 2);
  g_assert_false (boolean);
  g_assert_cmpuint (number, ==, G_MAXINT64);
  g_assert_cmpuint (g_strv_length (strv), ==, 2);
  g_assert_cmpstr (strv[0], ==, "a");
}

static void
test_to_text (void)
{
  static const char text[] = "{\"b\":[1,\"x\"],\"a\":null}";
  g_autoptr (JsonNode) root = sc_json_parse (text, strlen (text), NULL, NULL);

  g_autofree char *compact = sc_json_to_text (root, FALSE);
  g_autofree char *pretty = sc_json_to_text (root, TRUE);

  g_assert_cmpstr (compact, ==, text);
  g_assert_true (g_str_has_prefix (pretty, "{\n    \"b\""));
  g_assert_true (g_str_has_suffix (pretty, "\n}\n"));
}

/* json-glib 1.6 alone writes "1e+22.0". */
static void
test_to_text_exponents (void)
{
  static const char text[]
      = "{\"1e+22.0\":[1e+22,-1e+20,1.0,0.5],\"\\\\\":\"a\\\"1e+22.0\",\"t\":true}";
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) root = sc_json_parse (text, strlen (text), NULL, NULL);

  g_autofree char *compact = sc_json_to_text (root, FALSE);
  g_autofree char *pretty = sc_json_to_text (root, TRUE);

  g_assert_cmpstr (compact, ==, text);
  sc_json_check (pretty, strlen (pretty), NULL, &error);
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *check_path = g_strconcat ("/json/check/", rows[i].name, NULL);
      g_autofree char *parse_path = g_strconcat ("/json/parse/", rows[i].name, NULL);
      g_test_add_data_func (check_path, &rows[i], test_check);
      g_test_add_data_func (parse_path, &rows[i], test_parse);
    }
  g_test_add_func ("/json/check/zero-byte", test_check_zero_byte);
  g_test_add_func ("/json/check/null-data", test_check_null_data);
  g_test_add_func ("/json/check/names-line", test_check_names_line);
  g_test_add_func ("/json/limit/depth", test_limit_depth);
  g_test_add_func ("/json/limit/depth-cannot-be-lifted", test_limit_depth_cannot_be_lifted);
  g_test_add_func ("/json/limit/values", test_limit_values);
  g_test_add_func ("/json/limit/string", test_limit_string);
  g_test_add_func ("/json/limit/bytes", test_limit_bytes);
  g_test_add_func ("/json/limit/number", test_limit_number);
  g_test_add_func ("/json/limit/is-fast-for-many-keys", test_limit_is_fast_for_many_keys);
  g_test_add_func ("/json/limit/keys-that-collide", test_limit_keys_that_collide);
  g_test_add_func ("/json/parse-object/refuses-others", test_parse_object_refuses_others);
  g_test_add_func ("/json/parse/reads-only-the-given-bytes", test_parse_reads_only_the_given_bytes);
  for (gsize i = 0; i < G_N_ELEMENTS (getter_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/json/get/", getter_rows[i].kind, NULL);
      g_test_add_data_func (path, &getter_rows[i], test_get);
    }
  g_test_add_func ("/json/get/missing-gives-fallback", test_get_missing_gives_fallback);
  g_test_add_func ("/json/get/values", test_get_values);
  g_test_add_func ("/json/to-text/compact-and-pretty", test_to_text);
  g_test_add_func ("/json/to-text/exponents", test_to_text_exponents);

  return g_test_run ();
}
