/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Image configs: what is taken from one, and what makes one invalid.
 */
#include "base/sc-error-util.h"
#include "image/sc-image-config.h"

#include <string.h>

#define SHA_A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

#define ROOTFS       "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" SHA_A "\"]}"
#define HEAD         "{\"os\":\"linux\",\"architecture\":\"amd64\","
#define CONFIG(keys) HEAD "\"config\":{" keys "}," ROOTFS "}"

static ScImageConfig *
parse (const char *text, guint n_layers, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return sc_image_config_parse (bytes, n_layers, error);
}

static void
assert_strv (char **actual, const char *joined)
{
  g_autofree char *text = actual != NULL ? g_strjoinv ("|", actual) : NULL;

  g_assert_cmpstr (text, ==, joined);
}

static void
test_parse_reads_everything (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImageConfig) config
      = parse ("{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\",\"created\":\"2024-"
               "02-29T12:00:01.5Z\",\"config\":{"
               "\"Entrypoint\":[\"/bin/a\",\"b "
               "c\"],\"Cmd\":[\"d\"],\"Env\":[\"A=1\",\"B=x=y\",\"C=\"],\"WorkingDir\":\"/srv/a\","
               "\"User\":\"web:www\",\"StopSignal\":\"SIGRTMIN+3\",\"Volumes\":{\"/"
               "data\":{}},\"ExposedPorts\":{\"80/tcp\":{}},"
               "\"Labels\":{\"l\":\"m\",\"n\":null},\"OnBuild\":null},"
               "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" SHA_A "\",\"" SHA_B
               "\"]},\"history\":[{}]}",
               2, &error);

  g_assert_no_error (error);
  g_autofree char *platform = sc_platform_to_text (config->platform);
  g_assert_cmpstr (platform, ==, "linux/arm/v7");
  g_assert_cmpint (config->created_usec, ==, 1709208001500000);
  assert_strv (config->entrypoint, "/bin/a|b c");
  assert_strv (config->cmd, "d");
  assert_strv (config->env, "A=1|B=x=y|C=");
  g_assert_cmpstr (config->working_dir, ==, "/srv/a");
  g_assert_cmpstr (config->user, ==, "web:www");
  g_assert_cmpstr (config->stop_signal, ==, "SIGRTMIN+3");
  assert_strv (config->volumes, "/data");
  assert_strv (config->exposed_ports, "80/tcp");
  g_assert_cmpuint (g_hash_table_size (config->labels), ==, 2);
  g_assert_cmpstr (g_hash_table_lookup (config->labels, "l"), ==, "m");
  g_assert_cmpstr (g_hash_table_lookup (config->labels, "n"), ==, "");
  assert_strv (config->diff_ids, SHA_A "|" SHA_B);
}

static void
test_parse_reads_almost_nothing (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImageConfig) config = parse (HEAD ROOTFS "}", 1, &error);

  g_assert_no_error (error);
  g_assert_cmpint (config->created_usec, ==, 0);
  g_assert_null (config->entrypoint);
  g_assert_null (config->working_dir);
  g_assert_null (config->user);
  g_assert_null (config->volumes);
  g_assert_cmpuint (g_hash_table_size (config->labels), ==, 0);
}

typedef struct
{
  const char *name;
  const char *keys;
  gsize offset; /* of the member that is compared */
  const char *expected;
} Accepted;

#define MEMBER(name) G_STRUCT_OFFSET (ScImageConfig, name)

