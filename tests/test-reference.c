/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of images, and the refs that they become.
 */
#include "base/sc-error-util.h"
#include "image/sc-reference.h"

#include <string.h>

#define HEX    "64a0c7cf6a8ee0b8d5a1e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6"
#define DIGEST "sha256:" HEX
#define X32    "abcdefghijklmnopqrstuvwxyz123456"
#define X128   X32 X32 X32 X32

typedef struct
{
  const char *name;
  const char *text;
  const char *registry;
  const char *repository;
  const char *tag;
  const char *digest;
  const char *ref; /* behind "ociimage/" */
} Valid;

static const Valid valid[] = {
  { "short", "busybox", NULL, "busybox", "latest", NULL, "busybox_3Alatest" },
  { "short-with-tag", "busybox:1.0", NULL, "busybox", "1.0", NULL, "busybox_3A1.0" },
  { "hub", "docker.io/busybox", "docker.io", "library/busybox", "latest", NULL,
    "docker.io_2Fbusybox_3Alatest" },
  { "hub-library", "docker.io/library/busybox", "docker.io", "library/busybox", "latest", NULL,
    "docker.io_2Flibrary_2Fbusybox_3Alatest" },
  { "short-path", "gscrivano/etcd", NULL, "gscrivano/etcd", "latest", NULL,
    "gscrivano_2Fetcd_3Alatest" },
  { "registry", "registry.fedoraproject.org/f27/etcd:latest", "registry.fedoraproject.org",
    "f27/etcd", "latest", NULL, "registry.fedoraproject.org_2Ff27_2Fetcd_3Alatest" },
  { "port", "registry:5000/a_b/c:v1.0-rc1", "registry:5000", "a_b/c", "v1.0-rc1", NULL,
    "registry_3A5000_2Fa_5Fb_2Fc_3Av1.0-rc1" },
  { "port-without-tag", "reg.example.com:5000/foo", "reg.example.com:5000", "foo", "latest", NULL,
    "reg.example.com_3A5000_2Ffoo_3Alatest" },
  { "short-digest", "fedora@" DIGEST, NULL, "fedora", NULL, DIGEST, "fedora_40sha256_3A" HEX },
  { "tag-and-digest", "reg.example.com/fedora:41@" DIGEST, "reg.example.com", "fedora", "41",
    DIGEST, "reg.example.com_2Ffedora_3A41_40sha256_3A" HEX },
  { "looks-like-hex", "cafe:26", NULL, "cafe", "26", NULL, "cafe_3A26" },
  { "looks-like-hex-too", "fed:25", NULL, "fed", "25", NULL, "fed_3A25" },
  { "localhost", "localhost/a", "localhost", "a", "latest", NULL, "localhost_2Fa_3Alatest" },
  { "address", "[::1]:5000/a", "[::1]:5000", "a", "latest", NULL,
    "_5B_3A_3A1_5D_3A5000_2Fa_3Alatest" },
  { "name-and-number", "registry:5000", NULL, "registry", "5000", NULL, "registry_3A5000" },
  { "registry-named-as-transport", "docker:5000/a", "docker:5000", "a", "latest", NULL,
    "docker_3A5000_2Fa_3Alatest" },
  { "separators", "h.io/a.b_c__d-e---f", "h.io", "a.b_c__d-e---f", "latest", NULL,
    "h.io_2Fa.b_5Fc_5F_5Fd-e---f_3Alatest" },
  { "upper-case-tag", "h.io/a:V_1", "h.io", "a", "V_1", NULL, "h.io_2Fa_3AV_5F1" },
  { "longest-tag", "h.io/a:" X128, "h.io", "a", X128, NULL, "h.io_2Fa_3A" X128 },
};

static void
test_parse (gconstpointer data)
{
  const Valid *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (ScReference) reference = sc_reference_parse (row->text, &error);

  g_assert_no_error (error);
  g_assert_nonnull (reference);
  g_assert_cmpstr (reference->text, ==, row->text);
  g_assert_cmpstr (reference->registry, ==, row->registry);
  g_assert_cmpstr (reference->repository, ==, row->repository);
  g_assert_cmpstr (reference->tag, ==, row->tag);
  g_assert_cmpstr (reference->digest, ==, row->digest);

  g_autofree char *ref = sc_reference_encode (reference->fullname);
  g_autofree char *expected = g_strconcat ("ociimage/", row->ref, NULL);
  g_assert_cmpstr (ref, ==, expected);
  g_autofree char *decoded = sc_reference_decode (ref);
  g_assert_cmpstr (decoded, ==, reference->fullname);
}

