/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The pre-scan of sc-json.h: one pass over the bytes with a stack of its own, so that neither depth
 * nor size of a document can do more than make it fail.
 */
#include "base/sc-json.h"

#include <math.h>
#include <string.h>

/* json-glib recurses when it parses, writes and frees: no caller may ask for more. */
#define HARD_MAX_DEPTH 256
/* Longer ones say nothing that a double or an int64 could hold. */
#define NUMBER_MAX_BYTES 64
/* GLib's string hash is not seeded: keys made to collide would cost json-glib quadratic time. */
#define MAX_KEYS_OF_ONE_HASH 64

const ScJsonLimits sc_json_limits_default = {
  .max_bytes = 4 * 1024 * 1024,
  .max_depth = 16,
  .max_values = 20000,
  .max_string_bytes = 64 * 1024,
};

typedef struct
{
  gboolean is_object;
  GHashTable *
      keys; /* (owned) (nullable) of an object: string hash to GPtrArray of the keys that have it */
} Frame;

/* What may come next. */
typedef enum
{
  EXPECT_VALUE,
  EXPECT_VALUE_OR_END, /* after "[" */
  EXPECT_KEY,
  EXPECT_KEY_OR_END, /* after "{" */
  EXPECT_COMMA_OR_END,
} Expect;

typedef struct
{
  const char *start;
  const char *at;
  const char *end;
  const ScJsonLimits *limits;
  guint n_values;
  GArray *frames; /* (owned) of Frame */
  GString *text;  /* (owned) the string that was read last, unescaped */
} Scanner;

static void
frame_clear (gpointer data)
{
  Frame *frame = data;

  g_clear_pointer (&frame->keys, g_hash_table_unref);
}

