/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The documents of an OCI image layout (image-spec image-layout.md, descriptor.md), as far as this
 * side of the bus has to understand them.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#define SC_LAYOUT_DOCUMENT_MAX_BYTES (4 * 1024 * 1024)

/** sc_layout_parse: (transfer full): @what: names the document in an error, which quotes nothing of
 * it */
JsonObject *sc_layout_parse (GBytes *bytes, const char *what, GError **error);

/** sc_layout_get_object, sc_layout_get_array: (transfer none) (nullable): NULL when the member has
 * another type */
JsonObject *sc_layout_get_object (JsonObject *object, const char *member);
JsonArray *sc_layout_get_array (JsonObject *object, const char *member);

/** sc_layout_get_element: (transfer none) (nullable): likewise */
JsonObject *sc_layout_get_element (JsonArray *array, guint i);

/**
 * sc_layout_find:
 * @index: of an index.json
 * @tag: (nullable): org.opencontainers.image.ref.name of an entry; NULL for the only one: several
 * with one name between them are one image for several platforms, and the service chooses
 *
 * Returns: (transfer none) (nullable): its descriptor; NULL with NOT_FOUND that lists the names
 */
JsonObject *sc_layout_find (JsonObject *index, const char *tag, GError **error);

/** sc_layout_find_name: (transfer full) (nullable): the ref name of that entry, "" when it has none */
char *sc_layout_find_name (GBytes *index, const char *tag, GError **error);

/** sc_layout_dup_member: (transfer full) (nullable): "blobs/sha256/<hex>" for the digest of a
 * descriptor */
char *sc_layout_dup_member (JsonObject *descriptor, GError **error);

/**
 * sc_layout_find_archive_entry:
 * @fd: a regular file, perhaps compressed; its position is restored
 *
 * Returns: (transfer full) (nullable): as sc_layout_find_name(), of an oci-archive
 */
char *sc_layout_find_archive_entry (int fd, const char *tag, GError **error);
