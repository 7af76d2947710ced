/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an archive of "docker save" or "podman save" says, once all of it has passed: a table of its
 * members, and the image that its manifest.json makes of them. The layouts of all versions differ
 * in the names only; those of manifest.json decide. Members are looked up in the table and nowhere
 * else. Pure.
 */
#pragma once

#include "image/sc-manifest.h"

#define SC_DOCKER_MAX_MEMBERS        8192
#define SC_DOCKER_MAX_DOCUMENT_BYTES (8 * 1024 * 1024)
#define SC_DOCKER_MAX_KEPT_BYTES     (24 * 1024 * 1024) /* of all documents of an archive */

typedef struct _ScDockerArchive ScDockerArchive;

ScDockerArchive *sc_docker_archive_new (void);
void sc_docker_archive_free (ScDockerArchive *self);

/* Each adds a member with a checked path, in the order of the archive. IMAGE_INVALID when a member
 * of that name is there already, LIMIT_EXCEEDED. */
gboolean sc_docker_archive_add_document (ScDockerArchive *self,
                                         const char *path,
                                         GBytes *bytes,
                                         GError **error);
/** @digest, @size_bytes: of the uncompressed tar */
gboolean sc_docker_archive_add_layer (ScDockerArchive *self,
                                      const char *path,
                                      const char *digest,
                                      guint64 size_bytes,
                                      GError **error);
/** @target: as written */
gboolean sc_docker_archive_add_symlink (ScDockerArchive *self,
                                        const char *path,
                                        const char *target,
                                        GError **error);
/** @target: path of a member */
gboolean sc_docker_archive_add_hardlink (ScDockerArchive *self,
                                         const char *path,
                                         const char *target,
                                         GError **error);
/** @reason: (transfer full): what is said when the image needs this member */
gboolean sc_docker_archive_add_unusable (ScDockerArchive *self,
                                         const char *path,
                                         GError *reason,
                                         GError **error);

typedef struct
{
  char *name;           /* (owned) (nullable) the chosen or first of its RepoTags */
  GBytes *config;       /* (owned) */
  GPtrArray *layers;    /* (owned) of ScDescriptor: uncompressed, base first */
  char **layer_members; /* (owned) their names in the archive */
  GBytes *manifest;     /* (owned) the one that is made for it, Docker schema 2 */
} ScDockerImage;

/**
 * sc_docker_archive_choose:
 * @name: (nullable): one of RepoTags, ":latest" may be left out; NULL when there is one image only
 *
 * Errors: IMAGE_INVALID, LIMIT_EXCEEDED, MANIFEST_UNKNOWN that lists the names
 */
ScDockerImage *sc_docker_archive_choose (ScDockerArchive *self, const char *name, GError **error);
void sc_docker_image_free (ScDockerImage *self);

/** sc_docker_image_check_layers: DIGEST_MISMATCH unless the layers are @diff_ids, as many as there
 * are layers */
gboolean sc_docker_image_check_layers (const ScDockerImage *self,
                                       const char *const *diff_ids,
                                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScDockerArchive, sc_docker_archive_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScDockerImage, sc_docker_image_free)
