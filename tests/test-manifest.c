/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Manifests and indexes: what is read, what is refused and how, and which child is chosen.
 */
#include "base/sc-error-util.h"
#include "image/sc-manifest.h"

#include <string.h>

#define HEX_A  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_B  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SHA_A  "sha256:" HEX_A
#define SHA_B  "sha256:" HEX_B
#define HEX_UP "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

#define OCI_INDEX       "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST    "application/vnd.oci.image.manifest.v1+json"
#define OCI_CONFIG      "application/vnd.oci.image.config.v1+json"
#define OCI_LAYER       "application/vnd.oci.image.layer.v1.tar+gzip"
#define DOCKER_LIST     "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MANIFEST "application/vnd.docker.distribution.manifest.v2+json"
#define DOCKER_CONFIG   "application/vnd.docker.container.image.v1+json"
#define DOCKER_LAYER    "application/vnd.docker.image.rootfs.diff.tar.gzip"
#define SCHEMA_1        "application/vnd.docker.distribution.manifest.v1+prettyjws"
#define ARTIFACT        "application/vnd.oci.artifact.manifest.v1+json"

#define DESCRIPTOR(type, digest, size)                                                             \
  "{\"mediaType\":\"" type "\",\"digest\":\"" digest "\",\"size\":" size "}"
#define CONFIG         "\"config\":" DESCRIPTOR (OCI_CONFIG, SHA_A, "100")
#define LAYER(type)    DESCRIPTOR (type, SHA_B, "200")
#define LAYERS(list)   "\"layers\":[" list "]"
#define MANIFEST(keys) "{\"schemaVersion\":2," keys "}"
#define TYPE(type)     "\"mediaType\":\"" type "\","
#define PLAIN          MANIFEST (CONFIG "," LAYERS (LAYER (OCI_LAYER)))
#define INDEX(list)    "{\"schemaVersion\":2,\"manifests\":[" list "]}"
#define CHILD(digest, platform)                                                                    \
  "{\"mediaType\":\"" OCI_MANIFEST "\",\"digest\":\"" digest                                       \
  "\",\"size\":300,\"platform\":" platform "}"
#define PLATFORM(os, architecture) "{\"os\":\"" os "\",\"architecture\":\"" architecture "\"}"

static ScManifest *
parse (const char *text, const char *content_type, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return sc_manifest_parse (bytes, content_type, error);
}

static void
test_parse_reads_manifest (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) manifest = parse (
      MANIFEST (TYPE (OCI_MANIFEST) CONFIG "," LAYERS (LAYER (OCI_LAYER) "," LAYER (
          OCI_LAYER)) ",\"annotations\":{\"a\":\"b\"},\"subject\":" DESCRIPTOR (OCI_MANIFEST, SHA_B,
                                                                                "1")),
      OCI_MANIFEST, &error);

  g_assert_no_error (error);
  g_assert_false (manifest->is_index);
  g_assert_cmpstr (manifest->media_type, ==, OCI_MANIFEST);
  g_assert_cmpuint (manifest->children->len, ==, 0);
  g_assert_cmpstr (manifest->config->digest, ==, SHA_A);
  g_assert_cmpuint (manifest->config->size_bytes, ==, 100);
  g_assert_cmpuint (manifest->layers->len, ==, 2);
  const ScDescriptor *layer = manifest->layers->pdata[1];
  g_assert_cmpstr (layer->digest, ==, SHA_B);
  g_assert_cmpuint (layer->size_bytes, ==, 200);
}

static void
test_parse_reads_docker_manifest (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) manifest
      = parse (MANIFEST (TYPE (DOCKER_MANIFEST) "\"config\":" DESCRIPTOR (
                   DOCKER_CONFIG, SHA_A, "1") "," LAYERS (LAYER (DOCKER_LAYER))),
               DOCKER_MANIFEST, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (manifest->media_type, ==, DOCKER_MANIFEST);
  g_assert_cmpuint (manifest->layers->len, ==, 1);
}

