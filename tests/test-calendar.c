/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-calendar.h"

#include <stdlib.h>
#include <time.h>

#define MINUTE_USEC (G_GINT64_CONSTANT (60) * G_USEC_PER_SEC)

typedef struct
{
  const char *name;
  const char *expression;
  const char *at; /* UTC */
  gboolean open;
} Case;

/* 2026-01-31 is a Saturday. */
static const Case cases[] = {
  { "same-minute", "*-*-* 02:00", "2026-01-31T02:00:59Z", TRUE },
  { "minute-later", "*-*-* 02:00", "2026-01-31T02:01:00Z", FALSE },
  { "seconds-are-not-looked-at", "*-*-* 02:00:30", "2026-01-31T02:00:00Z", TRUE },
  { "weekday", "Sat 02:00", "2026-01-31T02:00:00Z", TRUE },
  { "other-weekday", "Sun 02:00", "2026-01-31T02:00:00Z", FALSE },
  { "long-weekday", "saturday *-*-* 02:00", "2026-01-31T02:00:00Z", TRUE },
  { "weekday-range", "Fri..Mon 02:00", "2026-01-31T02:00:00Z", TRUE },
  { "weekday-list", "Mon,Sat 02:00", "2026-01-31T02:00:00Z", TRUE },
  { "hour-range", "*-*-* 02..04:*", "2026-01-31T03:33:00Z", TRUE },
  { "after-hour-range", "*-*-* 02..04:*", "2026-01-31T05:00:00Z", FALSE },
  { "steps", "*-*-* *:05/20", "2026-01-31T09:45:00Z", TRUE },
  { "between-steps", "*-*-* *:05/20", "2026-01-31T09:46:00Z", FALSE },
  { "all-in-steps", "*-*-* *:*/15", "2026-01-31T09:45:00Z", TRUE },
  { "date-list", "*-01,07-30,31 00:00", "2026-01-31T00:00:00Z", TRUE },
  { "year", "2025-*-* 00:00", "2026-01-31T00:00:00Z", FALSE },
  { "without-year", "01-31 00:00", "2026-01-31T00:00:00Z", TRUE },
  { "date-alone-is-midnight", "*-*-31", "2026-01-31T00:00:00Z", TRUE },
  { "date-alone-later", "*-*-31", "2026-01-31T12:00:00Z", FALSE },
  { "weekday-alone-is-midnight", "Sat", "2026-01-31T00:00:00Z", TRUE },
  { "last-of-the-month", "*-*~01 00:00", "2026-01-31T00:00:00Z", TRUE },
  { "last-of-february", "*-02~01 00:00", "2028-02-29T00:00:00Z", TRUE },
  { "second-last", "*-*~02 00:00", "2026-01-31T00:00:00Z", FALSE },
  { "daily", "daily", "2026-01-31T00:00:00Z", TRUE },
  { "hourly", "hourly", "2026-01-31T07:00:00Z", TRUE },
  { "weekly", "weekly", "2026-02-02T00:00:00Z", TRUE },
  { "utc", "*-*-* 02:00 UTC", "2026-01-31T02:00:00Z", TRUE },
};

static gint64
parse_time (const char *text)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);

  return g_date_time_to_unix (time) * G_USEC_PER_SEC;
}

static void
test_is_open (gconstpointer data)
{
  const Case *row = data;
  g_autoptr (GError) error = NULL;

  sc_calendar_check (row->expression, &error);

  g_assert_no_error (error);
  g_assert_cmpint (sc_calendar_is_open (row->expression, MINUTE_USEC, parse_time (row->at)), ==,
                   row->open);
}

static void
test_stays_open (void)
{
  gint64 opens_usec = parse_time ("2026-01-31T02:00:00Z");

  g_assert_false (sc_calendar_is_open ("02:00", 60 * MINUTE_USEC, opens_usec - 1));
  g_assert_true (sc_calendar_is_open ("02:00", 60 * MINUTE_USEC, opens_usec));
  g_assert_true (
      sc_calendar_is_open ("02:00", 60 * MINUTE_USEC, opens_usec + 60 * MINUTE_USEC - 1));
  g_assert_false (sc_calendar_is_open ("02:00", 60 * MINUTE_USEC, opens_usec + 60 * MINUTE_USEC));
}

static void
test_refuses (gconstpointer expression)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_calendar_check (expression, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_false (sc_calendar_is_open (expression, MINUTE_USEC, 0));
}

int
main (int argc, char **argv)
{
  static const char *const wrong[] = {
    "",          " ",         "nightly",       "25:00",       "02:60", "*-13-*",    "*-*-32",
    "02",        "Sat..",     "Satur 02:00",   "02:00 03:00", "1..",   "04..02:00", "*:*/0",
    "*-*-*-* 1", "02:00 CET", "Sat Sun 02:00", "2:0,,1",      "\x01",
  };

  g_setenv ("TZ", "UTC", TRUE);
  tzset ();
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/calendar/is-open/", cases[i].name, NULL);
      g_test_add_data_func (path, &cases[i], test_is_open);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autofree char *path = g_strdup_printf ("/calendar/check/refuses-%zu", i);
      g_test_add_data_func (path, wrong[i], test_refuses);
    }
  g_test_add_func ("/calendar/is-open/for-its-duration", test_stays_open);
  return g_test_run ();
}
