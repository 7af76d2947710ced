/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Platforms: their text, and which image is the best for one.
 */
#include "base/sc-error-util.h"
#include "image/sc-platform.h"

#include <string.h>

static void
test_parse_reads_all_parts (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScPlatform) platform = sc_platform_parse ("linux/arm/v7", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (platform->os, ==, "linux");
  g_assert_cmpstr (platform->architecture, ==, "arm");
  g_assert_cmpstr (platform->variant, ==, "v7");
}

static void
test_parse_without_variant (void)
{
  g_autoptr (ScPlatform) platform = sc_platform_parse ("linux/amd64", NULL);

  g_assert_null (platform->variant);
}

typedef struct
{
  const char *name;
  const char *text;
} Invalid;

static const Invalid invalid[] = {
  { "empty", "" },
  { "one-part", "linux" },
  { "four-parts", "linux/arm/v7/x" },
  { "empty-os", "/amd64" },
  { "empty-architecture", "linux/" },
  { "empty-variant", "linux/arm/" },
  { "upper-case", "Linux/amd64" },
  { "space", "linux/amd 64" },
  { "newline", "linux/amd64\n" },
  { "too-long", "linux/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
};

static void
test_parse_refuses (gconstpointer data)
{
  const Invalid *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (ScPlatform) platform = sc_platform_parse (row->text, &error);

  g_assert_null (platform);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_autofree char *shown = sc_text_escape (row->text);
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", shown);
  g_assert_true (g_str_has_prefix (error->message, quoted));
}

static void
test_to_text_is_what_was_parsed (void)
{
  const char *const texts[] = { "linux/amd64", "linux/arm64/v8" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (ScPlatform) platform = sc_platform_parse (texts[i], NULL);
      g_autofree char *text = sc_platform_to_text (platform);

      g_assert_cmpstr (text, ==, texts[i]);
    }
}

static void
test_host_runs_its_own_images (void)
{
  g_autoptr (ScPlatform) host = sc_platform_host ();

  g_assert_cmpstr (host->os, ==, "linux");
  g_assert_cmpuint (sc_platform_rank (host, host), >, 0);
#if defined(__x86_64__)
  g_assert_cmpstr (host->architecture, ==, "amd64");
#elif defined(__aarch64__)
  g_assert_cmpstr (host->architecture, ==, "arm64");
#endif
}

/* @better runs at least as well as @worse; NULL is an image that does not run. */
typedef struct
{
  const char *name;
  const char *want;
  const char *better;
  const char *worse;
} Ranking;

static const Ranking rankings[] = {
  { "another-system", "linux/amd64", "linux/amd64", "windows/amd64" },
  { "another-architecture", "linux/amd64", "linux/amd64", "linux/arm64" },
  { "32-bit", "linux/amd64", "linux/amd64", "linux/386" },
  { "unknown", "linux/amd64", "linux/amd64", "unknown/unknown" },
  { "arm-exact-before-lower", "linux/arm/v7", "linux/arm/v7", "linux/arm/v6" },
  { "arm-higher-of-two-lower", "linux/arm/v7", "linux/arm/v6", "linux/arm/v5" },
  { "arm-lower-before-higher", "linux/arm/v6", "linux/arm/v5", "linux/arm/v7" },
  { "arm-exact-before-none", "linux/arm/v7", "linux/arm/v7", "linux/arm" },
  { "arm-none-before-lower", "linux/arm/v7", "linux/arm", "linux/arm/v6" },
  { "arm-none-means-v7", "linux/arm", "linux/arm/v7", "linux/arm/v6" },
  { "arm-v6-before-none", "linux/arm/v6", "linux/arm/v6", "linux/arm" },
  { "arm64-exact-before-none", "linux/arm64/v8", "linux/arm64/v8", "linux/arm64" },
  { "arm64-none-means-v8", "linux/arm64", "linux/arm64/v8", "linux/arm64/v9" },
  { "arm64-none-before-higher", "linux/arm64/v8", "linux/arm64", "linux/arm64/v9" },
  { "amd64-none-before-first-level", "linux/amd64", "linux/amd64", "linux/amd64/v1" },
  { "amd64-first-level-before-second", "linux/amd64", "linux/amd64/v1", "linux/amd64/v2" },
  { "amd64-level-before-none", "linux/amd64/v3", "linux/amd64/v2", "linux/amd64" },
  { "variant-that-is-no-level", "linux/arm/v7", "linux/arm/v7", "linux/arm/hf" },
};

static void
test_rank (gconstpointer data)
{
  const Ranking *row = data;
  g_autoptr (ScPlatform) want = sc_platform_parse (row->want, NULL);
  g_autoptr (ScPlatform) better = sc_platform_parse (row->better, NULL);
  g_autoptr (ScPlatform) worse = sc_platform_parse (row->worse, NULL);

  guint high = sc_platform_rank (want, better);
  guint low = sc_platform_rank (want, worse);

  g_assert_cmpuint (high, >, low);
}

static const Ranking not_running[] = {
  { "another-system", "linux/amd64", "windows/amd64", NULL },
  { "another-architecture", "linux/amd64", "linux/arm64", NULL },
  { "32-bit", "linux/amd64", "linux/386", NULL },
  { "unknown", "linux/amd64", "unknown/unknown", NULL },
  { "arm-higher", "linux/arm/v6", "linux/arm/v7", NULL },
  { "arm64-higher", "linux/arm64/v8", "linux/arm64/v9", NULL },
  { "amd64-higher", "linux/amd64", "linux/amd64/v2", NULL },
  { "no-level", "linux/arm/v7", "linux/arm/hf", NULL },
};

static void
test_rank_is_zero (gconstpointer data)
{
  const Ranking *row = data;
  g_autoptr (ScPlatform) want = sc_platform_parse (row->want, NULL);
  g_autoptr (ScPlatform) have = sc_platform_parse (row->better, NULL);

  g_assert_cmpuint (sc_platform_rank (want, have), ==, 0);
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

  g_test_add_func ("/platform/parse/reads-all-parts", test_parse_reads_all_parts);
  g_test_add_func ("/platform/parse/without-variant", test_parse_without_variant);
  ADD_ROWS (invalid, "/platform/parse/refuses-", test_parse_refuses);
  g_test_add_func ("/platform/to-text/is-what-was-parsed", test_to_text_is_what_was_parsed);
  g_test_add_func ("/platform/host/runs-its-own-images", test_host_runs_its_own_images);
  ADD_ROWS (rankings, "/platform/rank/", test_rank);
  ADD_ROWS (not_running, "/platform/rank/is-zero-for-", test_rank_is_zero);

  return g_test_run ();
}
