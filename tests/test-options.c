/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-error-util.h"
#include "service/sc-options.h"

#include <string.h>

static const ScOptionSpec specs[] = {
  { "no-queue", "b" },   { "platform", "s" }, { "names", "as" },
  { "values", "a{ss}" }, { NULL, NULL },
};

static ScOptions *
parse (const char *text, GError **error)
{
  g_autoptr (GVariant) dictionary
      = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, NULL);

  g_assert_nonnull (dictionary);
  return sc_options_parse ("Pull", specs, dictionary, error);
}

typedef struct
{
  const char *name;
  const char *text;
  const char *message; /* what the error must name */
} Refusal;

/* DB10 */
static const Refusal refusals[] = {
  { "unknown-key", "{'force': <true>}", "\"force\"" },
  { "empty-key", "{'': <true>}", "\"\"" },
  { "other-case", "{'No-Queue': <true>}", "\"No-Queue\"" },
  { "control-characters-are-escaped", "{'a\\nb': <true>}", "a\\x0ab" },
  { "string-for-boolean", "{'no-queue': <'yes'>}", "\"no-queue\"" },
  { "number-for-boolean", "{'no-queue': <1>}", "\"no-queue\"" },
  { "variant-for-string", "{'platform': <<'linux/amd64'>>}", "\"platform\"" },
  { "array-for-string", "{'platform': <['a']>}", "\"platform\"" },
  { "string-for-array", "{'names': <'a'>}", "\"names\"" },
  { "vardict-for-map", "{'values': <{'a': <'b'>}>}", "\"values\"" },
  { "key-twice", "{'no-queue': <true>, 'no-queue': <false>}", "\"no-queue\"" },
  { "known-and-unknown", "{'no-queue': <true>, 'x': <1>}", "\"x\"" },
};

static void
test_parse_refuses (gconstpointer data)
{
  const Refusal *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (ScOptions) options = parse (row->text, &error);

  g_assert_null (options);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, row->message));
  g_assert_nonnull (strstr (error->message, "Pull"));
}

static void
test_parse_keeps_values (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScOptions) options
      = parse ("{'no-queue': <true>, 'platform': <'linux/arm64'>, 'names': <['a', 'b']>}", &error);

  g_assert_no_error (error);
  g_assert_true (sc_options_get_bool (options, "no-queue", FALSE));
  g_assert_cmpstr (sc_options_get_string (options, "platform"), ==, "linux/arm64");
  g_autofree const char **names = sc_options_get_strv (options, "names");
  g_assert_cmpstr (names[1], ==, "b");
}

static void
test_parse_false_is_not_absent (void)
{
  g_autoptr (ScOptions) options = parse ("{'no-queue': <false>}", NULL);

  g_assert_false (sc_options_get_bool (options, "no-queue", TRUE));
}

static void
test_get_absent_is_fallback (void)
{
  g_autoptr (ScOptions) options = parse ("{}", NULL);
  GHashTable *map = (GHashTable *)specs;

  g_assert_true (sc_options_get_bool (options, "no-queue", TRUE));
  g_assert_null (sc_options_get_string (options, "platform"));
  g_assert_null (sc_options_get_strv (options, "names"));
  g_assert_true (sc_options_get_map (options, "values", &map, NULL));
  g_assert_null (map);
}

static void
test_get_map_keeps_values (void)
{
  g_autoptr (ScOptions) options = parse ("{'values': <{'A': '1', 'B': ''}>}", NULL);
  g_autoptr (GHashTable) map = NULL;

  g_assert_true (sc_options_get_map (options, "values", &map, NULL));

  g_assert_cmpuint (g_hash_table_size (map), ==, 2);
  g_assert_cmpstr (g_hash_table_lookup (map, "A"), ==, "1");
  g_assert_cmpstr (g_hash_table_lookup (map, "B"), ==, "");
}

static void
test_get_map_refuses_name_twice (void)
{
  g_autoptr (ScOptions) options = parse ("{'values': <{'A': '1', 'A': '2'}>}", NULL);
  g_autoptr (GHashTable) map = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_options_get_map (options, "values", &map, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "\"A\""));
  g_assert_null (map);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat ("/options/parse/refuses-", refusals[i].name, NULL);
      g_test_add_data_func (path, &refusals[i], test_parse_refuses);
    }
  g_test_add_func ("/options/parse/keeps-values", test_parse_keeps_values);
  g_test_add_func ("/options/parse/false-is-not-absent", test_parse_false_is_not_absent);
  g_test_add_func ("/options/get/absent-is-fallback", test_get_absent_is_fallback);
  g_test_add_func ("/options/get-map/keeps-values", test_get_map_keeps_values);
  g_test_add_func ("/options/get-map/refuses-name-twice", test_get_map_refuses_name_twice);
  return g_test_run ();
}