static const Accepted accepted[] = {
  { "working-dir-root", "\"WorkingDir\":\"/\"", MEMBER (working_dir), "/" },
  { "working-dir-with-slash", "\"WorkingDir\":\"/a/b/\"", MEMBER (working_dir), "/a/b" },
  { "working-dir-empty", "\"WorkingDir\":\"\"", MEMBER (working_dir), NULL },
  { "working-dir-that-begins-alike", "\"WorkingDir\":\"/process\"", MEMBER (working_dir),
    "/process" },
  { "user-number", "\"User\":\"1001\"", MEMBER (user), "1001" },
  { "user-numbers", "\"User\":\"0:0\"", MEMBER (user), "0:0" },
  { "user-highest", "\"User\":\"2147483647\"", MEMBER (user), "2147483647" },
  { "user-name", "\"User\":\"_web-1.x\"", MEMBER (user), "_web-1.x" },
  { "user-machine-account", "\"User\":\"host$\"", MEMBER (user), "host$" },
  { "user-empty", "\"User\":\"\"", MEMBER (user), NULL },
  { "signal-number", "\"StopSignal\":\"15\"", MEMBER (stop_signal), "15" },
  { "signal-highest", "\"StopSignal\":\"64\"", MEMBER (stop_signal), "64" },
  { "signal-short", "\"StopSignal\":\"TERM\"", MEMBER (stop_signal), "TERM" },
  { "signal-with-digit", "\"StopSignal\":\"SIGUSR1\"", MEMBER (stop_signal), "SIGUSR1" },
  { "signal-from-last", "\"StopSignal\":\"SIGRTMAX-1\"", MEMBER (stop_signal), "SIGRTMAX-1" },
  { "signal-null", "\"StopSignal\":null", MEMBER (stop_signal), NULL },
};

static void
test_parse_accepts (gconstpointer data)
{
  const Accepted *row = data;
  g_autofree char *text = g_strdup_printf (CONFIG ("%s"), row->keys);
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImageConfig) config = parse (text, 1, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (G_STRUCT_MEMBER (char *, config, row->offset), ==, row->expected);
}

/* MJ12: what is data only stays as it is */
static void
test_parse_keeps_words (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImageConfig) config = parse (
      CONFIG ("\"Env\":[\"A=b\\nExecStart=/x\"],\"Entrypoint\":[\"/a\\n%h\",\"$(x)\"],\"Cmd\":[]"),
      1, &error);

  g_assert_no_error (error);
  assert_strv (config->env, "A=b\nExecStart=/x");
  assert_strv (config->entrypoint, "/a\n%h|$(x)");
  assert_strv (config->cmd, "");
}

static void
test_parse_ignores_odd_dates (void)
{
  const char *const dates[]
      = { "\"yesterday\"", "\"0001-01-01T00:00:00Z\"", "\"\"", "\"2024-01-01\"", "null" };

  for (gsize i = 0; i < G_N_ELEMENTS (dates); i++)
    {
      g_autofree char *text = g_strdup_printf (HEAD "\"created\":%s," ROOTFS "}", dates[i]);
      g_autoptr (GError) error = NULL;
      g_autoptr (ScImageConfig) config = parse (text, 1, &error);

      g_assert_no_error (error);
      g_assert_cmpint (config->created_usec, ==, 0);
    }
}

typedef struct
{
  const char *name;
  const char *text;
  const char *fault; /* in the message */
} Invalid;

