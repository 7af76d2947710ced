/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The line that shows how far a job is. Pure: state in, text out.
 */
#pragma once

#include <glib.h>

typedef struct
{
  const char *phase;
  guint64 bytes;
  guint64 bytes_total; /* 0: not known */
  guint blobs;         /* that are moved; 0: not known */
  guint blobs_done;
  guint64 rate_bytes_per_s; /* 0: not known */
  gboolean progress_valid;
  double progress; /* 0 to 1 */
} ScProgressLine;

/**
 * sc_progress_line_to_text:
 * @columns: width of the terminal
 *
 * Returns: (transfer full): at most @columns - 1 columns, e.g. "download   [=====>    ]  52 %  12.0
 * MB of 23.1 MB  3 of 8 blobs  5.2 MB/s"
 */
char *sc_progress_line_to_text (const ScProgressLine *self, guint columns);