static void
scanner_clear (Scanner *self)
{
  g_array_unref (self->frames);
  g_string_free (self->text, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Scanner, scanner_clear)

static gboolean
fail_with (const Scanner *self, SyscontError code, const char *what, GError **error)
{
  guint line = 1;

  for (const char *p = self->start; p < self->at; p++)
    line += *p == '\n';
  return sc_error_set (error, code, "invalid JSON in line %u: %s", line, what);
}

static gboolean
fail (const Scanner *self, const char *what, GError **error)
{
  return fail_with (self, SYSCONT_ERROR_IMAGE_INVALID, what, error);
}

static gboolean
fail_limit (const Scanner *self, GError **error, const char *things, guint64 limit)
{
  g_autofree char *what = g_strdup_printf ("more than %" G_GUINT64_FORMAT " %s", limit, things);

  return fail_with (self, SYSCONT_ERROR_LIMIT_EXCEEDED, what, error);
}

static gboolean
has_more (const Scanner *self)
{
  return self->at < self->end;
}

/* The next byte, NUL at the end: a NUL inside is not valid UTF-8 to GLib and refused before. */
static char
peek (const Scanner *self)
{
  return has_more (self) ? *self->at : '\0';
}

static gboolean
take (Scanner *self, char c)
{
  if (peek (self) != c)
    return FALSE;
  self->at++;
  return TRUE;
}

static void
skip_space (Scanner *self)
{
  while (has_more (self)
         && (*self->at == ' ' || *self->at == '\t' || *self->at == '\n' || *self->at == '\r'))
    self->at++;
}

static gboolean
read_four_hex (Scanner *self, gunichar *out)
{
  *out = 0;
  for (int i = 0; i < 4; i++)
    {
      if (!g_ascii_isxdigit (peek (self)))
        return FALSE;
      *out = *out * 16 + (gunichar)g_ascii_xdigit_value (*self->at++);
    }
  return TRUE;
}

/* RFC 8259, 7: beyond the basic plane two escapes, a high and a low surrogate, say one character.
 */
static gboolean
read_unicode_escape (Scanner *self, GError **error)
{
  gunichar c, low;

  if (!read_four_hex (self, &c))
    return fail (self, "\"\\u\" without four hexadecimal digits", error);
  if (c == 0)
    return fail (self, "\"\\u0000\" in a string", error);
  if (c >= 0xdc00 && c <= 0xdfff)
    return fail (self, "unpaired surrogate in a string", error);
  if (c >= 0xd800 && c <= 0xdbff)
    {
      if (!take (self, '\\') || !take (self, 'u') || !read_four_hex (self, &low) || low < 0xdc00
          || low > 0xdfff)
        return fail (self, "unpaired surrogate in a string", error);
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }

  g_string_append_unichar (self->text, c);
  return TRUE;
}

/* After the backslash. */
static gboolean
read_escape (Scanner *self, GError **error)
{
  static const char letters[] = "\"\\/bfnrt";
  static const char meanings[] = "\"\\/\b\f\n\r\t";
  char c = peek (self);
  const char *letter = c != '\0' ? strchr (letters, c) : NULL;

  if (c == 'u')
    {
      self->at++;
      return read_unicode_escape (self, error);
    }
  if (letter == NULL)
    return fail (self, "unknown escape in a string", error);

  g_string_append_c (self->text, meanings[letter - letters]);
  self->at++;
  return TRUE;
}

/* After the opening quote; leaves the string in self->text. */
static gboolean
read_string (Scanner *self, GError **error)
{
  g_string_truncate (self->text, 0);

  while (!take (self, '"'))
    {
      const char *run = self->at;

      while (has_more (self) && *self->at != '"' && *self->at != '\\' && (guchar)*self->at >= 0x20)
        self->at++;
      g_string_append_len (self->text, run, self->at - run);
      if (self->text->len > self->limits->max_string_bytes)
        return fail_limit (self, error, "bytes in a string", self->limits->max_string_bytes);

      if (!has_more (self))
        return fail (self, "string without an end", error);
      if (take (self, '\\'))
        {
          if (!read_escape (self, error))
            return FALSE;
        }
      else if (*self->at != '"')
        return fail (self, "control character in a string", error);
    }
  if (self->text->len > self->limits->max_string_bytes)
    return fail_limit (self, error, "bytes in a string", self->limits->max_string_bytes);
  return TRUE;
}

static gsize
skip_digits (Scanner *self)
{
  const char *first = self->at;

  while (g_ascii_isdigit (peek (self)))
    self->at++;
  return (gsize)(self->at - first);
}

/* json-glib gives a wrong number without an error for what int64 or double cannot hold. */
static gboolean
check_range (const Scanner *self, const char *first, gboolean is_integer, GError **error)
{
  char number[NUMBER_MAX_BYTES + 1];
  gsize length = (gsize)(self->at - first);
  gint64 value;

  if (length > NUMBER_MAX_BYTES)
    return fail_limit (self, error, "bytes in a number", NUMBER_MAX_BYTES);
  memcpy (number, first, length);
  number[length] = '\0';

  if (!is_integer)
    return isfinite (g_ascii_strtod (number, NULL))
           || fail (self, "number that is too large", error);
  if (g_str_equal (number, "-0"))
    return fail (self, "\"-0\", which is no integer", error);
  return g_ascii_string_to_signed (number, 10, G_MININT64, G_MAXINT64, &value, NULL)
         || fail (self, "integer of more than 64 bits", error);
}

/* RFC 8259, 6. */
static gboolean
read_number (Scanner *self, GError **error)
{
  const char *first = self->at;
  gboolean is_integer = TRUE;

  take (self, '-');
  if (!take (self, '0') && skip_digits (self) == 0)
    return fail (self, "unknown value", error);
  if (g_ascii_isdigit (peek (self)))
    return fail (self, "number with a leading zero", error);
  if (take (self, '.'))
    {
      is_integer = FALSE;
      if (skip_digits (self) == 0)
        return fail (self, "number without digits after the point", error);
    }
  if (take (self, 'e') || take (self, 'E'))
    {
      is_integer = FALSE;
      if (!take (self, '+'))
        take (self, '-');
      if (skip_digits (self) == 0)
        return fail (self, "number without digits in its exponent", error);
    }
  return check_range (self, first, is_integer, error);
}

static gboolean
read_word (Scanner *self, GError **error)
{
  static const char *const words[] = { "true", "false", "null" };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    {
      gsize length = strlen (words[i]);

      if ((gsize)(self->end - self->at) < length || memcmp (self->at, words[i], length) != 0)
        continue;
      self->at += length;
      return TRUE;
    }
  return fail (self, "unknown value", error);
}

static Frame *
deepest_frame (const Scanner *self)
{
  return &g_array_index (self->frames, Frame, self->frames->len - 1);
}

static gboolean
enter (Scanner *self, gboolean is_object, GError **error)
{
  guint max_depth = MIN (self->limits->max_depth, HARD_MAX_DEPTH);
  Frame frame = { .is_object = is_object };

  if (self->frames->len >= max_depth)
    return fail_limit (self, error, "levels of arrays and objects", max_depth);
  g_array_append_val (self->frames, frame);
  return TRUE;
}

/* Remembers self->text as a key of the deepest object. */
static gboolean
remember_key (Scanner *self, GError **error)
{
  Frame *frame = deepest_frame (self);
  gpointer hash = GUINT_TO_POINTER (g_str_hash (self->text->str));

  if (frame->keys == NULL)
    frame->keys = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);

  GPtrArray *same_hash = g_hash_table_lookup (frame->keys, hash);
  if (same_hash == NULL)
    {
      same_hash = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (frame->keys, hash, same_hash);
    }
  if (g_ptr_array_find_with_equal_func (same_hash, self->text->str, g_str_equal, NULL))
    {
      g_autofree char *shown = sc_text_escape (self->text->str);
      g_autofree char *what = g_strdup_printf ("key \"%s\" twice in one object", shown);
      return fail (self, what, error);
    }
  if (same_hash->len >= MAX_KEYS_OF_ONE_HASH)
    return fail_limit (self, error, "keys of one hash in one object", MAX_KEYS_OF_ONE_HASH);

  g_ptr_array_add (same_hash, g_strdup (self->text->str));
  return TRUE;
}