typedef struct
{
  const char *name;
  const char *text;
  const char *fault; /* in the message */
} Invalid;

/* NP03 */
static const Invalid invalid[] = {
  { "empty", "", "NAME" },
  { "parent", "../../x", "NAME" },
  { "absolute", "/etc/passwd", "NAME" },
  { "two-digests", "a@" DIGEST "@" DIGEST, "sha256:" },
  { "two-tags", "a:tag:tag", "NAME" },
  { "two-tags-in-path", "h.io/a:tag:tag", "NAME" },
  { "empty-tag", "a:", "tag" },
  { "tag-with-dot-first", "a:.1", "tag" },
  { "tag-with-space", "a:1 2", "tag" },
  { "tag-too-long", "h.io/a:" X128 "x", "tag" },
  { "digest-empty", "a@", "sha256:" },
  { "digest-of-another-kind", "a@sha512:" HEX HEX, "sha256:" },
  { "digest-upper-case",
    "a@sha256:64A0C7CF6A8EE0B8D5A1E1F2A3B4C5D6E7F8091A2B3C4D5E6F708192A3B4C5D6", "sha256:" },
  { "digest-too-long", "a@" DIGEST "0", "sha256:" },
  { "digest-too-short", "a@sha256:64a0", "sha256:" },
  { "digest-with-path", "a@sha256:../../etc/passwd", "sha256:" },
  { "hub-with-scheme", "docker:///etc/passwd", "without docker://" },
  { "engine", "docker:busybox:latest", "syscontctl" },
  { "archive", "oci-archive:/a.tar", "syscontctl" },
  { "docker-archive", "docker-archive:/a.tar", "syscontctl" },
  { "dockertar", "dockertar:/a.tar", "syscontctl" },
  { "layout", "oci:/root", "syscontctl" },
  { "layout-or-name", "oci:busybox", "syscontctl" },
  { "directory", "dir:/etc", "syscontctl" },
  { "file", "file:///etc/passwd", "NAME" },
  { "http", "http:reg.example.com:5000/foo:v1", "Insecure=" },
  { "http-url", "http://reg.example.com/foo", "[Registries]" },
  { "https", "https:reg.example.com/foo", "without http: or https:" },
  { "dash-first", "-rf", "NAME" },
  { "dash-first-in-host", "-h.io/a", "NAME" },
  { "dash-last-in-host", "h-.io/a", "NAME" },
  { "dot-first", ".a", "NAME" },
  { "dots", "a..b", "NAME" },
  { "three-underscores", "a___b", "NAME" },
  { "separator-at-end", "a_", "NAME" },
  { "upper-case", "h.io/Foo", "NAME" },
  { "tilde", "a~1", "NAME" },
  { "caret", "a^1", "NAME" },
  { "space", "a b", "NAME" },
  { "newline", "a\nb", "NAME" },
  { "control", "a\033[31m", "NAME" },
  { "letters-of-others", "caf\u00e9", "NAME" },
  { "not-text", "a\xff", "NAME" },
  { "empty-component", "h.io//a", "NAME" },
  { "slash-at-end", "h.io/a/", "NAME" },
  { "registry-alone", "h.io/", "NAME" },
  { "port-zero", "h.io:0/a", "NAME" },
  { "port-too-high", "h.io:65536/a", "NAME" },
  { "port-is-no-number", "h.io:http/a", "NAME" },
  { "port-empty", "h.io:/a", "NAME" },
  { "two-ports", "h.io:1:2/a", "NAME" },
  { "empty-label", "h..io/a", "NAME" },
  { "user-of-url", "user@h.io/a", "sha256:" },
  { "address-empty", "[]/a", "NAME" },
  { "address-not-closed", "[::1/a", "NAME" },
};

static void
test_parse_refuses (gconstpointer data)
{
  const Invalid *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (ScReference) reference = sc_reference_parse (row->text, &error);

  g_assert_null (reference);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
  g_autofree char *shown = sc_text_escape (row->text);
  g_autofree char *quoted = g_strdup_printf ("\"%s\"", shown);
  g_assert_true (g_str_has_prefix (error->message, quoted));
  g_assert_nonnull (strstr (error->message, row->fault));
}

