/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whole images in a repository of a test, with real digests.
 */
#pragma once

#include "base/sc-digest.h"
#include "image/sc-reference.h"
#include "store-fixture.h"
#include "store/sc-image-store.h"

/** image_layer_digest: (transfer full): the digest that layer @content has in these tests */
static inline char *
image_layer_digest (const char *content)
{
  return sc_digest_of_bytes (content, strlen (content));
}

/** image_config_text: (transfer full): a config with @n_layers layers, created at second @created_s
 */
static inline char *
image_config_text (guint n_layers, gint64 created_s)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (created_s);
  g_autofree char *created = g_date_time_format (time, "%Y-%m-%dT%H:%M:%SZ");
  g_autoptr (GString) ids = g_string_new (NULL);

  for (guint i = 0; i < n_layers; i++)
    g_string_append_printf (ids, "%s\"sha256:%064u\"", i > 0 ? "," : "", i);
  return g_strdup_printf (
      "{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"%s\",\"config\":{\"Labels\":"
      "{\"atomic.type\":\"system\"}},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[%s]}}",
      created, ids->str);
}

/** image_manifest_text: (transfer full): an OCI manifest of layers with these contents */
static inline char *
image_manifest_text (const char *config, const char *const *contents)
{
  g_autofree char *config_digest = sc_digest_of_bytes (config, strlen (config));
  g_autoptr (GString) layers = g_string_new (NULL);

  for (guint i = 0; contents[i] != NULL; i++)
    {
      g_autofree char *digest = image_layer_digest (contents[i]);
      g_string_append_printf (
          layers,
          "%s{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\",\"size\":1000,"
          "\"digest\":\"%s\"}",
          i > 0 ? "," : "", digest);
    }
  return g_strdup_printf (
      "{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\","
      "\"config\":{\"mediaType\":\"application/"
      "vnd.oci.image.config.v1+json\",\"size\":%" G_GSIZE_FORMAT
      ",\"digest\":\"%s\"},\"layers\":[%s]}",
      strlen (config), config_digest, layers->str);
}

/** image_store_layers: (transfer full): layer commits; each layer is one file that is named like
 * its content */
static inline char **
image_store_layers (StoreFixture *self, const char *const *contents)
{
  g_autoptr (GStrvBuilder) commits = g_strv_builder_new ();

  for (guint i = 0; contents[i] != NULL; i++)
    {
      const LayerEntry rows[] = { { SC_ENTRY_REGULAR, contents[i], contents[i], 0 },
                                  { SC_ENTRY_REGULAR, "top", contents[i], 0 },
                                  { 0 } };
      g_autofree char *commit = store_make_layer (self, rows);
      g_strv_builder_add (commits, commit);
    }
  return g_strv_builder_end (commits);
}

/** image_add: (transfer full): digest of the image; @created_s makes it another one */
static inline char *
image_add (StoreFixture *self, const char *fullname, gint64 created_s, const char *const *contents)
{
  g_autofree char *config = image_config_text (g_strv_length ((char **)contents), created_s);
  g_autofree char *manifest_text = image_manifest_text (config, contents);
  g_autoptr (GBytes) config_bytes = g_bytes_new (config, strlen (config));
  g_autoptr (GBytes) manifest_bytes = g_bytes_new (manifest_text, strlen (manifest_text));
  g_autoptr (GError) error = NULL;
  char *digest = sc_digest_of_bytes (manifest_text, strlen (manifest_text));
  g_autofree char *source = g_strconcat ("docker://", fullname, NULL);

  g_autoptr (ScManifest) manifest = sc_manifest_parse (manifest_bytes, NULL, &error);
  g_assert_no_error (error);
  store_begin (self);
  g_auto (GStrv) commits = image_store_layers (self, contents);
  ScNewImage image = { fullname, source, digest, manifest_bytes, manifest, config_bytes, commits };
  sc_image_store_add (self->repo, &image, NULL, &error);
  g_assert_no_error (error);
  store_commit (self);
  return digest;
}

/** image_set_ref: in a transaction of its own; @commit NULL removes it */
static inline void
image_set_ref (StoreFixture *self, const char *ref, const char *commit)
{
  store_begin (self);
  sc_repo_set_ref (self->repo, ref, commit);
  store_commit (self);
}

static inline char *
image_resolve (StoreFixture *self, const char *ref)
{
  g_autoptr (GError) error = NULL;
  char *commit = sc_repo_resolve (self->repo, ref, &error);

  g_assert_no_error (error);
  return commit;
}

/** image_store_foreign: stores a manifest under @fullname as another tool does, with the given
 * metadata keys and values */
static inline void
image_store_foreign (StoreFixture *self, const char *fullname, const char *const *pairs)
{
  static const LayerEntry rows[] = { { SC_ENTRY_REGULAR, "foreign", "x", 0 }, { 0 } };
  OstreeRepo *ostree = sc_repo_get_ostree (self->repo);
  g_autofree char *ref = sc_reference_encode (fullname);
  g_autofree char *commit = NULL;
  g_autoptr (GFile) root = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (guint i = 0; pairs[i] != NULL; i += 2)
    g_variant_builder_add (&builder, "{sv}", pairs[i], g_variant_new_string (pairs[i + 1]));
  store_begin (self);
  g_autofree char *layer = store_make_layer (self, rows);
  ostree_repo_read_commit (ostree, layer, &root, NULL, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_commit (ostree, NULL, "foreign", NULL, g_variant_builder_end (&builder),
                            OSTREE_REPO_FILE (root), &commit, NULL, &error);
  g_assert_no_error (error);
  sc_repo_set_ref (self->repo, ref, commit);
  store_commit (self);
}