static gboolean
read_key (Scanner *self, GError **error)
{
  if (!take (self, '"'))
    return fail (self, "no key where one must be", error);
  if (!read_string (self, error) || !remember_key (self, error))
    return FALSE;

  skip_space (self);
  return take (self, ':') || fail (self, "no colon after a key", error);
}

/* Reads a value as far as its first inner one. */
static gboolean
read_value (Scanner *self, Expect *next, GError **error)
{
  if (self->n_values++ >= self->limits->max_values)
    return fail_limit (self, error, "values", self->limits->max_values);

  *next = EXPECT_COMMA_OR_END;
  if (take (self, '{'))
    {
      *next = EXPECT_KEY_OR_END;
      return enter (self, TRUE, error);
    }
  if (take (self, '['))
    {
      *next = EXPECT_VALUE_OR_END;
      return enter (self, FALSE, error);
    }
  if (take (self, '"'))
    return read_string (self, error);
  if (peek (self) == '-' || g_ascii_isdigit (peek (self)))
    return read_number (self, error);
  return read_word (self, error);
}

/* Takes the end of the deepest array or object if it is there. */
static gboolean
take_end (Scanner *self)
{
  if (!take (self, deepest_frame (self)->is_object ? '}' : ']'))
    return FALSE;

  g_array_set_size (self->frames, self->frames->len - 1);
  return TRUE;
}

/* One token; @next says what may come after it. */
static gboolean
step (Scanner *self, Expect *next, GError **error)
{
  switch (*next)
    {
    case EXPECT_KEY_OR_END:
    case EXPECT_VALUE_OR_END:
      if (!take_end (self))
        *next = *next == EXPECT_KEY_OR_END ? EXPECT_KEY : EXPECT_VALUE;
      else
        *next = EXPECT_COMMA_OR_END;
      return TRUE;
    case EXPECT_KEY:
      *next = EXPECT_VALUE;
      return read_key (self, error);
    case EXPECT_COMMA_OR_END:
      if (take_end (self))
        return TRUE;
      *next = deepest_frame (self)->is_object ? EXPECT_KEY : EXPECT_VALUE;
      return take (self, ',') || fail (self, "no comma or end after a value", error);
    case EXPECT_VALUE:
    default:
      return read_value (self, next, error);
    }
}

static gboolean
scan_document (Scanner *self, GError **error)
{
  Expect next = EXPECT_VALUE;

  do
    {
      skip_space (self);
      if (!step (self, &next, error))
        return FALSE;
    }
  while (self->frames->len > 0 || next != EXPECT_COMMA_OR_END);

  skip_space (self);
  return !has_more (self) || fail (self, "something after the document", error);
}

/* What must hold before single bytes can be looked at. */
static gboolean
check_text (Scanner *self, GError **error)
{
  gsize size_bytes = (gsize)(self->end - self->start);

  if (size_bytes == 0)
    return fail (self, "the document is empty", error);
  if (size_bytes > self->limits->max_bytes)
    return fail_limit (self, error, "bytes", self->limits->max_bytes);
  if (size_bytes >= 3 && memcmp (self->start, "\xef\xbb\xbf", 3) == 0)
    return fail (self, "a byte order mark", error);
  if (!g_utf8_validate_len (self->start, size_bytes, &self->at))
    return fail (self, "not UTF-8", error);

  self->at = self->start;
  return TRUE;
}

gboolean
sc_json_check (const char *data, gsize size_bytes, const ScJsonLimits *limits, GError **error)
{
  if (size_bytes == 0)
    data = "";

  g_auto (Scanner) scanner = {
    .start = data,
    .at = data,
    .end = data + size_bytes,
    .limits = limits != NULL ? limits : &sc_json_limits_default,
    .frames = g_array_new (FALSE, FALSE, sizeof (Frame)),
    .text = g_string_new (NULL),
  };
  g_array_set_clear_func (scanner.frames, frame_clear);

  return check_text (&scanner, error) && scan_document (&scanner, error);
}
