/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How to find out whether a service does its work, beside that it runs: what the image says in
 * manifest.json's "health" or in its config's Healthcheck, what the caller says instead, and the
 * timer that comes of it. Pure.
 */
#pragma once

#include "base/sc-json.h"
#include "image/sc-image-config.h"

typedef struct
{
  char **command;  /* (owned) (nullable) runs in the container; it passes with the exit status 0 */
  char *unit;      /* (owned) (nullable) service of the host; it passes when it can be started */
  gboolean is_off; /* nothing is checked */
  /* -1 = not said, of all four */
  gint64 interval_usec;
  gint64 timeout_usec;
  gint64 start_period_usec; /* as long as a failure does not count */
  gint retries;             /* this many failures in a row are an unhealthy service */
} ScHealth;

/** sc_health_new: says nothing */
ScHealth *sc_health_new (void);
void sc_health_free (ScHealth *self);

/** sc_health_copy: (transfer full); NULL for NULL */
ScHealth *sc_health_copy (const ScHealth *self);

/** sc_health_check: INVALID_ARGUMENT for what no check may have: a command and a unit, an empty
 * command, times and numbers out of range */
gboolean sc_health_check (const ScHealth *self, GError **error);

/**
 * sc_health_parse:
 * @object: manifest.json's "health": "command" (a list, or a text for /bin/sh), "unit",
 *   "interval", "timeout", "start-period" (a number of seconds, or a text like "30s" or "5min"),
 *   "retries"
 *
 * Returns: (transfer full) (nullable): IMAGE_INVALID or TEMPLATE_INVALID, naming the member
 */
ScHealth *sc_health_parse (JsonObject *object, GError **error);

/** sc_health_from_image: (transfer full) (nullable): NULL when the config has none */
ScHealth *sc_health_from_image (const ScImageConfig *config);

/**
 * sc_health_resolve:
 * @image: (nullable): what the image says
 * @caller: (nullable): what is said instead, as far as it is said
 *
 * Returns: (transfer full) (nullable): complete, defaults in place; NULL when nothing is checked
 */
ScHealth *sc_health_resolve (const ScHealth *image, const ScHealth *caller);

/** sc_health_merge: (transfer full) (nullable): @before, with what @over says instead; either is
 * nullable */
ScHealth *sc_health_merge (const ScHealth *before, const ScHealth *over);

/** sc_health_read: (transfer full) (nullable): of a state file: @object's @member; NULL without
 * @error when it has none. sc_health_write: @self: (nullable): nothing is written */
ScHealth *sc_health_read (JsonObject *object, const char *member, GError **error);
void sc_health_write (const ScHealth *self, JsonObject *object, const char *member);

/** sc_health_is_same: @a and @b: (nullable) */
gboolean sc_health_is_same (const ScHealth *a, const ScHealth *b);

/** sc_health_to_text: (transfer full): to be read and compared, JSON; NULL for NULL */
char *sc_health_to_text (const ScHealth *self);

/** sc_health_timer_text: (transfer full): text of the timer that has a complete check made again
 * and again while @name's service runs */
char *sc_health_timer_text (const ScHealth *self, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHealth, sc_health_free)
