/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The contents of the files that an intent changes: N.before and N.after in a directory of their
 * own, mode 0700; the intent has their checksums. Nobody but sc-intent.c includes this.
 */
#pragma once

#include "base/sc-json.h"
#include "host/sc-file-change.h"

/** sc_intent_files_store: @dir_fd: of the intents; @name: of the directory that is made */
gboolean sc_intent_files_store (GPtrArray *files, int dir_fd, const char *name, GError **error);

/** sc_intent_files_describe: (transfer full): paths, modes and checksums */
JsonArray *sc_intent_files_describe (GPtrArray *files);

/** sc_intent_files_load: (transfer full) (nullable): DAMAGED when a content is not what the
 * description says; @list: (nullable) */
GPtrArray *sc_intent_files_load (JsonArray *list, int dir_fd, const char *name, GError **error);
