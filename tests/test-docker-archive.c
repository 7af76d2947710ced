/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-docker-archive.h"

#include "base/sc-digest.h"
#include "base/sc-error-util.h"

#include <string.h>

#define A "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void
add_text (ScDockerArchive *archive, const char *path, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_docker_archive_add_document (archive, path, bytes, &error));
  g_assert_no_error (error);
}

/* Two layers, a config, links and what is none of them. */
static ScDockerArchive *
make_archive (const char *index)
{
  ScDockerArchive *archive = sc_docker_archive_new ();
  GError *reason = NULL;

  add_text (archive, "manifest.json", index);
  add_text (archive, "config.json", "{}");
  g_assert_true (sc_docker_archive_add_layer (archive, "a/layer.tar", A, 1024, NULL));
  g_assert_true (sc_docker_archive_add_layer (archive, "b.tar", B, 2048, NULL));
  g_assert_true (sc_docker_archive_add_symlink (archive, "c/layer.tar", "../a/./layer.tar", NULL));
  g_assert_true (sc_docker_archive_add_hardlink (archive, "h.tar", "b.tar", NULL));
  g_assert_true (sc_docker_archive_add_symlink (archive, "d/layer.tar", "../c/layer.tar", NULL));
  g_assert_true (sc_docker_archive_add_symlink (archive, "e/layer.tar", "../../etc/shadow", NULL));
  g_assert_true (sc_docker_archive_add_symlink (archive, "f", "/a/layer.tar", NULL));
  g_assert_true (sc_docker_archive_add_symlink (archive, "g", "absent", NULL));
  sc_error_set (&reason, SYSCONT_ERROR_NOT_SUPPORTED, "it is compressed with bzip2");
  g_assert_true (sc_docker_archive_add_unusable (archive, "bz", reason, NULL));
  return archive;
}

#define INDEX(layers_)                                                                             \
  "[{\"Config\":\"config.json\",\"RepoTags\":[\"team/app:1\",\"team/"                              \
  "app:latest\"],\"Layers\":[" layers_ "]}]"

typedef struct
{
  const char *name;
  const char *index;
  const char *wanted; /* name to choose */
  int code;
  const char *needle;
} Refusal;

static const Refusal refusals[] = {
  { "no-array", "{}", NULL, SYSCONT_ERROR_IMAGE_INVALID, "lists no image" },
  { "empty", "[]", NULL, SYSCONT_ERROR_IMAGE_INVALID, "lists no image" },
  { "no-object", "[1]", NULL, SYSCONT_ERROR_IMAGE_INVALID, "no object" },
  { "no-config", "[{\"Layers\":[]}]", NULL, SYSCONT_ERROR_IMAGE_INVALID, "\"Config\"" },
  { "config-missing", "[{\"Config\":\"x.json\",\"Layers\":[]}]", NULL, SYSCONT_ERROR_IMAGE_INVALID,
    "lacks the member \"x.json\"" },
  { "config-is-layer", "[{\"Config\":\"b.tar\",\"Layers\":[]}]", NULL, SYSCONT_ERROR_IMAGE_INVALID,
    "not a document" },
  { "layer-is-document", INDEX ("\"config.json\""), NULL, SYSCONT_ERROR_IMAGE_INVALID,
    "not the tar of a layer" },
  { "empty-path", INDEX ("\"\""), NULL, SYSCONT_ERROR_IMAGE_INVALID, "\"\"" },
  { "dotdot", INDEX ("\"../../../etc/shadow\""), NULL, SYSCONT_ERROR_IMAGE_INVALID, "etc/shadow" },
  { "absolute", INDEX ("\"/etc/shadow\""), NULL, SYSCONT_ERROR_IMAGE_INVALID, "etc/shadow" },
  { "two-hops", INDEX ("\"d/layer.tar\""), NULL, SYSCONT_ERROR_IMAGE_INVALID, "link to a link" },
  { "link-out", INDEX ("\"e/layer.tar\""), NULL, SYSCONT_ERROR_IMAGE_INVALID, "leads out" },
  { "link-absolute", INDEX ("\"f\""), NULL, SYSCONT_ERROR_IMAGE_INVALID, "leads out" },
  { "link-to-nothing", INDEX ("\"g\""), NULL, SYSCONT_ERROR_IMAGE_INVALID, "not in the archive" },
  { "unusable", INDEX ("\"bz\""), NULL, SYSCONT_ERROR_NOT_SUPPORTED, "\"bz\": it is compressed" },
  { "unknown-name", INDEX ("\"b.tar\""), "team/other", SYSCONT_ERROR_MANIFEST_UNKNOWN,
    "\"team/app:1\", \"team/app:latest\"" },
  { "several", "[{\"Config\":\"config.json\",\"RepoTags\":[\"a:1\"]},{\"Config\":\"config.json\"}]",
    NULL, SYSCONT_ERROR_MANIFEST_UNKNOWN, "\"a:1\", one without a name" },
};

static void
test_refusal (gconstpointer data)
{
  const Refusal *row = data;
  g_autoptr (ScDockerArchive) archive = make_archive (row->index);
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_docker_archive_choose (archive, row->wanted, &error));

  g_assert_error (error, SYSCONT_ERROR, row->code);
  g_assert_nonnull (strstr (error->message, row->needle));
}

