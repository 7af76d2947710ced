/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-tmpfiles-text.h"

#include "base/sc-error-util.h"
#include "deploy/sc-host-path.h"

#include <string.h>

#define ALLOWED_TYPES     "dDefLvqQrzZ"
#define ALLOWED_MODIFIERS "!+-="
#define N_OWNER_FIELDS    3

typedef struct
{
  const char *file;
  guint number;
  const ScHostPathPolicy *policy;
  const char *name;
  char **fields; /* type, path, mode, user, group, age, argument */
} Line;

static gboolean
refuse (const Line *self, const char *why, GError **error)
{
  g_autofree char *shown = sc_text_escape (self->fields[1] != NULL ? self->fields[1] : "");
  return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "%s: line %u: \"%s\": %s", self->file,
                       self->number, shown, why);
}

static char
type_of (const Line *self)
{
  return self->fields[0][0];
}

static gboolean
is_own_path (const char *path, const char *name)
{
  static const char *const parents[] = { "/run",     "/etc",     "/usr/local", "/opt",      "/srv",
                                         "/var/lib", "/var/log", "/var/cache", "/var/spool" };
  for (guint i = 0; i < G_N_ELEMENTS (parents); i++)
    {
      g_autofree char *own = g_build_filename (parents[i], name, NULL);
      if (sc_host_path_is_below (path, own))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_modifiers (const Line *self, const char *path, GError **error)
{
  const char *modifiers = self->fields[0] + 1;
  if (modifiers[strspn (modifiers, ALLOWED_MODIFIERS)] != '\0')
    return refuse (self, "only the modifiers \"!\", \"+\", \"-\" and \"=\" are allowed", error);
  if (strpbrk (modifiers, "+=") != NULL && !is_own_path (path, self->name))
    return refuse (
        self, "\"+\" and \"=\" are only allowed in directories named after the container", error);
  return TRUE;
}

static gboolean
sets_nothing (const Line *self)
{
  for (guint i = 2; i < 2 + N_OWNER_FIELDS && self->fields[i] != NULL; i++)
    {
      if (!g_str_equal (self->fields[i], "-"))
        return FALSE;
    }
  return TRUE;
}

/* /etc/systemd/system/OTHER.service.d may be made, and our NAME.conf in it removed: how images hook
 * into a service that they serve. */
static gboolean
is_drop_in (const Line *self, const char *path)
{
  const char *rest = path + strlen ("/etc/systemd/system/");
  if (!g_str_has_prefix (path, "/etc/systemd/system/"))
    return FALSE;
  const char *slash = strchr (rest, '/');
  gsize length = slash != NULL ? (gsize)(slash - rest) : strlen (rest);
  if (length <= 2 || strncmp (rest + length - 2, ".d", 2) != 0)
    return FALSE;
  if (slash == NULL)
    return type_of (self) == 'd' && sets_nothing (self);
  g_autofree char *own = g_strdup_printf ("%s.conf", self->name);
  return type_of (self) == 'r' && g_str_equal (slash + 1, own);
}

/* A pattern can match whatever is below the directory in front of it. */
static char *
literal_part (const char *path)
{
  const char *pattern = strpbrk (path, "*?[{");
  if (pattern == NULL)
    return g_strdup (path);
  while (*pattern != '/')
    pattern--;
  return pattern == path ? g_strdup ("/") : g_strndup (path, (gsize)(pattern - path));
}

static gboolean
check_path (const Line *self, const char *path, GError **error)
{
  g_autofree char *literal = literal_part (path);
  ScHostPathClass class = sc_host_path_classify (self->policy, literal);
  if (class == SC_HOST_PATH_ALLOWED || is_drop_in (self, path))
    return TRUE;
  if (class == SC_HOST_PATH_REFUSED)
    return refuse (self, "an image may not change this path", error);
  gboolean is_pattern = !g_str_equal (literal, path);
  if (type_of (self) == 'd' && !is_pattern && sets_nothing (self))
    return TRUE;
  return refuse (
      self, "a directory of the whole system may only be created, by \"d\" without mode and owner",
      error);
}

/* systemd-tmpfiles undoes quotes and escapes and expands specifiers; a path with any of them is not
 * what it looks like. A doubled "%" stays. */
static gboolean
is_literal_text (const char *path)
{
  if (strpbrk (path, "\\\"'") != NULL)
    return FALSE;
  for (const char *p = strchr (path, '%'); p != NULL; p = strchr (p + 2, '%'))
    {
      if (p[1] != '%')
        return FALSE;
    }
  return TRUE;
}

static gboolean
check_line (const Line *self, GError **error)
{
  if (self->fields[0] == NULL || self->fields[1] == NULL)
    return refuse (self, "a line needs a type and a path", error);
  if (strchr (ALLOWED_TYPES, type_of (self)) == NULL)
    return refuse (self, "only the types d D e f L v q Q r z Z are allowed", error);
  if (!is_literal_text (self->fields[0]) || !is_literal_text (self->fields[1]))
    return refuse (self, "quotes, backslashes and specifiers are not allowed in a path", error);

  g_autofree char *clean = sc_host_path_clean (self->fields[1]);
  if (clean == NULL)
    return refuse (self, "not an absolute path without \"..\"", error);
  g_autofree char *path = sc_host_path_resolve_legacy (clean);
  return check_modifiers (self, path, error) && check_path (self, path, error);
}

static char **
split_fields (const char *line)
{
  g_autoptr (GStrvBuilder) fields = g_strv_builder_new ();
  const char *p = line;
  while (*(p += strspn (p, " \t")) != '\0')
    {
      gsize length = strcspn (p, " \t");
      g_autofree char *field = g_strndup (p, length);
      g_strv_builder_add (fields, field);
      p += length;
    }
  return g_strv_builder_end (fields);
}

gboolean
sc_tmpfiles_text_check (const char *file,
                        const char *text,
                        const ScHostPathPolicy *policy,
                        const char *name,
                        GError **error)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = split_fields (lines[i]);
      Line line
          = { .file = file, .number = i + 1, .policy = policy, .name = name, .fields = fields };
      if (sc_text_has_control (lines[i], "\t"))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "%s: line %u: a control character", file, line.number);
      if (fields[0] == NULL || fields[0][0] == '#')
        continue;
      if (!check_line (&line, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
makes_directory (char **fields)
{
  return fields[0] != NULL && fields[1] != NULL && strchr ("dDvqQ", fields[0][0]) != NULL
         && strpbrk (fields[1], "\\\"'%") == NULL;
}

char **
sc_tmpfiles_text_list_directories (const char *text)
{
  g_autoptr (GStrvBuilder) paths = g_strv_builder_new ();
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_auto (GStrv) fields = split_fields (lines[i]);
      if (!makes_directory (fields))
        continue;
      g_autofree char *clean = sc_host_path_clean (fields[1]);
      g_autofree char *path = clean != NULL ? sc_host_path_resolve_legacy (clean) : NULL;
      if (path != NULL && !sc_host_path_is_below (path, "/run"))
        g_strv_builder_add (paths, path);
    }
  return g_strv_builder_end (paths);
}

void
sc_tmpfiles_text_append_directory (
    GString *text, const char *path, guint mode, guint32 uid, guint32 gid)
{
  g_string_append (text, "d ");
  for (const char *p = path; *p != '\0'; p++)
    {
      if (*p == '%')
        g_string_append (text, "%%");
      else if (strchr (" \"'\\#", *p) != NULL)
        g_string_append_printf (text, "\\x%02x", (guint)(guchar)*p);
      else
        g_string_append_c (text, *p);
    }
  g_string_append_printf (text, " %04o %u %u - -\n", mode, uid, gid);
}
