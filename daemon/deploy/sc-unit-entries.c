/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-unit-entries.h"

#include <string.h>

typedef struct
{
  const char *file;
  GPtrArray *entries; /* (owned) of ScUnitEntry */
  char *section;      /* (owned) that we are in */
  gboolean has_service;
} Parser;

static void
entry_free (gpointer data)
{
  ScUnitEntry *entry = data;
  g_free (entry->section);
  g_free (entry->key);
  g_free (entry->value);
  g_free (entry);
}

static void
parser_clear (Parser *self)
{
  g_clear_pointer (&self->entries, g_ptr_array_unref);
  g_free (self->section);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Parser, parser_clear)

static gboolean
is_comment (const char *line)
{
  return line[0] == '#' || line[0] == ';';
}

/* Whether the last character is a backslash that none before it escapes. */
static gboolean
is_continued (const char *text)
{
  gboolean escaped = FALSE;
  for (const char *p = text; *p != '\0'; p++)
    escaped = !escaped && *p == '\\';
  return escaped;
}

static gboolean
parse_line (Parser *self, guint number, const char *text, GError **error)
{
  if (text[0] == '\0')
    return TRUE;
  if (text[0] == '[')
    {
      gsize length = strlen (text);
      if (text[length - 1] != ']')
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "%s: line %u: a section without \"]\"", self->file, number);
      g_free (self->section);
      self->section = g_strndup (text + 1, length - 2);
      self->has_service = self->has_service || g_str_equal (self->section, "Service");
      return TRUE;
    }
  if (g_str_has_prefix (text, ".include"))
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "%s: line %u: \".include\" is not allowed", self->file, number);

  const char *equals = strchr (text, '=');
  if (equals == NULL)
    return TRUE; /* systemd warns of such a line and ignores it */
  ScUnitEntry *entry = g_new0 (ScUnitEntry, 1);
  entry->line = number;
  entry->section = g_strdup (self->section);
  entry->key = g_strchomp (g_strndup (text, (gsize)(equals - text)));
  entry->value = g_strstrip (g_strdup (equals + 1));
  g_ptr_array_add (self->entries, entry);
  return TRUE;
}

/* Lines are joined exactly as systemd does it, so that no assignment is seen by one of us alone:
 * comments between continued lines do not end them, and white space after a backslash does. */
GPtrArray *
sc_unit_entries_parse (const char *file, const char *text, GError **error)
{
  g_auto (Parser) self = { .file = file,
                           .entries = g_ptr_array_new_with_free_func (entry_free),
                           .section = g_strdup ("") };
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) joined = g_string_new (NULL);
  guint first = 1;
  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (joined->len == 0)
        first = i + 1;
      const char *begin = lines[i] + strspn (lines[i], " \t");
      if (is_comment (begin))
        continue;
      g_string_append (joined, lines[i]);
      if (is_continued (joined->str))
        {
          joined->str[joined->len - 1] = ' ';
          continue;
        }
      if (!parse_line (&self, first, g_strstrip (joined->str), error))
        return NULL;
      g_string_truncate (joined, 0);
    }
  if (!parse_line (&self, first, g_strstrip (joined->str), error))
    return NULL;
  if (!self.has_service)
    {
      sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "%s: has no [Service] section", file);
      return NULL;
    }
  return g_steal_pointer (&self.entries);
}

static gboolean
has_word (const char *text, const char *word)
{
  gsize length = strlen (word);
  for (const char *p = strstr (text, word); p != NULL; p = strstr (p + 1, word))
    {
      gboolean begins = p == text || !g_ascii_isalnum (p[-1]);
      if (begins && !g_ascii_isalnum (p[length]))
        return TRUE;
    }
  return FALSE;
}

gboolean
sc_unit_entries_run_runtime (GPtrArray *entries, const char *runtime)
{
  g_autofree char *base = g_path_get_basename (runtime);
  for (guint i = 0; i < entries->len; i++)
    {
      const ScUnitEntry *entry = entries->pdata[i];
      if (!g_str_equal (entry->section, "Service") || !g_str_has_prefix (entry->key, "Exec"))
        continue;
      if (has_word (entry->value, base) || has_word (entry->value, "runc")
          || has_word (entry->value, "crun"))
        return TRUE;
    }
  return FALSE;
}