static void
test_too_many_layers (void)
{
  g_autoptr (GString) layers = g_string_new ("\"b.tar\"");
  for (guint i = 0; i < SC_MANIFEST_MAX_LAYERS; i++)
    g_string_append (layers, ",\"b.tar\"");
  g_autofree char *index
      = g_strdup_printf ("[{\"Config\":\"config.json\",\"Layers\":[%s]}]", layers->str);
  g_autoptr (ScDockerArchive) archive = make_archive (index);
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_docker_archive_choose (archive, NULL, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

static void
test_no_index (void)
{
  g_autoptr (ScDockerArchive) archive = sc_docker_archive_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_docker_archive_choose (archive, NULL, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  g_assert_nonnull (strstr (error->message, "oci-archive:"));
}

static void
test_member_twice (void)
{
  g_autoptr (ScDockerArchive) archive = make_archive ("[]");
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_docker_archive_add_layer (archive, "config.json", A, 0, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  g_assert_nonnull (strstr (error->message, "\"config.json\" is there twice"));
}

static void
test_documents_are_limited (void)
{
  g_autoptr (ScDockerArchive) archive = sc_docker_archive_new ();
  g_autofree char *filler = g_strnfill (SC_DOCKER_MAX_DOCUMENT_BYTES, ' ');
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < SC_DOCKER_MAX_KEPT_BYTES / SC_DOCKER_MAX_DOCUMENT_BYTES; i++)
    {
      g_autofree char *path = g_strdup_printf ("%u", i);
      add_text (archive, path, filler);
    }
  add_text (archive, "manifest.json", INDEX ("\"b.tar\""));
  g_assert_null (sc_docker_archive_choose (archive, NULL, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

/* The manifest that other tools would make, byte for byte. */
static void
test_manifest (void)
{
  g_autoptr (ScDockerArchive) archive = make_archive (INDEX ("\"c/layer.tar\",\"h.tar\""));
  g_autoptr (GError) error = NULL;

  g_autoptr (ScDockerImage) image = sc_docker_archive_choose (archive, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (image->name, ==, "team/app:1");
  g_autofree char *digest = sc_digest_of_bytes ("{}", 2);
  g_autofree char *expected = g_strdup_printf (
      "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.docker.distribution.manifest.v2+json\","
      "\"config\":{\"mediaType\":\"application/vnd.docker.container.image.v1+json\",\"digest\":"
      "\"%s\",\"size\":2},\"layers\":["
      "{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar\",\"digest\":\"" A
      "\",\"size\":1024},"
      "{\"mediaType\":\"application/vnd.docker.image.rootfs.diff.tar\",\"digest\":\"" B
      "\",\"size\":2048}]}",
      digest);
  gsize size_bytes;
  const char *got = g_bytes_get_data (image->manifest, &size_bytes);
  g_assert_cmpmem (got, size_bytes, expected, strlen (expected));
  g_autoptr (ScManifest) manifest = sc_manifest_parse (image->manifest, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (manifest->layers->len, ==, 2);
}

static void
test_choose_by_name (void)
{
  g_autoptr (ScDockerArchive) archive = make_archive (
      "[{\"Config\":\"config.json\",\"RepoTags\":[\"a:1\",\"a:latest\"],\"Layers\":[\"b.tar\"]},"
      "{\"Config\":\"config.json\",\"RepoTags\":null,\"Layers\":[\"a/layer.tar\",\"b.tar\"]}]");
  g_autoptr (GError) error = NULL;

  g_autoptr (ScDockerImage) image = sc_docker_archive_choose (archive, "a", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (image->name, ==, "a:latest");
  g_assert_cmpuint (image->layers->len, ==, 1);
}

static void
test_check_layers (void)
{
  static const char *const right[] = { A, B, NULL };
  static const char *const wrong[] = { A, A, NULL };
  g_autoptr (ScDockerArchive) archive = make_archive (INDEX ("\"a/layer.tar\",\"b.tar\""));
  g_autoptr (ScDockerImage) image = sc_docker_archive_choose (archive, NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_docker_image_check_layers (image, right, NULL));
  g_assert_false (sc_docker_image_check_layers (image, wrong, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_DIGEST_MISMATCH);
  g_assert_nonnull (strstr (error->message, "\"b.tar\" has the digest " B));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      g_autofree char *path = g_strconcat ("/docker-archive/refuses/", refusals[i].name, NULL);
      g_test_add_data_func (path, &refusals[i], test_refusal);
    }
  g_test_add_func ("/docker-archive/refuses/too-many-layers", test_too_many_layers);
  g_test_add_func ("/docker-archive/refuses/no-index", test_no_index);
  g_test_add_func ("/docker-archive/refuses/member-twice", test_member_twice);
  g_test_add_func ("/docker-archive/documents-are-limited", test_documents_are_limited);
  g_test_add_func ("/docker-archive/manifest", test_manifest);
  g_test_add_func ("/docker-archive/choose-by-name", test_choose_by_name);
  g_test_add_func ("/docker-archive/check-layers", test_check_layers);
  return g_test_run ();
}
