/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Names of images, parsed by their text alone: no DNS, no files (distribution-spec, "Pulling
 * manifests"; grammar of the Docker reference). And how a name becomes a ref of the OSTree
 * repository, compatible with atomic and skopeo's ostree transport.
 */
#pragma once

#include <glib.h>

typedef struct
{
  char *text;       /* (owned) as given */
  char *registry;   /* (owned) (nullable) host[:port]; NULL for a short name such as "busybox" */
  char *repository; /* (owned) path on the registry; "library/busybox" for docker.io/busybox; for a
                   * short name its path */
  char *tag; /* (owned) (nullable) "latest" when neither tag nor digest was given; NULL with only a
            * digest */
  char *digest; /* (owned) (nullable) "sha256:…" */
  char *
      fullname; /* (owned) the name in the store: @text, with ":latest" appended when it has neither
                 * tag nor
                     * digest, and no other normalisation */
} ScReference;

/**
 * sc_reference_parse:
 * @text: NAME[:TAG][@DIGEST]; at most 1024 bytes
 *
 * The first component is a registry when it has a "." or ":" or is "localhost" (Docker's rule).
 * Path components are lower case as the distribution-spec says. INVALID_REFERENCE quotes @text and
 * says what to write, for http: it names the configuration key [Registries] Insecure=, for a text
 * with a transport prefix that only a client can open ("oci:", "oci-archive:", "docker:" …) it says
 * to use syscontctl.
 */
ScReference *sc_reference_parse (const char *text, GError **error);
void sc_reference_free (ScReference *self);

#define SC_ENGINE_PREFIX "docker:"

#define SC_REGISTRY_PREFIX "docker://" /* of a source that is a registry */

/** sc_reference_after_engine: (nullable): NAME of "docker:NAME", lent by @text; NULL for another
 * text, also for "docker:5000/NAME": that is a registry */
const char *sc_reference_after_engine (const char *text);

/**
 * sc_reference_list_candidates:
 * @short_names: (nullable): from the configuration, char* to char*
 * @search: (nullable): registries, from the configuration
 *
 * Returns: (transfer full) (nullable): of ScReference with a registry, one or more, in the order in
 *   which they are to be tried: itself, or for a name without a registry what @short_names maps it
 *   to, or else one for each of @search. INVALID_REFERENCE says what could be written.
 */
GPtrArray *sc_reference_list_candidates (const ScReference *self,
                                         GHashTable *short_names,
                                         const char *const *search,
                                         GError **error);

/** sc_reference_container_name: (transfer full): last path component, with "-TAG" unless the tag is
 * "latest" */
char *sc_reference_container_name (const ScReference *self);

/** sc_reference_encode: (transfer full): "ociimage/" and @fullname with each byte outside
 * [A-Za-z0-9.-] as _XX */
char *sc_reference_encode (const char *fullname);

/** sc_reference_decode: (transfer full) (nullable): the full name behind an image ref; NULL for
 * another ref, also for a blob's ("ociimage/" and exactly 64 lower-case hex digits) */
char *sc_reference_decode (const char *ref);

/** sc_reference_blob_ref: (transfer full): "ociimage/<64 hex>" for a digest */
char *sc_reference_blob_ref (const char *digest);

/** sc_reference_is_blob_ref: whether @ref is "ociimage/" and exactly 64 lower-case hex digits */
gboolean sc_reference_is_blob_ref (const char *ref);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScReference, sc_reference_free)
