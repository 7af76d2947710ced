/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which units have run at some time: an empty file STATE/started/UNIT for each, written once,
 * because systemd forgets a unit that has stopped and that nothing needs. A mark that a power cut
 * takes away is no harm, so nothing here waits for the disk. Main thread only.
 */
#pragma once

#include "base/sc-paths.h"

typedef struct _ScStartMarks ScStartMarks;

/** sc_start_marks_load: without a directory that can be used the marks last as long as the object
 */
ScStartMarks *sc_start_marks_load (const ScPaths *paths);
void sc_start_marks_free (ScStartMarks *self);

gboolean sc_start_marks_has (ScStartMarks *self, const char *unit);
void sc_start_marks_add (ScStartMarks *self, const char *unit);

/** sc_start_marks_keep: removes those of all other units; @units: a set of char* */
void sc_start_marks_keep (ScStartMarks *self, GHashTable *units);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScStartMarks, sc_start_marks_free)
