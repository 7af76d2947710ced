/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Images as refs and commits of the repository, in the layout that atomic and skopeo's ostree
 * transport made: image commits (manifest.json), config commits (content), layer commits; and our
 * merged tree for each manifest digest.
 */
#pragma once

#include "image/sc-image-config.h"
#include "image/sc-manifest.h"
#include "store/sc-repo.h"

typedef struct
{
  char *digest;      /* (owned) of the manifest */
  char *commit;      /* (owned) image commit */
  char **references; /* (owned) full names */
  char *source;      /* (owned) "" for an image that another tool stored */
  char *platform;    /* (owned) os/arch[/variant], "" when the config is not stored */
  gint64 created_usec;
  gint64 pulled_usec;
  guint64 size_bytes;       /* unpacked layers; compressed where the unpacked size is not known */
  guint64 compressed_bytes; /* layers as they are downloaded; 0 when that is not known */
  guint64 exclusive_bytes;  /* of layers that no other digest has */
  GHashTable *labels;       /* (owned) char* to char* */
} ScImage;

void sc_image_free (ScImage *self);

/** ScNewImage: what a pull has in its hands when all layers are stored; everything is lent */
typedef struct
{
  const char *fullname;
  const char *source; /* transport string as given, e.g. "docker://registry.example.com/etcd:3.5" */
  const char *manifest_digest;
  GBytes *manifest_bytes;
  const ScManifest *manifest;
  GBytes *config_bytes;
  char **layer_commits; /* of manifest->layers, in their order */
  gboolean is_unnamed;  /* only to be looked at: it goes with the next prune unless it is stored
                         * under its name before */
} ScNewImage;

/**
 * sc_image_store_add:
 * @repo: with an open transaction
 *
 * Writes config, image and merged commits and sets all refs: of every layer and of the config
 * ("ociimage/<hex>"), of the image ("ociimage/<ENC(fullname)>", or that of sc_unnamed_ref()), of the
 * merged tree ("syscont/rootfs/<hex>"). The transaction makes them visible at once. An image without layers is
 * IMAGE_INVALID.
 */
gboolean sc_image_store_add (ScRepo *repo,
                             const ScNewImage *image,
                             GCancellable *cancellable,
                             GError **error);

/**
 * sc_image_store_set_name:
 * @image: from sc_image_store_lookup()
 * @repo: with an open transaction
 *
 * Gives a stored image one more name (same image commit). INVALID_REFERENCE for one that is too long
 * to be stored.
 */
gboolean
sc_image_store_set_name (ScRepo *repo, const ScImage *image, const char *fullname, GError **error);

/** sc_image_store_list: (transfer full): of ScImage, one for each digest, sorted by first
 * reference; an unreadable image is logged and left out */
GPtrArray *sc_image_store_list (ScRepo *repo, GError **error);

/**
 * sc_image_store_lookup:
 * @name: a full or shortened name (":latest" is appended as sc_reference_parse() does), or 12 to 64
 * hex digits, with or
 *   without "sha256:", that the manifest digest begins with
 *
 * Returns: (transfer full) (nullable): NOT_FOUND when there is none, INVALID_ARGUMENT when the
 * digits fit several
 */
ScImage *sc_image_store_lookup (ScRepo *repo, const char *name, GError **error);

/**
 * sc_image_store_lookup_unnamed:
 * @fullname: that the image would have
 * @is_new: (out): no image with this digest has a name
 *
 * Returns: (transfer full) (nullable): the image with this very digest, also one that was stored
 *   without a name, as it would be if it had this one
 */
ScImage *sc_image_store_lookup_unnamed (
    ScRepo *repo, const char *digest, const char *fullname, gboolean *is_new, GError **error);

/** sc_image_find_name: (transfer none) (nullable): the name among the image's that @given is; NULL
 * when @given is a part of its digest, which means all of them */
const char *sc_image_find_name (const ScImage *self, const char *given);

/** sc_image_store_list_names: (transfer full): sorted: all names, also of images that cannot be read
 */
char **sc_image_store_list_names (ScRepo *repo, GError **error);

/** sc_image_store_get_source: (transfer full): where the image behind this very name came from; ""
 * when that is not known */
char *sc_image_store_get_source (ScRepo *repo, const char *fullname);

/** sc_image_store_get_manifest: (transfer full): raw bytes, from the image commit */
GBytes *sc_image_store_get_manifest (ScRepo *repo, const ScImage *image, GError **error);
/** sc_image_store_get_config: (transfer full): raw bytes, from the config commit */
GBytes *sc_image_store_get_config (ScRepo *repo, const ScImage *image, GError **error);

/** sc_image_store_get_layers: (transfer full): commits of the layers, base first; NOT_FOUND when one
 * is not stored, NOT_SUPPORTED for a tree made in OSTree itself, which has no layers */
char **sc_image_store_get_layers (ScRepo *repo, const ScImage *image, GError **error);

/**
 * sc_image_store_ensure_rootfs:
 *
 * Returns: (transfer full) (nullable): the merged commit of the image; made now, in a transaction
 * of its own, for an image
 *   that another tool stored
 */
char *sc_image_store_ensure_rootfs (ScRepo *repo,
                                    const ScImage *image,
                                    GCancellable *cancellable,
                                    GError **error);

/**
 * sc_image_store_remove_name:
 * @repo: with an open transaction
 *
 * Removes one name. Layers, config and merged tree stay until the next prune.
 */
void sc_image_store_remove_name (ScRepo *repo, const char *fullname);

/** sc_unnamed_ref: (transfer full): "syscont/unnamed/<64 hex>", of an image without a name */
char *sc_unnamed_ref (const char *manifest_digest);

/** sc_rootfs_ref: (transfer full): "syscont/rootfs/<64 hex>"; sc_deploy_ref: (transfer full):
 * "syscont/deploy/NAME/<n>" */
char *sc_rootfs_ref (const char *manifest_digest);
char *sc_deploy_ref (const char *name, guint64 deployment);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScImage, sc_image_free)