static const Invalid invalid[] = {
  /* MJ02, MJ06 */
  { "nothing", "", "" },
  { "array", "[]", "object" },
  { "null", "null", "object" },
  { "os-twice", "{\"os\":\"linux\",\"os\":\"linux\",\"architecture\":\"amd64\"," ROOTFS "}", "os" },
  { "os-missing", "{\"architecture\":\"amd64\"," ROOTFS "}", "os" },
  { "architecture-missing", "{\"os\":\"linux\"," ROOTFS "}", "architecture" },
  { "os-number", "{\"os\":1,\"architecture\":\"amd64\"," ROOTFS "}", "\"os\"" },
  { "config-is-text", HEAD "\"config\":\"x\"," ROOTFS "}", "\"config\"" },
  /* MJ11 */
  { "rootfs-missing", HEAD "\"config\":{}}", "rootfs" },
  { "rootfs-of-another-type", HEAD "\"rootfs\":{\"type\":\"x\",\"diff_ids\":[\"" SHA_A "\"]}}",
    "rootfs.type \"x\"" },
  { "rootfs-without-type", HEAD "\"rootfs\":{\"diff_ids\":[\"" SHA_A "\"]}}", "rootfs.type" },
  { "diff-ids-missing", HEAD "\"rootfs\":{\"type\":\"layers\"}}", "0 layers" },
  { "too-many-diff-ids",
    HEAD "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"" SHA_A "\",\"" SHA_B "\"]}}",
    "2 layers, but the manifest has 1" },
  { "diff-id-is-path", HEAD "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:../x\"]}}",
    "diff_id \"sha256:../x\"" },
  { "diff-id-is-number", HEAD "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[1]}}",
    "\"diff_ids\"" },
  /* MJ12 */
  { "working-dir-relative", CONFIG ("\"WorkingDir\":\"../../..\""), "WorkingDir \"../../..\"" },
  { "working-dir-parent", CONFIG ("\"WorkingDir\":\"/a/../b\""), "WorkingDir" },
  { "working-dir-dot", CONFIG ("\"WorkingDir\":\"/a/./b\""), "WorkingDir" },
  { "working-dir-empty-component", CONFIG ("\"WorkingDir\":\"/a//b\""), "WorkingDir" },
  { "working-dir-of-descriptor", CONFIG ("\"WorkingDir\":\"/proc/self/fd/8\""),
    "WorkingDir \"/proc/self/fd/8\"" },
  { "working-dir-proc", CONFIG ("\"WorkingDir\":\"/proc/\""), "WorkingDir" },
  { "working-dir-hidden-proc", CONFIG ("\"WorkingDir\":\"//proc/self\""), "WorkingDir" },
  { "working-dir-sys", CONFIG ("\"WorkingDir\":\"/sys/fs\""), "WorkingDir" },
  { "working-dir-dev", CONFIG ("\"WorkingDir\":\"/dev\""), "WorkingDir" },
  { "working-dir-with-control", CONFIG ("\"WorkingDir\":\"/a\\nb\""), "WorkingDir \"/a\\x0ab\"" },
  { "user-too-high", CONFIG ("\"User\":\"4294967296\""), "User \"4294967296\"" },
  { "user-that-overflows", CONFIG ("\"User\":\"2147483648\""), "User" },
  { "user-negative", CONFIG ("\"User\":\"-1\""), "User \"-1\"" },
  { "user-and-more", CONFIG ("\"User\":\"0:0;\""), "User \"0:0;\"" },
  { "user-of-three-parts", CONFIG ("\"User\":\"0:0:0\""), "User" },
  { "user-without-user", CONFIG ("\"User\":\":0\""), "User" },
  { "user-without-group", CONFIG ("\"User\":\"0:\""), "User" },
  { "group-too-high", CONFIG ("\"User\":\"0:4294967295\""), "User" },
  { "user-with-space", CONFIG ("\"User\":\"a b\""), "User" },
  { "user-with-newline", CONFIG ("\"User\":\"a\\nb\""), "User" },
  { "user-with-slash", CONFIG ("\"User\":\"../a\""), "User" },
  { "user-is-number", CONFIG ("\"User\":0"), "\"User\"" },
  { "signal-too-high", CONFIG ("\"StopSignal\":\"9999\""), "StopSignal \"9999\"" },
  { "signal-zero", CONFIG ("\"StopSignal\":\"0\""), "StopSignal" },
  { "signal-negative", CONFIG ("\"StopSignal\":\"-9\""), "StopSignal" },
  { "signal-with-newline", CONFIG ("\"StopSignal\":\"TERM\\nx\""), "StopSignal" },
  { "signal-lower-case", CONFIG ("\"StopSignal\":\"term\""), "StopSignal" },
  { "signal-without-offset", CONFIG ("\"StopSignal\":\"SIGRTMIN+\""), "StopSignal" },
  { "volume-root", CONFIG ("\"Volumes\":{\"/\":{}}"), "Volumes \"/\"" },
  { "volume-parent", CONFIG ("\"Volumes\":{\"/../etc\":{}}"), "Volumes \"/../etc\"" },
  { "volume-relative", CONFIG ("\"Volumes\":{\"data\":{}}"), "Volumes" },
  { "volume-with-newline", CONFIG ("\"Volumes\":{\"/a\\nb\":{}}"), "Volumes" },
  { "volumes-list", CONFIG ("\"Volumes\":[\"/data\"]"), "\"Volumes\"" },
  { "env-without-value", CONFIG ("\"Env\":[\"A\"]"), "Env \"A\"" },
  { "env-without-name", CONFIG ("\"Env\":[\"=A\"]"), "Env" },
  { "env-number", CONFIG ("\"Env\":[1]"), "\"Env\"" },
  { "entrypoint-text", CONFIG ("\"Entrypoint\":\"/bin/sh\""), "\"Entrypoint\"" },
  { "cmd-nested", CONFIG ("\"Cmd\":[[\"a\"]]"), "\"Cmd\"" },
  { "label-number", CONFIG ("\"Labels\":{\"a\":1}"), "Labels: \"a\"" },
  { "label-twice", CONFIG ("\"Labels\":{\"a\":\"1\",\"\\u0061\":\"2\"}"), "" },
  { "label-with-nul", CONFIG ("\"Labels\":{\"a\":\"x\\u0000y\"}"), "" },
};

