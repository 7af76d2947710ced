/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-calendar.h"

#include <string.h>
#include <time.h>

#define MAX_BYTES        512
#define MAX_DURATION_MIN (7 * 24 * 60)
#define MAX_RANGES       32

/* One part of a list: from begin to end in steps; a single number is a range of one. */
typedef struct
{
  int begin;
  int end;
  int step;
} Range;

typedef struct
{
  Range ranges[MAX_RANGES];
  guint n; /* 0 = any */
} Field;

typedef struct
{
  guint weekdays; /* bits, Monday is 0; 0 = any */
  Field year;
  Field month;
  Field day;
  gboolean from_end; /* days are counted from the last of the month */
  Field hour;
  Field minute;
  gboolean utc;
} Calendar;

static const char *const weekday_names[]
    = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" };

static const struct
{
  const char *name;
  const char *meaning;
} shorthands[] = {
  { "minutely", "*-*-* *:*:00" },
  { "hourly", "*-*-* *:00:00" },
  { "daily", "*-*-* 00:00:00" },
  { "monthly", "*-*-01 00:00:00" },
  { "weekly", "Mon *-*-* 00:00:00" },
  { "yearly", "*-01-01 00:00:00" },
  { "annually", "*-01-01 00:00:00" },
  { "quarterly", "*-01,04,07,10-01 00:00:00" },
  { "semiannually", "*-01,07-01 00:00:00" },
};

static gboolean
parse_weekday (const char **text, int *weekday)
{
  gsize length = 0;

  while (g_ascii_isalpha ((*text)[length]))
    length++;
  for (int i = 0; i < (int)G_N_ELEMENTS (weekday_names); i++)
    if ((length == 3 || length == strlen (weekday_names[i]))
        && g_ascii_strncasecmp (*text, weekday_names[i], length) == 0)
      {
        *weekday = i;
        *text += length;
        return TRUE;
      }
  return FALSE;
}

/* "Mon..Fri,Sun" */
static gboolean
parse_weekdays (const char *text, guint *weekdays)
{
  while (TRUE)
    {
      int begin, end;

      if (!parse_weekday (&text, &begin))
        return FALSE;
      end = begin;
      if (g_str_has_prefix (text, ".."))
        {
          text += 2;
          if (!parse_weekday (&text, &end))
            return FALSE;
        }
      for (int day = begin;; day = (day + 1) % 7)
        {
          *weekdays |= 1u << day;
          if (day == end)
            break;
        }
      if (*text == '\0')
        return TRUE;
      if (*text++ != ',')
        return FALSE;
    }
}

static gboolean
parse_number (const char **text, int *number)
{
  guint64 value = 0;
  gsize digits = 0;

  while (g_ascii_isdigit ((*text)[digits]) && digits < 5)
    value = value * 10 + (guint64)((*text)[digits++] - '0');
  *text += digits;
  *number = (int)value;
  return digits > 0;
}

typedef struct
{
  int min;
  int max;
} Bounds;

static gboolean
parse_range (const char **text, Range *range, const Bounds *bounds)
{
  if (**text == '*')
    {
      (*text)++;
      *range = (Range){ .begin = bounds->min, .end = bounds->max, .step = 1 };
    }
  else
    {
      if (!parse_number (text, &range->begin))
        return FALSE;
      range->end = range->begin;
      range->step = 1;
      if (g_str_has_prefix (*text, ".."))
        {
          *text += 2;
          if (!parse_number (text, &range->end))
            return FALSE;
        }
    }
  if (**text == '/')
    {
      (*text)++;
      if (!parse_number (text, &range->step) || range->step == 0)
        return FALSE;
      if (range->end == range->begin)
        range->end = bounds->max; /* "5/10": from 5 on */
    }
  return range->begin >= bounds->min && range->end <= bounds->max && range->begin <= range->end;
}

static gboolean
parse_field (const char *text, Field *field, const Bounds *bounds)
{
  while (field->n < MAX_RANGES)
    {
      if (!parse_range (&text, &field->ranges[field->n++], bounds))
        return FALSE;
      if (*text == '\0')
        return TRUE;
      if (*text++ != ',')
        return FALSE;
    }
  return FALSE;
}

/* [[YEAR-]MONTH-]DAY, or with "~" before the day */
static gboolean
parse_date (const char *text, Calendar *self)
{
  g_autofree char *copy = g_strdup (text);
  char *tilde = strchr (copy, '~');

  if (tilde != NULL)
    {
      self->from_end = TRUE;
      *tilde = '-';
    }
  g_auto (GStrv) parts = g_strsplit (copy, "-", -1);
  guint n = g_strv_length (parts);
  return (n == 2 || n == 3)
         && (n == 2 || parse_field (parts[0], &self->year, &(Bounds){ 1970, 2199 }))
         && parse_field (parts[n - 2], &self->month, &(Bounds){ 1, 12 })
         && parse_field (parts[n - 1], &self->day, &(Bounds){ 1, 31 });
}

