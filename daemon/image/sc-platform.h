/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Platforms as OCI writes them (image-spec image-index.md, "platform"): os/architecture[/variant],
 * with Go's names.
 */
#pragma once

#include <glib.h>

typedef struct
{
  char *os;           /* (owned) */
  char *architecture; /* (owned) */
  char *variant;      /* (owned) (nullable) */
} ScPlatform;

/** sc_platform_parse: "os/arch[/variant]"; INVALID_ARGUMENT otherwise */
ScPlatform *sc_platform_parse (const char *text, GError **error);
ScPlatform *sc_platform_new (const char *os, const char *architecture, const char *variant);
/** sc_platform_host: (transfer full): of this machine, from uname(2) */
ScPlatform *sc_platform_host (void);
void sc_platform_free (ScPlatform *self);
char *sc_platform_to_text (const ScPlatform *self);

/**
 * sc_platform_rank:
 *
 * How well an image for @have runs on @want: 0 not at all, otherwise higher is better. arm variants
 * run on higher ones (v6 on v7), arm64 without variant is v8, an entry without variant is below one
 * with the exact variant.
 */
guint sc_platform_rank (const ScPlatform *want, const ScPlatform *have);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScPlatform, sc_platform_free)
