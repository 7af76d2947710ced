/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-template.h"

#include "base/sc-error-util.h"
#include "deploy/sc-host-path.h"

#include <string.h>

#define MAX_NAME_BYTES 255
#define MAX_JSON_BYTES (8 * 1024 * 1024)
#define MAX_TEXT_BYTES SC_TEMPLATE_MAX_BYTES

typedef struct
{
  char *text;
  ScValueOrigin origin;
} Value;

struct _ScValues
{
  GHashTable *table; /* (owned) char* to Value */
};

typedef enum
{
  TOKEN_END,
  TOKEN_LITERAL,
  TOKEN_VARIABLE,
  TOKEN_INVALID,
} TokenType;

typedef struct
{
  const char *position;
  const char *end;
  guint line;
} Scanner;

/* Where in a JSON text we are; enough to know strings and brackets, the parser checks the rest. */
typedef struct
{
  gboolean in_string;
  gboolean after_backslash;
  gint64 depth;
  gint64 lowest;
} JsonState;

typedef struct
{
  const char *file;
  ScTemplateContext context;
  const ScValues *values;
  GString *out;
  JsonState json;
  guint line;
} Expansion;

static void
value_free (gpointer data)
{
  Value *value = data;
  g_free (value->text);
  g_free (value);
}

ScValues *
sc_values_new (void)
{
  ScValues *self = g_new0 (ScValues, 1);
  self->table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, value_free);
  return self;
}

void
sc_values_free (ScValues *self)
{
  if (self == NULL)
    return;
  g_hash_table_unref (self->table);
  g_free (self);
}

void
sc_values_set (ScValues *self, const char *name, const char *value, ScValueOrigin origin)
{
  Value *entry = g_new0 (Value, 1);
  entry->text = g_strdup (value);
  entry->origin = origin;
  g_hash_table_replace (self->table, g_strdup (name), entry);
}

const char *
sc_values_get (const ScValues *self, const char *name)
{
  const Value *value = g_hash_table_lookup (self->table, name);
  return value != NULL ? value->text : NULL;
}

gboolean
sc_values_is_secret (const ScValues *self, const char *name)
{
  const Value *value = g_hash_table_lookup (self->table, name);
  return value != NULL && value->origin == SC_VALUE_SECRET;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

const char **
sc_values_names (const ScValues *self)
{
  guint length = 0;
  const char **names = (const char **)g_hash_table_get_keys_as_array (self->table, &length);
  qsort (names, length, sizeof *names, compare_names);
  return names;
}

static gboolean
is_name_start (char c)
{
  return g_ascii_isalpha (c) || c == '_';
}

static gboolean
is_name_char (char c)
{
  return g_ascii_isalnum (c) || c == '_';
}

gboolean
sc_values_name_is_valid (const char *name)
{
  if (!is_name_start (name[0]))
    return FALSE;
  gsize length = 1;
  while (is_name_char (name[length]))
    length++;
  return name[length] == '\0' && length <= MAX_NAME_BYTES;
}

/* At a "$": "$$" is a literal dollar, otherwise a name, in braces or not. */
static TokenType
scanner_take_dollar (Scanner *self, const char **start, gsize *length)
{
  const char *p = self->position + 1;
  if (p < self->end && *p == '$')
    {
      *start = p;
      *length = 1;
      self->position = p + 1;
      return TOKEN_LITERAL;
    }

  gboolean braced = p < self->end && *p == '{';
  if (braced)
    p++;
  const char *name = p;
  while (p < self->end && (p == name ? is_name_start (*p) : is_name_char (*p)))
    p++;
  gboolean closed = !braced || (p < self->end && *p == '}');
  if (p == name || p - name > MAX_NAME_BYTES || !closed)
    return TOKEN_INVALID;

  *start = name;
  *length = (gsize)(p - name);
  self->position = braced ? p + 1 : p;
  return TOKEN_VARIABLE;
}

static TokenType
scanner_next (Scanner *self, const char **start, gsize *length)
{
  if (self->position == self->end)
    return TOKEN_END;
  if (*self->position == '$')
    return scanner_take_dollar (self, start, length);

  const char *p = self->position;
  while (p < self->end && *p != '$')
    {
      if (*p == '\n')
        self->line++;
      p++;
    }
  *start = self->position;
  *length = (gsize)(p - self->position);
  self->position = p;
  return TOKEN_LITERAL;
}

static guint
line_of (const char *text, const char *position)
{
  guint line = 1;
  for (const char *p = text; p < position; p++)
    line += *p == '\n';
  return line;
}

static gboolean
check_text (const char *file, const char *text, gsize size, GError **error)
{
  if (size > SC_TEMPLATE_MAX_BYTES)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "%s: larger than %d bytes", file,
                         SC_TEMPLATE_MAX_BYTES);

  if (size == 0)
    return TRUE;

  /* memchr and not the C string: what follows a NUL must not go unseen */
  const char *nul = memchr (text, '\0', size);
  if (nul != NULL)
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "%s: line %u: a NUL byte", file,
                         line_of (text, nul));
  const char *end = NULL;
  if (!g_utf8_validate_len (text, size, &end))
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "%s: line %u: not UTF-8", file,
                         line_of (text, end));
  return TRUE;
}

