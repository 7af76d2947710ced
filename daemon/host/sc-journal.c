/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-journal.h"

#include "base/sc-error-util.h"

#include <string.h>
#include <systemd/sd-journal.h>

#define MAX_LINE_BYTES 240

typedef sd_journal Journal;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Journal, sd_journal_close)

static gboolean
match_unit (Journal *journal, const char *unit)
{
  g_autofree char *match = g_strconcat ("_SYSTEMD_UNIT=", unit, NULL);

  return sd_journal_add_match (journal, match, 0) >= 0 && sd_journal_seek_tail (journal) >= 0;
}

static char *
get_message (Journal *journal)
{
  const void *data = NULL;
  size_t length = 0;

  if (sd_journal_get_data (journal, "MESSAGE", &data, &length) < 0 || length < strlen ("MESSAGE="))
    return NULL;
  g_autofree char *text
      = g_strndup ((const char *)data + strlen ("MESSAGE="), length - strlen ("MESSAGE="));
  return sc_text_escape_max (text, MAX_LINE_BYTES);
}

char **
sc_journal_last_lines (const char *unit, gint64 since_usec, guint max_lines)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Journal) journal = NULL;
  guint64 time_usec = 0;

  if (sd_journal_open (&journal, SD_JOURNAL_LOCAL_ONLY) >= 0 && match_unit (journal, unit))
    while (lines->len < max_lines && sd_journal_previous (journal) > 0
           && sd_journal_get_realtime_usec (journal, &time_usec) >= 0
           && (gint64)time_usec >= since_usec)
      {
        char *line = get_message (journal);
        if (line != NULL)
          g_ptr_array_insert (lines, 0, line);
      }
  g_ptr_array_add (lines, NULL);
  return (char **)g_ptr_array_steal (lines, NULL);
}