static void
test_parse_reads_index (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) manifest = parse (
      "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"" OCI_MANIFEST "\",\"digest\":\"" SHA_A
      "\",\"size\":300,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"v7\","
      "\"os.version\":\"1\"},\"annotations\":{\"org.opencontainers.image.ref.name\":\"h.io/"
      "a:1\"}}]}",
      OCI_INDEX, &error);

  g_assert_no_error (error);
  g_assert_true (manifest->is_index);
  g_assert_null (manifest->config);
  g_assert_cmpuint (manifest->layers->len, ==, 0);
  const ScDescriptor *child = manifest->children->pdata[0];
  g_autofree char *platform = sc_platform_to_text (child->platform);
  g_assert_cmpstr (platform, ==, "linux/arm/v7");
  g_assert_cmpstr (child->ref_name, ==, "h.io/a:1");
  g_assert_cmpuint (child->size_bytes, ==, 300);
}

typedef struct
{
  const char *name;
  const char *media_type;
  ScCompression compression;
} LayerType;

static const LayerType layer_types[] = {
  { "oci-tar", "application/vnd.oci.image.layer.v1.tar", SC_COMPRESSION_NONE },
  { "oci-gzip", OCI_LAYER, SC_COMPRESSION_GZIP },
  { "oci-zstd", "application/vnd.oci.image.layer.v1.tar+zstd", SC_COMPRESSION_ZSTD },
  { "docker-tar", "application/vnd.docker.image.rootfs.diff.tar", SC_COMPRESSION_NONE },
  { "docker-gzip", DOCKER_LAYER, SC_COMPRESSION_GZIP },
  { "docker-zstd", "application/vnd.docker.image.rootfs.diff.tar.zstd", SC_COMPRESSION_ZSTD },
};

static void
test_parse_knows_compression (gconstpointer data)
{
  const LayerType *row = data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = g_strdup_printf (
      MANIFEST (CONFIG "," LAYERS (DESCRIPTOR ("%s", SHA_B, "1"))), row->media_type);

  g_autoptr (ScManifest) manifest = parse (text, NULL, &error);

  g_assert_no_error (error);
  const ScDescriptor *layer = manifest->layers->pdata[0];
  g_assert_cmpint (layer->compression, ==, row->compression);
}

typedef struct
{
  const char *name;
  const char *content_type;
  const char *text;
  const char *media_type; /* expected */
} TypeRow;

static const TypeRow type_rows[] = {
  { "from-document", NULL, MANIFEST (TYPE (OCI_MANIFEST) CONFIG "," LAYERS (LAYER (OCI_LAYER))),
    OCI_MANIFEST },
  { "from-transfer", DOCKER_MANIFEST, PLAIN, DOCKER_MANIFEST },
  { "from-content", NULL, PLAIN, OCI_MANIFEST },
  { "from-content-of-index", "", INDEX (""), OCI_INDEX },
  { "with-parameter", OCI_MANIFEST "; charset=utf-8", PLAIN, OCI_MANIFEST },
  { "of-plain-file", "application/octet-stream", PLAIN, OCI_MANIFEST },
  { "of-any-json", "application/json", PLAIN, OCI_MANIFEST },
};

static void
test_parse_finds_type (gconstpointer data)
{
  const TypeRow *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) manifest = parse (row->text, row->content_type, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (manifest->media_type, ==, row->media_type);
}

typedef struct
{
  const char *name;
  const char *content_type;
  const char *text;
  SyscontError code;
  const char *fault; /* in the message */
} Invalid;

#define CORRUPT     SYSCONT_ERROR_IMAGE_INVALID
#define UNSUPPORTED SYSCONT_ERROR_NOT_SUPPORTED
#define LIMIT       SYSCONT_ERROR_LIMIT_EXCEEDED

