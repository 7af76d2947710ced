/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-text-diff.h"

#include <string.h>

#define CONTEXT_LINES 3
#define MAX_CELLS     (4 * 1024 * 1024) /* of the table of common lines */

/* One line of the result; both numbers count from 0. */
typedef struct
{
  char sign; /* ' ', '-' or '+' */
  const char *text;
  guint before;
  guint after;
} Line;

typedef struct
{
  char **before; /* (owned) lines without their ends */
  char **after;  /* (owned) */
  GArray *lines; /* (owned) of Line */
  guint i;       /* how far the two have been read */
  guint j;
} Diff;

static void
diff_clear (Diff *self)
{
  g_strfreev (self->before);
  g_strfreev (self->after);
  g_array_unref (self->lines);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Diff, diff_clear)

static char **
split (const char *text)
{
  gsize length = text != NULL ? strlen (text) : 0;
  g_autofree char *whole = g_strndup (text, length);

  if (length == 0)
    return g_new0 (char *, 1);
  if (whole[length - 1] == '\n')
    whole[length - 1] = '\0';
  return g_strsplit (whole, "\n", -1);
}

static void
add (Diff *self, char sign)
{
  const Line line = { .sign = sign,
                      .text = sign == '+' ? self->after[self->j] : self->before[self->i],
                      .before = self->i,
                      .after = self->j };

  g_array_append_val (self->lines, line);
  if (sign != '+')
    self->i++;
  if (sign != '-')
    self->j++;
}

/* Lengths of the longest common part of what is left from each pair of lines on. */
static guint32 *
make_table (char **before, guint n, char **after, guint m)
{
  guint32 *table = g_new0 (guint32, (gsize)(n + 1) * (m + 1));

  for (guint i = n; i-- > 0;)
    for (guint j = m; j-- > 0;)
      {
        const guint32 *below = table + (gsize)(i + 1) * (m + 1);
        guint32 *here = table + (gsize)i * (m + 1);
        here[j]
            = strcmp (before[i], after[j]) == 0 ? below[j + 1] + 1 : MAX (below[j], here[j + 1]);
      }
  return table;
}

static void
add_middle (Diff *self, guint end_before, guint end_after)
{
  guint n = end_before - self->i;
  guint m = end_after - self->j;
  guint from_before = self->i;
  guint from_after = self->j;

  if ((guint64)(n + 1) * (m + 1) <= MAX_CELLS)
    {
      g_autofree guint32 *table = make_table (self->before + self->i, n, self->after + self->j, m);
      while (self->i < end_before && self->j < end_after)
        {
          gsize i = self->i - from_before;
          gsize j = self->j - from_after;
          if (strcmp (self->before[self->i], self->after[self->j]) == 0)
            add (self, ' ');
          else
            add (self, table[(i + 1) * (m + 1) + j] >= table[i * (m + 1) + j + 1] ? '-' : '+');
        }
    }
  while (self->i < end_before)
    add (self, '-');
  while (self->j < end_after)
    add (self, '+');
}

static void
compare (Diff *self)
{
  guint n = g_strv_length (self->before);
  guint m = g_strv_length (self->after);
  guint end = 0; /* lines at the end that are the same */

  while (self->i < n && self->j < m && strcmp (self->before[self->i], self->after[self->j]) == 0)
    add (self, ' ');
  while (end < n - self->i && end < m - self->j
         && strcmp (self->before[n - 1 - end], self->after[m - 1 - end]) == 0)
    end++;
  add_middle (self, n - end, m - end);
  while (self->i < n)
    add (self, ' ');
}

/* Where the hunk ends that begins at @start: no more than twice the context without a change. */
static guint
find_end (const GArray *lines, guint start)
{
  guint last = start;

  for (guint i = start; i < lines->len && i <= last + 2 * CONTEXT_LINES + 1; i++)
    if (g_array_index (lines, Line, i).sign != ' ')
      last = i;
  return MIN (last + CONTEXT_LINES + 1, lines->len);
}

static void
append_hunk (GString *text, const GArray *lines, guint begin, guint end)
{
  const Line *first = &g_array_index (lines, Line, begin);
  guint n = 0;
  guint m = 0;

  for (guint i = begin; i < end; i++)
    {
      n += g_array_index (lines, Line, i).sign != '+';
      m += g_array_index (lines, Line, i).sign != '-';
    }
  g_string_append_printf (text, "@@ -%u,%u +%u,%u @@\n", first->before + (n > 0), n,
                          first->after + (m > 0), m);
  for (guint i = begin; i < end; i++)
    {
      const Line *line = &g_array_index (lines, Line, i);
      g_string_append_printf (text, "%c%s\n", line->sign, line->text);
    }
}

char *
sc_text_diff (const char *before, const char *after)
{
  g_auto (Diff) self = { .before = split (before),
                         .after = split (after),
                         .lines = g_array_new (FALSE, FALSE, sizeof (Line)) };
  g_autoptr (GString) text = g_string_new (NULL);

  compare (&self);
  for (guint i = 0; i < self.lines->len; i++)
    {
      if (g_array_index (self.lines, Line, i).sign == ' ')
        continue;
      guint end = find_end (self.lines, i);
      append_hunk (text, self.lines, i > CONTEXT_LINES ? i - CONTEXT_LINES : 0, end);
      i = end - 1;
    }
  return text->len > 0 ? g_string_free (g_steal_pointer (&text), FALSE) : NULL;
}