static void
test_parse_refuses (gconstpointer data)
{
  const Invalid *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImageConfig) config = parse (row->text, 1, &error);

  g_assert_null (config);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  g_assert_nonnull (strstr (error->message, row->fault));
}

/* MJ13 */
static void
test_parse_limits_labels (void)
{
  g_autoptr (GString) text = g_string_new (HEAD ROOTFS ",\"config\":{\"Labels\":{");
  for (guint i = 0; i < 100000; i++)
    g_string_append_printf (text, "%s\"l%u\":\"\"", i > 0 ? "," : "", i);
  g_string_append (text, "}}}");
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImageConfig) config = parse (text->str, 1, &error);

  g_assert_null (config);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

/* MJ11 */
static void
test_parse_limits_bytes (void)
{
  g_autofree char *space = g_strnfill (SC_IMAGE_CONFIG_MAX_BYTES, ' ');
  g_autofree char *text = g_strconcat (space, HEAD ROOTFS "}", NULL);
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImageConfig) config = parse (text, 1, &error);

  g_assert_null (config);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

static void
test_parse_health (void)
{
  g_autoptr (ScImageConfig) shell = parse (
      CONFIG ("\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"a | b\"],\"Interval\":5000000000,"
              "\"Timeout\":1500000,\"Retries\":3}"),
      1, NULL);
  g_autoptr (ScImageConfig) none
      = parse (CONFIG ("\"Healthcheck\":{\"Test\":[\"NONE\"]}"), 1, NULL);
  g_autoptr (ScImageConfig) inherited = parse (CONFIG ("\"Healthcheck\":{\"Test\":[]}"), 1, NULL);

  g_autofree char *words = g_strjoinv ("|", shell->health.command);
  g_assert_cmpstr (words, ==, "/bin/sh|-c|a | b");
  g_assert_cmpint (shell->health.interval_usec, ==, 5 * G_USEC_PER_SEC);
  g_assert_cmpint (shell->health.timeout_usec, ==, 1500);
  g_assert_cmpuint (shell->health.retries, ==, 3);
  g_assert_true (none->health.is_off);
  g_assert_null (inherited->health.command);
  g_assert_false (inherited->health.is_off);
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

  g_test_add_func ("/image-config/parse/reads-everything", test_parse_reads_everything);
  g_test_add_func ("/image-config/parse/reads-almost-nothing", test_parse_reads_almost_nothing);
  ADD_ROWS (accepted, "/image-config/parse/accepts-", test_parse_accepts);
  g_test_add_func ("/image-config/parse/keeps-words", test_parse_keeps_words);
  g_test_add_func ("/image-config/parse/ignores-odd-dates", test_parse_ignores_odd_dates);
  ADD_ROWS (invalid, "/image-config/parse/refuses-", test_parse_refuses);
  g_test_add_func ("/image-config/parse/health", test_parse_health);
  g_test_add_func ("/image-config/parse/limits-labels", test_parse_limits_labels);
  g_test_add_func ("/image-config/parse/limits-bytes", test_parse_limits_bytes);

  return g_test_run ();
}
