/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-host-entry.h"

static const char *const type_names[] = { "nothing", "file", "directory", "symlink", "other" };

ScHostEntry *
sc_host_entry_new (const char *path, ScHostType type)
{
  ScHostEntry *self = g_new0 (ScHostEntry, 1);

  self->path = g_strdup (path);
  self->type = type;
  return self;
}

ScHostEntry *
sc_host_entry_copy (const ScHostEntry *self)
{
  ScHostEntry *copy = sc_host_entry_new (self->path, self->type);

  copy->mode = self->mode;
  copy->checksum = g_strdup (self->checksum);
  copy->target = g_strdup (self->target);
  return copy;
}

void
sc_host_entry_free (ScHostEntry *self)
{
  g_free (self->path);
  g_free (self->checksum);
  g_free (self->target);
  g_free (self);
}

gboolean
sc_host_entry_is_same (const ScHostEntry *a, const ScHostEntry *b)
{
  ScHostType a_type = a != NULL ? a->type : SC_HOST_NONE;
  ScHostType b_type = b != NULL ? b->type : SC_HOST_NONE;

  if (a_type != b_type || a_type == SC_HOST_OTHER)
    return FALSE;
  if (a_type == SC_HOST_FILE)
    return a->checksum != NULL && g_strcmp0 (a->checksum, b->checksum) == 0;
  return a_type != SC_HOST_SYMLINK || g_strcmp0 (a->target, b->target) == 0;
}

const char *
sc_host_type_to_text (ScHostType type)
{
  return type_names[type];
}

gboolean
sc_host_type_from_text (const char *text, ScHostType *type)
{
  for (guint i = 0; i < G_N_ELEMENTS (type_names); i++)
    if (g_str_equal (type_names[i], text))
      {
        *type = (ScHostType)i;
        return TRUE;
      }
  return FALSE;
}