#define WITH_LAYER_SIZE(size)   MANIFEST (CONFIG "," LAYERS (DESCRIPTOR (OCI_LAYER, SHA_B, size)))
#define WITH_LAYER_DIGEST(text) MANIFEST (CONFIG "," LAYERS (DESCRIPTOR (OCI_LAYER, text, "1")))
#define WITH_LAYER_TYPE(type)   MANIFEST (CONFIG "," LAYERS (LAYER (type)))
#define WITH_CONFIG(descriptor) MANIFEST ("\"config\":" descriptor "," LAYERS (LAYER (OCI_LAYER)))
#define BIGGEST                 "9223372036854775807"

static const Invalid invalid[] = {
  /* MJ01, CVE-2021-41190 */
  { "layers-and-manifests", NULL,
    MANIFEST (CONFIG "," LAYERS (LAYER (OCI_LAYER)) ",\"manifests\":[]"), CORRUPT, "at once" },
  { "config-and-manifests", NULL, MANIFEST (CONFIG ",\"manifests\":[]"), CORRUPT, "at once" },
  { "layers-and-null-manifests", NULL,
    MANIFEST (CONFIG "," LAYERS (LAYER (OCI_LAYER)) ",\"manifests\":null"), CORRUPT, "at once" },
  { "fs-layers-and-layers", NULL,
    MANIFEST (CONFIG "," LAYERS (LAYER (OCI_LAYER)) ",\"fsLayers\":[]"), CORRUPT, "schema 1" },
  { "fs-layers-and-manifests", NULL, MANIFEST ("\"manifests\":[],\"fsLayers\":[]"), CORRUPT,
    "schema 1" },
  { "type-of-transfer-differs", OCI_INDEX,
    MANIFEST (TYPE (OCI_MANIFEST) CONFIG "," LAYERS (LAYER (OCI_LAYER))), CORRUPT, "mediaType" },
  { "type-of-transfer-differs-from-content", OCI_INDEX, PLAIN, CORRUPT, "content" },
  { "type-of-document-differs-from-content", NULL,
    MANIFEST (TYPE (DOCKER_LIST) CONFIG "," LAYERS (LAYER (OCI_LAYER))), CORRUPT, "content" },
  { "index-said-to-be-manifest", OCI_MANIFEST, INDEX (""), CORRUPT, "content" },
  /* MJ02 */
  { "layers-twice", NULL,
    MANIFEST (CONFIG "," LAYERS (LAYER (OCI_LAYER)) "," LAYERS (LAYER (OCI_LAYER))), CORRUPT,
    "layers" },
  { "digest-twice", NULL,
    WITH_CONFIG ("{\"mediaType\":\"" OCI_CONFIG "\",\"digest\":\"" SHA_A "\",\"digest\":\"" SHA_B
                 "\",\"size\":1}"),
    CORRUPT, "digest" },
  /* MJ05 */
  { "size-negative", NULL, WITH_LAYER_SIZE ("-1"), CORRUPT, "layer 0: \"size\"" },
  { "size-exponent", NULL, WITH_LAYER_SIZE ("1e3"), CORRUPT, "layer 0: \"size\"" },
  { "size-fraction", NULL, WITH_LAYER_SIZE ("1.9"), CORRUPT, "layer 0: \"size\"" },
  { "size-hexadecimal", NULL, WITH_LAYER_SIZE ("0x10"), CORRUPT, "line 1" },
  { "size-octal", NULL, WITH_LAYER_SIZE ("010"), CORRUPT, "line 1" },
  { "size-text", NULL, WITH_LAYER_SIZE ("\"12\""), CORRUPT, "layer 0: \"size\"" },
  { "size-2-63", NULL, WITH_LAYER_SIZE ("9223372036854775808"), CORRUPT, "" },
  { "size-2-64", NULL, WITH_LAYER_SIZE ("18446744073709551616"), CORRUPT, "" },
  { "size-of-20-digits", NULL, WITH_LAYER_SIZE ("99999999999999999999"), CORRUPT, "" },
  { "size-null", NULL, WITH_LAYER_SIZE ("null"), CORRUPT, "layer 0" },
  { "size-true", NULL, WITH_LAYER_SIZE ("true"), CORRUPT, "layer 0: \"size\"" },
  { "size-missing", NULL,
    MANIFEST (CONFIG "," LAYERS ("{\"mediaType\":\"" OCI_LAYER "\",\"digest\":\"" SHA_B "\"}")),
    CORRUPT, "layer 0" },
  { "schema-version-fraction", NULL,
    "{\"schemaVersion\":2.0," CONFIG "," LAYERS (LAYER (OCI_LAYER)) "}", CORRUPT, "schemaVersion" },
  { "schema-version-missing", NULL, "{" CONFIG "," LAYERS (LAYER (OCI_LAYER)) "}", CORRUPT,
    "schemaVersion" },
  { "schema-version-3", NULL, "{\"schemaVersion\":3," CONFIG "," LAYERS (LAYER (OCI_LAYER)) "}",
    CORRUPT, "schemaVersion" },
  /* MJ06 */
  { "nothing", NULL, "", CORRUPT, "" },
  { "null", NULL, "null", CORRUPT, "object" },
  { "array", NULL, "[]", CORRUPT, "object" },
  { "text", NULL, "\"x\"", CORRUPT, "object" },
  { "empty-object", NULL, "{}", CORRUPT, "schemaVersion" },
  { "only-a-version", NULL, "{\"schemaVersion\":2}", CORRUPT, "neither" },
  { "byte-order-mark", NULL, "\xef\xbb\xbf" PLAIN, CORRUPT, "" },
  { "two-documents", NULL, PLAIN "{}", CORRUPT, "" },
  { "comment", NULL, "/* x */" PLAIN, CORRUPT, "" },
  { "no-utf-8", NULL, "{\"a\":\"\xff\"}", CORRUPT, "" },
  /* MJ07 */
  { "digest-path", NULL, WITH_LAYER_DIGEST ("sha256:../../etc/passwd"), CORRUPT,
    "layer 0: \"sha256:../../etc/passwd\"" },
  { "digest-upper-case", NULL, WITH_LAYER_DIGEST ("sha256:" HEX_UP), CORRUPT,
    "layer 0: \"sha256:AA" },
  { "digest-65", NULL, WITH_LAYER_DIGEST (SHA_A "a"), CORRUPT, "layer 0" },
  { "digest-sha512", NULL, WITH_LAYER_DIGEST ("sha512:" HEX_A HEX_B), CORRUPT,
    "layer 0: \"sha512:" },
  { "digest-base64", NULL, WITH_LAYER_DIGEST ("sha256+b64:" HEX_A), CORRUPT, "layer 0" },
  { "digest-empty", NULL, WITH_LAYER_DIGEST (""), CORRUPT, "layer 0: \"\"" },
  { "digest-colon", NULL, WITH_LAYER_DIGEST (":"), CORRUPT, "layer 0" },
  { "digest-space", NULL, WITH_LAYER_DIGEST (" " SHA_A), CORRUPT, "layer 0" },
  { "digest-of-config", NULL, WITH_CONFIG (DESCRIPTOR (OCI_CONFIG, "sha1:aa", "1")), CORRUPT,
    "config: \"sha1:aa\"" },
  { "digest-with-control", NULL, WITH_LAYER_DIGEST ("\\u001b[31m"), CORRUPT, "\"\\x1b[31m\"" },
  /* MJ09 */
  { "no-layers", NULL, MANIFEST (CONFIG "," LAYERS ("")), CORRUPT, "no layers" },
  { "layers-missing", NULL, MANIFEST (CONFIG), CORRUPT, "no layers" },
  { "layers-null", NULL, MANIFEST (CONFIG ",\"layers\":null"), CORRUPT, "no layers" },
  { "layer-without-bytes", NULL, WITH_LAYER_SIZE ("0"), CORRUPT, "layer 0: the size is 0" },
  { "layers-of-absurd-size", NULL,
    MANIFEST (CONFIG "," LAYERS (
        DESCRIPTOR (OCI_LAYER, SHA_A, BIGGEST) "," DESCRIPTOR (OCI_LAYER, SHA_B, "1"))),
    LIMIT, "together" },
  /* MJ10 */
  { "schema-1", NULL, "{\"schemaVersion\":1,\"fsLayers\":[],\"history\":[]}", UNSUPPORTED,
    "schema 1" },
  { "schema-1-signed", SCHEMA_1, "{\"schemaVersion\":1,\"fsLayers\":[],\"signatures\":[]}",
    UNSUPPORTED, SCHEMA_1 },
  { "artifact-manifest", NULL,
    "{\"mediaType\":\"" ARTIFACT "\",\"artifactType\":\"a/b\",\"blobs\":[]}", UNSUPPORTED,
    ARTIFACT },
  { "artifact-with-empty-config", NULL,
    WITH_CONFIG (DESCRIPTOR ("application/vnd.oci.empty.v1+json", SHA_A, "2")), UNSUPPORTED,
    "application/vnd.oci.empty.v1+json" },
  { "helm-chart", NULL,
    WITH_CONFIG (DESCRIPTOR ("application/vnd.cncf.helm.config.v1+json", SHA_A, "2")), UNSUPPORTED,
    "application/vnd.cncf.helm.config.v1+json" },
  { "signature", NULL, WITH_LAYER_TYPE ("application/vnd.dev.cosign.simplesigning.v1+json"),
    UNSUPPORTED, "layer 0: a layer of type \"application/vnd.dev.cosign.simplesigning.v1+json\"" },
  { "encrypted-layer", NULL, WITH_LAYER_TYPE (OCI_LAYER "+encrypted"), UNSUPPORTED,
    OCI_LAYER "+encrypted" },
  { "non-distributable-layer", NULL,
    WITH_LAYER_TYPE ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"), UNSUPPORTED,
    "nondistributable" },
  { "foreign-layer", NULL,
    WITH_LAYER_TYPE ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"), UNSUPPORTED,
    "foreign" },
  { "type-of-a-web-page", "text/html", PLAIN, UNSUPPORTED, "text/html" },
  /* MJ11 */
  { "config-without-bytes", NULL, WITH_CONFIG (DESCRIPTOR (OCI_CONFIG, SHA_A, "0")), CORRUPT,
    "config" },
  { "config-too-large", NULL, WITH_CONFIG (DESCRIPTOR (OCI_CONFIG, SHA_A, "8388609")), LIMIT,
    "8388609" },
  { "config-missing", NULL, MANIFEST (LAYERS (LAYER (OCI_LAYER))), CORRUPT, "no config" },
  { "config-is-text", NULL, WITH_CONFIG ("\"x\""), CORRUPT, "config" },
  { "layer-is-text", NULL, MANIFEST (CONFIG "," LAYERS ("\"x\"")), CORRUPT, "layer 0" },
  { "layer-without-type", NULL,
    MANIFEST (CONFIG "," LAYERS ("{\"digest\":\"" SHA_B "\",\"size\":1}")), CORRUPT, "layer 0" },
  /* MJ08 */
  { "child-size-null", NULL, INDEX (DESCRIPTOR (OCI_MANIFEST, SHA_A, "null")), CORRUPT,
    "manifest 0" },
  { "child-without-bytes", NULL, INDEX (DESCRIPTOR (OCI_MANIFEST, SHA_A, "0")), CORRUPT,
    "manifest 0" },
  { "child-without-digest", NULL, INDEX ("{\"mediaType\":\"" OCI_MANIFEST "\",\"size\":1}"),
    CORRUPT, "manifest 0" },
  { "platform-without-os", NULL, INDEX (CHILD (SHA_A, "{\"architecture\":\"amd64\"}")), CORRUPT,
    "manifest 0: a platform" },
  { "platform-is-text", NULL, INDEX (CHILD (SHA_A, "\"linux\"")), CORRUPT,
    "manifest 0: \"platform\"" },
};

