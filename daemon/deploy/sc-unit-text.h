/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Text of units: the service of an image that ships none, our drop-in, and what must be known and
 * checked of a unit that an image's template gave. Pure text; systemd is not asked.
 */
#pragma once

#include "deploy/sc-rendering.h"

typedef struct
{
  const char *name; /* of the container */
  const char *destdir;
  const char *runtime;
} ScUnitRules;

/* What the rest of a deployment must know of the unit. */
typedef struct
{
  gboolean uses_runtime; /* a command line names the runtime; otherwise config.json is not used */
  gboolean is_notify;    /* the runtime gets a notify socket and binds it into the container */
  char *slice;           /* (owned) the slice it is put into, "system.slice" unless the unit says */
} ScUnitFacts;

void sc_unit_facts_clear (ScUnitFacts *self);

/** sc_unit_text_default: (transfer full): template of the unit for an image without one; @notes:
 * what was ignored */
GBytes *sc_unit_text_default (const ScImageConfig *image_config, GPtrArray *notes);

/**
 * sc_unit_text_check:
 * @file: name for messages
 *
 * Errors: TEMPLATE_INVALID with the line: no unit file, a name of another unit in Alias= or Also=,
 * BusName=;
 *   NOT_SUPPORTED: WatchdogSec= that the runtime does not forward, User= that cannot reach its
 *   working directory
 */
gboolean sc_unit_text_check (const char *file,
                             const char *text,
                             const ScUnitRules *rules,
                             ScUnitFacts *facts,
                             GError **error);

/** ScWritable: what becomes of what a container writes to its root */
typedef enum
{
  SC_WRITABLE_NOT,        /* it cannot */
  SC_WRITABLE_VOLATILE,   /* gone with the next start */
  SC_WRITABLE_PERSISTENT, /* gone with the deployment */
} ScWritable;

/**
 * sc_unit_text_drop_in:
 * @rules: of the unit
 * @is_checked: whether a timer has its health checked
 *
 * Returns: (transfer full): text of NAME.service.d/50-syscont.conf
 */
char *sc_unit_text_drop_in (const ScPaths *paths,
                            const ScUnitRules *rules,
                            ScWritable writable,
                            gboolean is_checked);

/* Argument of mount(8)'s -o for the root that may be written to. Relative to the deployment, where
 * mount(8) has to run: commas and colons of a path would mean something else there. */
#define SC_OVERLAY_OPTIONS "lowerdir=rootfs,upperdir=writable/upper,workdir=writable/work"

/** sc_unit_text_cgroups_path: (transfer full): the control group of the container, below that of
 * its unit */
char *sc_unit_text_cgroups_path (const char *slice, const char *name);

/** sc_signal_from_text: number of a signal given as "SIGTERM", "TERM", "15" or "SIGRTMIN+3"; 0 when
 * it is none */
int sc_signal_from_text (const char *text);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScUnitFacts, sc_unit_facts_clear)
