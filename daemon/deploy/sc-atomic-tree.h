/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A container as "atomic install --system" has left it below its checkout path: the directories
 * NAME.0 and NAME.1, and the symbolic link NAME to the one that counts.
 */
#pragma once

#include "deploy/sc-host-record.h"
#include "deploy/sc-unit-texts.h"

typedef struct
{
  char *checkout;      /* (owned) where atomic has its containers */
  char *directory;     /* (owned) DESTDIR: the one that counts, NAME.0 or NAME.1 */
  char *image;         /* (owned) its name, as it was given */
  char *digest;        /* (owned) (nullable) of the manifest */
  char *runtime;       /* (owned) (nullable) its path */
  GHashTable *values;  /* (owned) all of them, with defaults: char* to char* */
  ScHostRecord *files; /* (owned) what it has on the host */
  char *config;        /* (owned) config.json, as runtimes spell it today */
  ScUnitTexts texts;   /* (owned) as they were rendered */
} ScAtomicTree;

/** sc_atomic_tree_load: (transfer full) (nullable): NOT_FOUND, DAMAGED; NOT_SUPPORTED for one whose
 * root file system is elsewhere, that a package owns, or where containers of ours are too */
ScAtomicTree *sc_atomic_tree_load (const ScPaths *paths, const char *name, GError **error);
void sc_atomic_tree_free (ScAtomicTree *self);

/**
 * sc_atomic_tree_list_privileges:
 * @paths, @name: where it would be here, so that what it has in its own directory is the same
 *
 * Returns: (transfer full) (nullable): of ScPrivilege, what it may do now; TEMPLATE_INVALID
 */
GPtrArray *sc_atomic_tree_list_privileges (const ScAtomicTree *self,
                                           const ScPaths *paths,
                                           const char *name,
                                           GError **error);

/** sc_atomic_tree_pick_values: (transfer full): those that somebody has set: neither ours to compute
 * nor what @defaults say, char* to char* */
GHashTable *sc_atomic_tree_pick_values (const ScAtomicTree *self, GHashTable *defaults);

/** sc_atomic_tree_remove: link and directories; may be repeated. @checkout: as it was loaded */
gboolean sc_atomic_tree_remove (const char *checkout, const char *name, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScAtomicTree, sc_atomic_tree_free)
