/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-progress-line.h"

#include <string.h>

static void
test_text_shows_bar_and_bytes (void)
{
  ScProgressLine line = { .phase = "download",
                          .bytes = 12000000,
                          .bytes_total = 24000000,
                          .blobs = 8,
                          .blobs_done = 3,
                          .rate_bytes_per_s = 3000000,
                          .progress_valid = TRUE,
                          .progress = 0.5 };
  g_autofree char *text = sc_progress_line_to_text (&line, 120);

  g_assert_true (g_str_has_prefix (text, "download  [==========>         ]  50 %  12"));
  g_assert_nonnull (strstr (text, " of 24"));
  g_assert_nonnull (strstr (text, "  3 of 8 blobs  "));
  g_assert_true (g_str_has_suffix (text, "/s"));
}

static void
test_text_without_total_has_no_bar (void)
{
  ScProgressLine line = { .phase = "resolve" };
  g_autofree char *text = sc_progress_line_to_text (&line, 80);

  g_assert_cmpstr (text, ==, "resolve   ");
}

static void
test_text_fits_terminal (void)
{
  ScProgressLine line = {
    .phase = "download", .bytes = 1000, .bytes_total = 2000, .progress_valid = TRUE, .progress = 0.5
  };
  g_autofree char *text = sc_progress_line_to_text (&line, 30);

  g_assert_cmpint (g_utf8_strlen (text, -1), ==, 29);
}

static void
test_text_clamps_progress (void)
{
  ScProgressLine line = { .phase = "x", .progress_valid = TRUE, .progress = 7 };
  g_autofree char *text = sc_progress_line_to_text (&line, 80);

  g_assert_nonnull (strstr (text, "[====================] 100 %"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/progress-line/text/shows-bar-and-bytes", test_text_shows_bar_and_bytes);
  g_test_add_func ("/progress-line/text/without-total-has-no-bar",
                   test_text_without_total_has_no_bar);
  g_test_add_func ("/progress-line/text/fits-terminal", test_text_fits_terminal);
  g_test_add_func ("/progress-line/text/clamps-progress", test_text_clamps_progress);
  return g_test_run ();
}