static void
test_parse_refuses (gconstpointer data)
{
  const Invalid *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) manifest = parse (row->text, row->content_type, &error);

  g_assert_null (manifest);
  g_assert_error (error, SYSCONT_ERROR, (int)row->code);
  g_assert_nonnull (strstr (error->message, row->fault));
}

static char *
repeat (const char *before, const char *item, guint n, const char *after)
{
  GString *text = g_string_new (before);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%s%s", i > 0 ? "," : "", item);
  g_string_append (text, after);
  return g_string_free (text, FALSE);
}

/* MJ09: the same layer may repeat, up to the limit */
static void
test_parse_limits_layers (void)
{
  const char *before = "{\"schemaVersion\":2," CONFIG ",\"layers\":[";
  g_autofree char *most = repeat (before, LAYER (OCI_LAYER), SC_MANIFEST_MAX_LAYERS, "]}");
  g_autofree char *more = repeat (before, LAYER (OCI_LAYER), SC_MANIFEST_MAX_LAYERS + 1, "]}");
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) accepted = parse (most, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (accepted->layers->len, ==, SC_MANIFEST_MAX_LAYERS);

  g_autoptr (ScManifest) refused = parse (more, NULL, &error);
  g_assert_null (refused);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, "128 layers"));
}

/* MJ08 */
static void
test_parse_limits_children (void)
{
  const char *child = CHILD (SHA_A, PLATFORM ("linux", "amd64"));
  g_autofree char *most
      = repeat ("{\"schemaVersion\":2,\"manifests\":[", child, SC_INDEX_MAX_CHILDREN, "]}");
  g_autofree char *more
      = repeat ("{\"schemaVersion\":2,\"manifests\":[", child, SC_INDEX_MAX_CHILDREN + 1, "]}");
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) accepted = parse (most, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (accepted->children->len, ==, SC_INDEX_MAX_CHILDREN);

  g_autoptr (ScManifest) refused = parse (more, NULL, &error);
  g_assert_null (refused);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, "257 manifests"));
}

