/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One side of a comparison: what a deployment consists of as text, made or about to be. Results of
 * jobs can be read by everybody, so values that were set for a container are never in them: where one
 * stands in a text there is its name instead.
 */
#pragma once

#include "deploy/sc-container.h"
#include "deploy/sc-rendering.h"

typedef struct
{
  char *config;        /* (owned) (nullable) */
  ScUnitTexts texts;   /* (owned) */
  char *health;        /* (owned) (nullable) the check */
  GHashTable *values;  /* (owned) (nullable) that were set: char* to char* */
  GHashTable *secrets; /* (owned) (nullable) the same */
} ScSide;

/** sc_side_load: of the deployment NAME.@n as it is on disk; DAMAGED when it has no record */
gboolean sc_side_load (
    ScSide *self, const ScPaths *paths, const ScContainer *container, guint64 n, GError **error);

/** sc_side_take: of one that is rendered; @secrets: (nullable) */
void
sc_side_take (ScSide *self, const ScRendering *rendering, GHashTable *values, GHashTable *secrets);
void sc_side_clear (ScSide *self);

/** sc_side_add_row: one row of an aa{sv}, as sc_side_compare() does; @diff: (nullable) */
void sc_side_add_row (GVariantBuilder *rows,
                      const char *kind,
                      const char *action,
                      const char *name,
                      const char *diff);

/**
 * sc_side_compare:
 * @rows: of type aa{sv}: what differs is added: "kind" (s): "config", "unit", "drop-in", "tmpfiles",
 *   "timer", "health" or "value", "action" (s): "create", "change" or "remove", "name" (s) and, of a text
 *   that is not removed, "diff" (s)
 */
void sc_side_compare (const ScSide *before,
                      const ScSide *after,
                      const char *name,
                      GVariantBuilder *rows);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScSide, sc_side_clear)
