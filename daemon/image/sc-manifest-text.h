/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The text of a manifest for an image that has none of its own. The same image gives the same
 * bytes, and with them the same digest, wherever it is made: keys in the order of the
 * specification, no white space.
 */
#pragma once

#include "image/sc-manifest.h"

/**
 * sc_manifest_text_new:
 * @media_type: of the manifest
 * @config: its media type, digest and size are written
 * @layers: (element-type ScDescriptor): likewise, base first
 */
GBytes *
sc_manifest_text_new (const char *media_type, const ScDescriptor *config, GPtrArray *layers);

/** sc_descriptor_new: (transfer full): of a blob without compression */
ScDescriptor *sc_descriptor_new (const char *media_type, const char *digest, guint64 size_bytes);