/* MJ04 */
static void
test_parse_limits_nesting (void)
{
  g_autofree char *open = g_strnfill (100000, '[');
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) manifest = parse (open, NULL, &error);

  g_assert_null (manifest);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

static void
test_parse_limits_bytes (void)
{
  g_autofree char *space = g_strnfill (SC_MANIFEST_MAX_BYTES, ' ');
  g_autofree char *text = g_strconcat (space, PLAIN, NULL);
  g_autoptr (GError) error = NULL;

  g_autoptr (ScManifest) manifest = parse (text, NULL, &error);

  g_assert_null (manifest);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

typedef struct
{
  const char *name;
  const char *text;
  const char *platform;
  const char *digest; /* of the chosen child; NULL for none */
  const char *fault;  /* in the message */
} Choice;

#define UNKNOWN  CHILD (SHA_B, PLATFORM ("unknown", "unknown"))
#define NAMELESS DESCRIPTOR (OCI_MANIFEST, SHA_B, "1")
#define ARM(digest, variant)                                                                       \
  CHILD (digest, "{\"os\":\"linux\",\"architecture\":\"arm\",\"variant\":\"" variant "\"}")

/* MJ08, MJ10 */
static const Choice choices[] = {
  { "of-two",
    INDEX (
        CHILD (SHA_B, PLATFORM ("linux", "arm64")) "," CHILD (SHA_A, PLATFORM ("linux", "amd64"))),
    "linux/amd64", SHA_A, NULL },
  { "first-of-equals",
    INDEX (
        CHILD (SHA_A, PLATFORM ("linux", "amd64")) "," CHILD (SHA_B, PLATFORM ("linux", "amd64"))),
    "linux/amd64", SHA_A, NULL },
  { "best-rank", INDEX (ARM (SHA_B, "v6") "," ARM (SHA_A, "v7")), "linux/arm/v7", SHA_A, NULL },
  { "beside-attestation", INDEX (UNKNOWN "," CHILD (SHA_A, PLATFORM ("linux", "amd64"))),
    "linux/amd64", SHA_A, NULL },
  { "only-child-without-platform", INDEX (DESCRIPTOR (OCI_MANIFEST, SHA_A, "1")), "linux/amd64",
    SHA_A, NULL },
  { "beside-child-without-platform",
    INDEX (NAMELESS "," CHILD (SHA_A, PLATFORM ("linux", "amd64"))), "linux/amd64", SHA_A, NULL },
  { "none-of-two",
    INDEX (CHILD (SHA_B, PLATFORM ("linux", "arm64")) "," CHILD (SHA_A,
                                                                 PLATFORM ("windows", "amd64"))),
    "linux/amd64", NULL, "there is no image for linux/amd64; there is linux/arm64, windows/amd64" },
  { "none-beside-attestation", INDEX (UNKNOWN "," CHILD (SHA_A, PLATFORM ("linux", "arm64"))),
    "linux/amd64", NULL, "there is linux/arm64" },
  { "each-named-once",
    INDEX (CHILD (SHA_A, PLATFORM ("a", "b")) "," CHILD (SHA_A, PLATFORM ("a", "b"))),
    "linux/amd64", NULL, "there is a/b" },
  { "none-of-two-without-platform", INDEX (NAMELESS "," NAMELESS), "linux/amd64", NULL,
    "names no platform" },
  { "none-of-nothing", INDEX (""), "linux/amd64", NULL, "names no platform" },
  { "escaped", INDEX (CHILD (SHA_A, PLATFORM ("\\u001b[31m", "b"))), "linux/amd64", NULL,
    "there is \\x1b[31m/b" },
};

static void
test_choose (gconstpointer data)
{
  const Choice *row = data;
  g_autoptr (ScManifest) index = parse (row->text, NULL, NULL);
  g_autoptr (ScPlatform) platform = sc_platform_parse (row->platform, NULL);
  g_autoptr (GError) error = NULL;

  const ScDescriptor *child = sc_manifest_choose (index, platform, &error);

  if (row->digest == NULL)
    {
      g_assert_null (child);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_PLATFORM_MISMATCH);
      g_assert_true (g_str_has_suffix (error->message, row->fault));
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpstr (child->digest, ==, row->digest);
}

static void
test_choose_keeps_message_short (void)
{
  g_autoptr (GString) text = g_string_new ("{\"schemaVersion\":2,\"manifests\":[");
  for (guint i = 0; i < SC_INDEX_MAX_CHILDREN; i++)
    g_string_append_printf (text, "%s" CHILD (SHA_A, PLATFORM ("os%u", "x")), i > 0 ? "," : "", i);
  g_string_append (text, "]}");
  g_autoptr (ScManifest) index = parse (text->str, NULL, NULL);
  g_autoptr (ScPlatform) platform = sc_platform_parse ("linux/amd64", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_manifest_choose (index, platform, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_PLATFORM_MISMATCH);
  g_assert_true (g_str_has_suffix (error->message, "os15/x, \u2026"));
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

  g_test_add_func ("/manifest/parse/reads-manifest", test_parse_reads_manifest);
  g_test_add_func ("/manifest/parse/reads-docker-manifest", test_parse_reads_docker_manifest);
  g_test_add_func ("/manifest/parse/reads-index", test_parse_reads_index);
  ADD_ROWS (layer_types, "/manifest/parse/knows-compression-", test_parse_knows_compression);
  ADD_ROWS (type_rows, "/manifest/parse/finds-type-", test_parse_finds_type);
  ADD_ROWS (invalid, "/manifest/parse/refuses-", test_parse_refuses);
  g_test_add_func ("/manifest/parse/limits-layers", test_parse_limits_layers);
  g_test_add_func ("/manifest/parse/limits-children", test_parse_limits_children);
  g_test_add_func ("/manifest/parse/limits-nesting", test_parse_limits_nesting);
  g_test_add_func ("/manifest/parse/limits-bytes", test_parse_limits_bytes);
  ADD_ROWS (choices, "/manifest/choose/", test_choose);
  g_test_add_func ("/manifest/choose/keeps-message-short", test_choose_keeps_message_short);

  return g_test_run ();
}