/* NP03 */
static void
test_parse_refuses_too_long (void)
{
  g_autofree char *name = g_strnfill (10240, 'a');
  g_autoptr (GError) error = NULL;

  g_autoptr (ScReference) reference = sc_reference_parse (name, &error);

  g_assert_null (reference);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
  g_assert_nonnull (strstr (error->message, "1024"));
}

/* NP03: two names never become one ref */
static void
test_encode_is_injective (void)
{
  const char *const names[]
      = { "a:b_1",  "a_b:1",   "a/b:1", "a_2Fb:1", "a.b:1", "a-b:1",       "a_3A1", "a:1",
          "a__b:1", "a_5Fb:1", "A:1",   "a@1",     "a+b:1", "caf\u00e9:1", "a%b:1" };
  g_autoptr (GHashTable) refs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      char *ref = sc_reference_encode (names[i]);
      g_autofree char *decoded = sc_reference_decode (ref);

      g_assert_cmpstr (decoded, ==, names[i]);
      g_assert_true (g_hash_table_add (refs, ref));
    }
}

typedef struct
{
  const char *name;
  const char *ref;
  const char *decoded; /* NULL for what is no image's */
} Decoding;

static const Decoding decodings[] = {
  { "plus", "ociimage/a_2Bb_3A1", "a+b:1" },
  { "lower-case-digits", "ociimage/a_3a1", "a:1" },
  { "blob", "ociimage/" HEX, NULL },
  { "blob-and-more", "ociimage/" HEX "0", HEX "0" },
  { "blob-upper-case", "ociimage/64A0c7cf6a8ee0b8d5a1e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6",
    "64A0c7cf6a8ee0b8d5a1e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6" },
  { "hex-with-underscore", "ociimage/cafe_3A26", "cafe:26" },
  { "another-ref", "syscont/rootfs/" HEX, NULL },
  { "prefix-of-prefix", "ociimag", NULL },
  { "no-digits", "ociimage/a_xyz", "a_xyz" },
  { "one-digit", "ociimage/a_3Ab_4", "a_3Ab_4" },
  { "underscore-last", "ociimage/a_", "a_" },
  { "nul", "ociimage/a_3A1_00x", "a_3A1_00x" },
  { "not-text", "ociimage/a_FFb", "a_FFb" },
};

static void
test_decode (gconstpointer data)
{
  const Decoding *row = data;

  g_autofree char *decoded = sc_reference_decode (row->ref);

  g_assert_cmpstr (decoded, ==, row->decoded);
}

static void
test_blob_ref (void)
{
  g_autofree char *ref = sc_reference_blob_ref (DIGEST);

  g_assert_cmpstr (ref, ==, "ociimage/" HEX);
  g_assert_true (sc_reference_is_blob_ref (ref));
  g_assert_false (sc_reference_is_blob_ref (HEX));
  g_assert_false (sc_reference_is_blob_ref ("ociimage/" HEX "0"));
  g_assert_false (sc_reference_is_blob_ref ("ociimage/cafe_3A26"));
  g_assert_false (sc_reference_is_blob_ref ("ociimage/"));
}

typedef struct
{
  const char *name;
  const char *text;
  const char *container;
} ContainerName;

static const ContainerName container_names[] = {
  { "short", "etcd", "etcd" },
  { "latest", "h.io/a/etcd:latest", "etcd" },
  { "tag", "h.io/a/etcd:3.5", "etcd-3.5" },
  { "digest", "h.io/a/etcd@" DIGEST, "etcd" },
  { "tag-and-digest", "h.io/etcd:3.5@" DIGEST, "etcd-3.5" },
  { "hub", "docker.io/busybox", "busybox" },
};

static void
test_container_name (gconstpointer data)
{
  const ContainerName *row = data;
  g_autoptr (ScReference) reference = sc_reference_parse (row->text, NULL);

  g_autofree char *name = sc_reference_container_name (reference);

  g_assert_cmpstr (name, ==, row->container);
}

static const char *const no_search[] = { NULL };
static const char *const search[] = { "a.example.com:5000", "docker.io", NULL };
static const char *const bad_search[] = { "registry", NULL };

