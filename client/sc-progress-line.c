/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-progress-line.h"

#define BAR_COLUMNS 20

static void
append_bar (GString *text, double progress)
{
  guint full = (guint)(CLAMP (progress, 0, 1) * BAR_COLUMNS);

  g_string_append_c (text, '[');
  for (guint i = 0; i < BAR_COLUMNS; i++)
    g_string_append_c (text, i < full ? '=' : i == full ? '>' : ' ');
  g_string_append_printf (text, "] %3u %%", (guint)(CLAMP (progress, 0, 1) * 100));
}

char *
sc_progress_line_to_text (const ScProgressLine *self, guint columns)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%-10s", self->phase);
  if (self->progress_valid)
    append_bar (text, self->progress);
  if (self->bytes > 0 || self->bytes_total > 0)
    {
      g_autofree char *bytes = g_format_size (self->bytes);
      g_autofree char *total = g_format_size (self->bytes_total);
      g_string_append_printf (text, "  %s", bytes);
      if (self->bytes_total > 0)
        g_string_append_printf (text, " of %s", total);
    }
  if (self->blobs > 0)
    g_string_append_printf (text, "  %u of %u blobs", self->blobs_done, self->blobs);
  if (self->rate_bytes_per_s > 0)
    {
      g_autofree char *rate = g_format_size (self->rate_bytes_per_s);
      g_string_append_printf (text, "  %s/s", rate);
    }

  /* g_format_size() puts no-break spaces into its text: count characters, not bytes. */
  if (columns > 1 && g_utf8_strlen (text->str, -1) > (glong)columns - 1)
    g_string_truncate (
        text, (gsize)(g_utf8_offset_to_pointer (text->str, (glong)columns - 1) - text->str));
  return g_string_free (text, FALSE);
}