static gboolean
set_invalid_dollar (const char *file, guint line, GError **error)
{
  return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                       "%s: line %u: \"$\" is followed by no variable name; a dollar sign is "
                       "written \"$$\"",
                       file, line);
}

static void
json_state_feed (JsonState *self, const char *text, gsize length)
{
  for (gsize i = 0; i < length; i++)
    {
      char c = text[i];
      if (self->after_backslash)
        self->after_backslash = FALSE;
      else if (self->in_string && c == '\\')
        self->after_backslash = TRUE;
      else if (c == '"')
        self->in_string = !self->in_string;
      else if (!self->in_string && (c == '{' || c == '['))
        self->depth++;
      else if (!self->in_string && (c == '}' || c == ']'))
        self->depth--;
      self->lowest = MIN (self->lowest, self->depth);
    }
}

static void
append_json_text (GString *out, const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    {
      if (*p == '"' || *p == '\\')
        g_string_append_c (out, '\\');
      g_string_append_c (out, *p);
    }
}

static gboolean
refuse_value (const Expansion *self, const char *name, const char *why, GError **error)
{
  return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "%s: line %u: the value of \"%s\" %s",
                       self->file, self->line, name, why);
}

static gboolean
insert_json (Expansion *self, const char *name, const char *value, GError **error)
{
  if (self->json.after_backslash)
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "%s: line %u: a backslash before the variable \"%s\"", self->file,
                         self->line, name);
  if (self->json.in_string)
    {
      if (sc_text_has_control (value, NULL))
        return refuse_value (self, name, "has a control character", error);
      append_json_text (self->out, value);
      return TRUE;
    }

  if (sc_text_has_control (value, "\n\t"))
    return refuse_value (self, name, "has a control character", error);
  /* A fragment may add members and elements where it stands, but not end the array or object that
   * the template put it in. */
  JsonState state = { 0 };
  json_state_feed (&state, value, strlen (value));
  if (state.in_string || state.depth != 0 || state.lowest < 0)
    return refuse_value (self, name, "leaves a string or a bracket open", error);
  g_string_append (self->out, value);
  return TRUE;
}

static gboolean
insert_line_text (Expansion *self, const char *name, const Value *value, GError **error)
{
  if (sc_text_has_control (value->text, NULL))
    return refuse_value (self, name, "has a control character", error);
  if (self->context == SC_TEMPLATE_TEXT || value->origin != SC_VALUE_SET)
    {
      g_string_append (self->out, value->text);
      return TRUE;
    }

  if (g_str_has_suffix (value->text, "\\"))
    return refuse_value (self, name, "ends in a backslash, which continues the line", error);
  for (const char *p = value->text; *p != '\0'; p++)
    {
      if (*p == '%')
        g_string_append_c (self->out, '%');
      g_string_append_c (self->out, *p);
    }
  return TRUE;
}