/* All candidates in one line. */
static char *
resolve (const char *text, const char *const *registries, GError **error)
{
  g_autoptr (GHashTable) short_names = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (ScReference) reference = sc_reference_parse (text, NULL);

  g_hash_table_insert (short_names, (gpointer) "etcd", (gpointer) "reg.example.com/infra/etcd");
  g_hash_table_insert (short_names, (gpointer) "loop", (gpointer) "infra/loop");
  g_hash_table_insert (short_names, (gpointer) "bad", (gpointer) "Reg.Example.com/BAD");
  g_autoptr (GPtrArray) candidates
      = sc_reference_list_candidates (reference, short_names, registries, error);
  if (candidates == NULL)
    return NULL;

  GString *line = g_string_new (NULL);
  for (guint i = 0; i < candidates->len; i++)
    {
      const ScReference *candidate = candidates->pdata[i];
      g_assert_nonnull (candidate->registry);
      g_string_append_printf (line, "%s%s", i > 0 ? " " : "", candidate->fullname);
    }
  return g_string_free (line, FALSE);
}

typedef struct
{
  const char *name;
  const char *text;
  const char *const *search;
  const char *fullnames;
} Resolution;

static const Resolution resolutions[] = {
  { "mapped", "etcd", no_search, "reg.example.com/infra/etcd:latest" },
  { "mapped-with-tag", "etcd:3.5", no_search, "reg.example.com/infra/etcd:3.5" },
  { "mapped-with-digest", "etcd@" DIGEST, no_search, "reg.example.com/infra/etcd@" DIGEST },
  { "mapped-with-both", "etcd:3.5@" DIGEST, no_search, "reg.example.com/infra/etcd:3.5@" DIGEST },
  { "mapped-before-searched", "etcd", search, "reg.example.com/infra/etcd:latest" },
  { "with-registry", "docker.io/etcd", search, "docker.io/etcd:latest" },
  { "searched", "busybox", search,
    "a.example.com:5000/busybox:latest docker.io/library/busybox:latest" },
  { "searched-with-path", "a/b:1@" DIGEST, search,
    "a.example.com:5000/a/b:1@" DIGEST " docker.io/a/b:1@" DIGEST },
};

static void
test_resolve (gconstpointer data)
{
  const Resolution *row = data;
  g_autoptr (GError) error = NULL;

  g_autofree char *fullnames = resolve (row->text, row->search, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (fullnames, ==, row->fullnames);
}

static const Invalid unresolvable[] = {
  { "unknown", "busybox:1", "docker.io/library/busybox:1" },
  { "unknown-path", "a/busybox", "docker.io/a/busybox" },
  { "target-without-registry", "loop", "infra/loop:latest" },
  { "target-that-is-no-name", "bad", "ShortNames= for \"bad\"" },
  { "too-long-for-a-file", "h.io/" X128 X128, "too long" },
};

static void
test_resolve_refuses (gconstpointer data)
{
  const Invalid *row = data;
  g_autoptr (GError) error = NULL;

  g_autofree char *fullnames = resolve (row->text, no_search, &error);

  g_assert_null (fullnames);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
  g_assert_nonnull (strstr (error->message, row->fault));
}

static void
test_resolve_without_map (void)
{
  g_autoptr (ScReference) reference = sc_reference_parse ("busybox", NULL);
  g_autoptr (GError) error = NULL;

  g_autoptr (GPtrArray) candidates = sc_reference_list_candidates (reference, NULL, NULL, &error);

  g_assert_null (candidates);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
}

static void
test_resolve_refuses_search (void)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *fullnames = resolve ("busybox", bad_search, &error);

  g_assert_null (fullnames);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
  g_assert_nonnull (strstr (error->message, "UnqualifiedSearch="));
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

  ADD_ROWS (valid, "/reference/parse/", test_parse);
  ADD_ROWS (invalid, "/reference/parse/refuses-", test_parse_refuses);
  g_test_add_func ("/reference/parse/refuses-too-long", test_parse_refuses_too_long);
  g_test_add_func ("/reference/encode/is-injective", test_encode_is_injective);
  ADD_ROWS (decodings, "/reference/decode/", test_decode);
  g_test_add_func ("/reference/blob-ref/is-hex-only", test_blob_ref);
  ADD_ROWS (container_names, "/reference/container-name/", test_container_name);
  ADD_ROWS (resolutions, "/reference/resolve-short-name/", test_resolve);
  ADD_ROWS (unresolvable, "/reference/resolve-short-name/refuses-", test_resolve_refuses);
  g_test_add_func ("/reference/resolve-short-name/without-map", test_resolve_without_map);
  g_test_add_func ("/reference/resolve-short-name/refuses-search", test_resolve_refuses_search);

  return g_test_run ();
}
