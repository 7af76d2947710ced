/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-error-util.h"

#include <errno.h>
#include <string.h>

#define ESCAPED_MAX_BYTES 512
#define ELLIPSIS          "\u2026"

/* Takes @text. A message crosses the bus, which carries UTF-8 only. */
static void
take_message (GError **error, SyscontError code, char *text)
{
  g_autofree char *message = g_utf8_validate (text, -1, NULL) ? NULL : g_utf8_make_valid (text, -1);

  g_set_error_literal (error, SYSCONT_ERROR, code, message != NULL ? message : text);
  g_free (text);
}

gboolean
sc_error_set (GError **error, SyscontError code, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  take_message (error, code, g_strdup_vprintf (format, args));
  va_end (args);
  return FALSE;
}

static SyscontError
code_of_errno (int saved_errno)
{
  switch (saved_errno)
    {
    case ENOSPC:
    case EDQUOT:
      return SYSCONT_ERROR_NO_SPACE;
    case EROFS:
      return SYSCONT_ERROR_STORAGE_READ_ONLY;
    default:
      return SYSCONT_ERROR_FAILED;
    }
}

gboolean
sc_error_set_errno (GError **error, int saved_errno, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  g_autofree char *done = g_strdup_vprintf (format, args);
  va_end (args);

  take_message (error, code_of_errno (saved_errno),
                g_strdup_printf ("%s: %s", done, g_strerror (saved_errno)));
  return FALSE;
}

gboolean
sc_prefix_error (GError **error, const char *format, ...)
{
  if (error == NULL || *error == NULL)
    return FALSE;

  va_list args;
  va_start (args, format);
  g_autofree char *prefix = g_strdup_vprintf (format, args);
  va_end (args);

  g_autofree char *valid = g_utf8_make_valid (prefix, -1);
  g_prefix_error_literal (error, valid);
  return FALSE;
}

/* Beside the control characters everything that has no shape of its own: it reorders, hides or
 * breaks the text around it (Unicode 15, 4.5 "General Category"). */
static gboolean
is_safe (gunichar c)
{
  switch (g_unichar_type (c))
    {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
      return FALSE;
    default:
      return TRUE;
    }
}

/* Writes one character of @text, or one invalid byte, to @out. Returns the bytes it took. */
static gsize
escape_one (const char *text, gsize size_bytes, char out[16])
{
  gunichar c = g_utf8_get_char_validated (text, (gssize)size_bytes);

  if (c == (gunichar)-1 || c == (gunichar)-2 || c < 0x20 || c == 0x7f)
    {
      g_snprintf (out, 16, "\\x%02x", (guchar)*text);
      return 1;
    }
  if (!is_safe (c))
    g_snprintf (out, 16, "\\u{%x}", c);
  else
    out[g_unichar_to_utf8 (c, out)] = '\0';
  return (gsize)g_unichar_to_utf8 (c, NULL);
}

char *
sc_text_escape (const char *text)
{
  return sc_text_escape_max (text, ESCAPED_MAX_BYTES);
}

char *
sc_text_escape_max (const char *text, gsize max_bytes)
{
  g_return_val_if_fail (text != NULL, g_strdup (""));
  g_return_val_if_fail (max_bytes >= strlen (ELLIPSIS), g_strdup (""));

  g_autoptr (GString) out = g_string_new (NULL);
  gsize fits = 0; /* bytes of @out that leave room for the ellipsis */
  gsize left = strnlen (text, max_bytes + 1);

  while (left > 0)
    {
      char one[16];
      gsize taken = escape_one (text, left, one);

      g_string_append (out, one);
      if (out->len > max_bytes)
        {
          g_string_truncate (out, fits);
          g_string_append (out, ELLIPSIS);
          break;
        }
      if (out->len + strlen (ELLIPSIS) <= max_bytes)
        fits = out->len;
      text += taken;
      left -= taken;
    }

  return g_string_free (g_steal_pointer (&out), FALSE);
}