static gboolean
insert_variable (Expansion *self, const char *name, GError **error)
{
  const Value *value = g_hash_table_lookup (self->values->table, name);
  if (value == NULL)
    return sc_error_set (error, SYSCONT_ERROR_VALUE_MISSING,
                         "%s: line %u: still contains an unreplaced value for: ''%s''; set it "
                         "with --set %s=VALUE",
                         self->file, self->line, name, name);
  if (value->origin == SC_VALUE_SECRET
      && (self->context != SC_TEMPLATE_JSON || !self->json.in_string))
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "%s: line %u: \"%s\" is a secret, which can be used in strings of "
                         "config.json.template only; use --set for what anybody may read",
                         self->file, self->line, name);
  if (!g_utf8_validate (value->text, -1, NULL))
    return refuse_value (self, name, "is not UTF-8", error);
  if (self->context == SC_TEMPLATE_JSON)
    return insert_json (self, name, value->text, error);
  return insert_line_text (self, name, value, error);
}

static gboolean
expand_token (Expansion *self, TokenType type, const char *start, gsize length, GError **error)
{
  if (type == TOKEN_INVALID)
    return set_invalid_dollar (self->file, self->line, error);
  if (type == TOKEN_VARIABLE)
    {
      g_autofree char *name = g_strndup (start, length);
      if (!insert_variable (self, name, error))
        return FALSE;
    }
  else
    {
      g_string_append_len (self->out, start, (gssize)length);
      if (self->context == SC_TEMPLATE_JSON)
        json_state_feed (&self->json, start, length);
    }

  gsize limit = self->context == SC_TEMPLATE_JSON ? MAX_JSON_BYTES : MAX_TEXT_BYTES;
  if (self->out->len > limit)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "%s: line %u: becomes larger than %" G_GSIZE_FORMAT " bytes", self->file,
                         self->line, limit);
  return TRUE;
}

char *
sc_template_expand (const char *file,
                    GBytes *text,
                    ScTemplateContext context,
                    const ScValues *values,
                    GError **error)
{
  gsize size = 0;
  const char *data = g_bytes_get_data (text, &size);
  if (!check_text (file, data, size, error))
    return NULL;

  g_autoptr (GString) out = g_string_sized_new (size);
  Expansion expansion = { .file = file, .context = context, .values = values, .out = out };
  Scanner scanner = { .position = data, .end = size > 0 ? data + size : data, .line = 1 };
  while (TRUE)
    {
      const char *start = NULL;
      gsize length = 0;
      expansion.line = scanner.line;
      TokenType type = scanner_next (&scanner, &start, &length);
      if (type == TOKEN_END)
        return g_string_free (g_steal_pointer (&out), FALSE);
      if (!expand_token (&expansion, type, start, length, error))
        return NULL;
    }
}

char **
sc_template_variables (const char *file, GBytes *text, GError **error)
{
  gsize size = 0;
  const char *data = g_bytes_get_data (text, &size);
  if (!check_text (file, data, size, error))
    return NULL;

  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Scanner scanner = { .position = data, .end = size > 0 ? data + size : data, .line = 1 };
  while (scanner.position != scanner.end)
    {
      const char *start = NULL;
      gsize length = 0;
      TokenType type = scanner_next (&scanner, &start, &length);
      if (type == TOKEN_INVALID)
        {
          set_invalid_dollar (file, scanner.line, error);
          return NULL;
        }
      if (type == TOKEN_VARIABLE)
        g_hash_table_add (names, g_strndup (start, length));
    }

  guint n_names = 0;
  char **list = (char **)g_hash_table_get_keys_as_array (names, &n_names);
  g_hash_table_steal_all (names);
  qsort (list, n_names, sizeof *list, compare_names);
  return list;
}
