/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-name.h"

#include "base/sc-error-util.h"

#include <string.h>

#define MAX_LENGTH 63

/* systemd.unit(5). */
static const char *const unit_suffixes[] = {
  ".service", ".socket", ".device", ".mount", ".automount", ".swap",
  ".target",  ".path",   ".timer",  ".slice", ".scope",
};

static gboolean
is_grammatical (const char *name)
{
  gsize length = strspn (name, "abcdefghijklmnopqrstuvwxyz0123456789_.-");

  return g_ascii_isalnum (name[0]) && name[length] == '\0' && length <= MAX_LENGTH;
}

static gboolean
ends_in_number (const char *name)
{
  const char *dot = strrchr (name, '.');

  return dot != NULL && dot[1] != '\0' && dot[1 + strspn (dot + 1, "0123456789")] == '\0';
}

static const char *
find_unit_suffix (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (unit_suffixes); i++)
    {
      if (g_str_has_suffix (name, unit_suffixes[i]))
        return unit_suffixes[i];
    }
  return NULL;
}

gboolean
sc_name_check (const char *name, GError **error)
{
  const char *unit_suffix = find_unit_suffix (name);
  g_autofree char *shown = sc_text_escape (name);

  if (!is_grammatical (name))
    return sc_error_set (
        error, SYSCONT_ERROR_INVALID_NAME,
        "\"%s\" is no container name: 1 to %d of the characters a-z, 0-9, \"_\", \".\" "
        "and \"-\" are allowed, the first one a letter or digit",
        shown, MAX_LENGTH);
  if (ends_in_number (name))
    return sc_error_set (
        error, SYSCONT_ERROR_INVALID_NAME,
        "\"%s\" is no container name: it may not end in \".\" and a number, as the "
        "directories of deployments do",
        shown);
  if (unit_suffix != NULL)
    return sc_error_set (
        error, SYSCONT_ERROR_INVALID_NAME,
        "\"%s\" is no container name: it may not end in \"%s\", as units do; leave "
        "that out",
        shown, unit_suffix);
  return TRUE;
}