/* HOUR:MINUTE[:SECOND]; seconds may have a fraction, and are not looked at */
static gboolean
parse_time (const char *text, Calendar *self)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", -1);
  guint n = g_strv_length (parts);
  Field seconds = { .n = 0 };

  if ((n != 2 && n != 3) || !parse_field (parts[0], &self->hour, &(Bounds){ 0, 23 })
      || !parse_field (parts[1], &self->minute, &(Bounds){ 0, 59 }))
    return FALSE;
  return n == 2 || parse_field (parts[2], &seconds, &(Bounds){ 0, 59 });
}

static gboolean
parse_word (const char *word, Calendar *self, gboolean *has_time)
{
  if (strcmp (word, "UTC") == 0)
    return !self->utc && (self->utc = TRUE);
  if (strchr (word, ':') != NULL)
    return !*has_time && (*has_time = TRUE) && parse_time (word, self);
  if (g_ascii_isalpha (word[0]))
    return self->weekdays == 0 && parse_weekdays (word, &self->weekdays);
  return self->day.n == 0 && parse_date (word, self);
}

static const char *
expand (const char *expression)
{
  for (gsize i = 0; i < G_N_ELEMENTS (shorthands); i++)
    if (g_ascii_strcasecmp (shorthands[i].name, expression) == 0)
      return shorthands[i].meaning;
  return expression;
}

static gboolean
parse (const char *expression, Calendar *self, GError **error)
{
  g_auto (GStrv) words = g_strsplit (expand (expression), " ", -1);
  gboolean has_time = FALSE;
  gboolean is_empty = TRUE;

  for (guint i = 0; strlen (expression) <= MAX_BYTES && words[i] != NULL; i++)
    {
      if (*words[i] == '\0')
        continue;
      is_empty = FALSE;
      if (!parse_word (words[i], self, &has_time))
        {
          g_autofree char *shown = sc_text_escape (expression);
          g_autofree char *part = sc_text_escape (words[i]);
          return sc_error_set (
              error, SYSCONT_ERROR_INVALID_ARGUMENT,
              "\"%s\" is not a calendar expression that is understood here: \"%s\"", shown, part);
        }
    }
  if (is_empty)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "the calendar expression is empty");
  if (!has_time) /* midnight, as for systemd */
    self->hour = self->minute = (Field){ .ranges = { { 0, 0, 1 } }, .n = 1 };
  return TRUE;
}

gboolean
sc_calendar_check (const char *expression, GError **error)
{
  Calendar calendar = { 0 };

  return parse (expression, &calendar, error);
}

static gboolean
field_has (const Field *field, int number)
{
  for (guint i = 0; i < field->n; i++)
    {
      const Range *range = &field->ranges[i];
      if (number >= range->begin && number <= range->end
          && (number - range->begin) % range->step == 0)
        return TRUE;
    }
  return field->n == 0;
}

static int
days_in_month (const struct tm *tm)
{
  return g_date_get_days_in_month ((GDateMonth)(tm->tm_mon + 1), (GDateYear)(tm->tm_year + 1900));
}

static gboolean
matches (const Calendar *self, time_t at)
{
  struct tm tm;
  int weekday, day;

  if ((self->utc ? gmtime_r (&at, &tm) : localtime_r (&at, &tm)) == NULL)
    return FALSE;
  weekday = (tm.tm_wday + 6) % 7;
  day = self->from_end ? days_in_month (&tm) - tm.tm_mday + 1 : tm.tm_mday;
  return (self->weekdays == 0 || (self->weekdays & 1u << weekday) != 0)
         && field_has (&self->year, tm.tm_year + 1900) && field_has (&self->month, tm.tm_mon + 1)
         && field_has (&self->day, day) && field_has (&self->hour, tm.tm_hour)
         && field_has (&self->minute, tm.tm_min);
}

gboolean
sc_calendar_is_open (const char *expression, gint64 duration_usec, gint64 now_usec)
{
  Calendar calendar = { 0 };
  gint64 now_min = now_usec / G_USEC_PER_SEC / 60;
  gint64 duration_min = CLAMP (duration_usec / G_USEC_PER_SEC / 60, 1, MAX_DURATION_MIN);

  if (!parse (expression, &calendar, NULL))
    return FALSE;
  for (gint64 minute = now_min; minute > now_min - duration_min; minute--)
    if (matches (&calendar, (time_t)(minute * 60)))
      return TRUE;
  return FALSE;
}
