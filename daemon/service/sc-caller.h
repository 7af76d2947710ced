/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who is on the other end: uid and unit of a bus name, asked of the bus once and kept until the
 * name leaves it. A unique name is never given to anybody else, so that what was found holds as
 * long as it is there.
 */
#pragma once

#include <gio/gio.h>

typedef struct
{
  char *sender; /* (owned) unique bus name */
  guint uid;
  char *unit; /* (owned) "" when it is in none; for the record only, it is found through a pid */
  GCancellable *gone; /* (owned) cancelled when it leaves the bus */
} ScCaller;

ScCaller *sc_caller_ref (ScCaller *self);
void sc_caller_unref (ScCaller *self);

typedef struct _ScCallers ScCallers;

/** sc_callers_new: @bus: (nullable): without one nobody is known */
ScCallers *sc_callers_new (GDBusConnection *bus);
void sc_callers_free (ScCallers *self);

/** ScCallerFunc: @caller: (nullable): NULL when it is not known or has left */
typedef void (*ScCallerFunc) (ScCaller *caller, gpointer user_data);

/**
 * sc_callers_lookup:
 * @func: called once: before this returns when the caller is known already, later from the main
 * context otherwise
 */
void sc_callers_lookup (ScCallers *self, const char *sender, ScCallerFunc func, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScCaller, sc_caller_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScCallers, sc_callers_free)
