/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-user-lookup.h"

#include "base/sc-error-util.h"

#include <string.h>

#define MAX_GROUPS 1000

static char **
split_lines (GBytes *bytes)
{
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  g_autofree char *text = g_strndup (data != NULL ? data : "", size);
  return g_strsplit (text, "\n", -1);
}

static gboolean
parse_id (const char *text, guint32 *id)
{
  guint64 number = 0;
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &number, NULL))
    return FALSE;
  *id = (guint32)number;
  return TRUE;
}

/* The first line that has this name, or this number in its third field. */
static char **
find_entry (GBytes *file, const char *name, guint n_fields)
{
  guint32 wanted = 0;
  gboolean is_number = parse_id (name, &wanted);
  g_auto (GStrv) lines = split_lines (file);
  for (char **line = lines; *line != NULL; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, ":", -1);
      guint32 id = 0;
      if (g_strv_length (fields) < n_fields || !parse_id (fields[2], &id))
        continue;
      if (g_str_equal (fields[0], name) || (is_number && id == wanted))
        return g_steal_pointer (&fields);
    }
  return NULL;
}

static gboolean
set_unknown (const char *what, const char *name, const char *file, GError **error)
{
  g_autofree char *shown = sc_text_escape (name);
  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                       "image config: %s \"%s\" is neither in the image's %s nor a number", what,
                       shown, file);
}

static gboolean
resolve_group (ScUser *self, const char *name, GBytes *group, GError **error)
{
  g_auto (GStrv) entry = find_entry (group, name, 3);
  if (!parse_id (entry != NULL ? entry[2] : name, &self->gid))
    return set_unknown ("group", name, "/etc/group", error);
  return TRUE;
}

static void
add_supplementary_groups (ScUser *self, const char *user_name, GBytes *group)
{
  g_auto (GStrv) lines = split_lines (group);
  for (char **line = lines; *line != NULL && self->groups->len < MAX_GROUPS; line++)
    {
      g_auto (GStrv) fields = g_strsplit (*line, ":", -1);
      guint32 id = 0;
      if (g_strv_length (fields) < 4 || !parse_id (fields[2], &id))
        continue;
      g_auto (GStrv) members = g_strsplit (g_strstrip (fields[3]), ",", -1);
      if (g_strv_contains ((const char *const *)members, user_name))
        g_array_append_val (self->groups, id);
    }
}

ScUser *
sc_user_lookup (const char *text, GBytes *passwd, GBytes *group, GError **error)
{
  const char *given = text != NULL ? text : "";
  const char *colon = strchr (given, ':');
  g_autofree char *user
      = colon != NULL ? g_strndup (given, (gsize)(colon - given)) : g_strdup (given);
  const char *group_name = colon != NULL ? colon + 1 : "";
  const char *wanted = user[0] != '\0' ? user : "0";

  g_autoptr (ScUser) self = g_new0 (ScUser, 1);
  self->groups = g_array_new (FALSE, FALSE, sizeof (guint32));
  g_auto (GStrv) entry = find_entry (passwd, wanted, 4);
  if (entry == NULL && !parse_id (wanted, &self->uid))
    {
      set_unknown ("user", wanted, "/etc/passwd", error);
      return NULL;
    }
  if (entry != NULL && (!parse_id (entry[2], &self->uid) || !parse_id (entry[3], &self->gid)))
    {
      set_unknown ("group of user", wanted, "/etc/passwd", error);
      return NULL;
    }

  if (group_name[0] != '\0')
    {
      if (!resolve_group (self, group_name, group, error))
        return NULL;
    }
  else if (entry != NULL)
    add_supplementary_groups (self, entry[0], group);
  return g_steal_pointer (&self);
}

void
sc_user_free (ScUser *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->groups);
  g_free (self);
}
