/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The directories of the host that lines for tmpfiles.d have made for a container. Its state has
 * them before they are made; with the container those go that nobody has put anything into. What was
 * there before is not ours. Of several containers that need the same one each has it.
 */
#pragma once

#include "deploy/sc-container.h"

/**
 * sc_made_directories_note:
 * @after: the state that will be saved before, or with, what @tmpfiles makes
 * @tmpfiles: (nullable): text of the lines
 */
void sc_made_directories_note (const ScPaths *paths, ScContainer *after, const char *tmpfiles);

/**
 * sc_made_directories_remove:
 * @name: of a container that is uninstalled; its state is still there
 * @notes: (nullable): of char*: what is kept, and why, is added
 */
void sc_made_directories_remove (const ScPaths *paths, const char *name, GPtrArray *notes);
