/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-process.h"

#include "base/sc-error-util.h"
#include "deploy/sc-host-path.h"
#include "deploy/sc-stored.h"
#include "deploy/sc-user-lookup.h"

#include <string.h>

#define MAX_WORDS 1024
#define MAX_BYTES (256 * 1024) /* of all words; the kernel refuses more than 128 KiB in one */

static gboolean
check_words (const char *option, const char *const *words, GError **error)
{
  gsize size_bytes = 0;
  guint n = 0;

  for (; words != NULL && words[n] != NULL; n++)
    size_bytes += strlen (words[n]) + 1;
  if (n > MAX_WORDS || size_bytes > MAX_BYTES)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "\"%s\" has more than %d words or %d bytes", option, MAX_WORDS, MAX_BYTES);
  return TRUE;
}

static gboolean
check_env (const char *const *env, GError **error)
{
  for (guint i = 0; env != NULL && env[i] != NULL; i++)
    if (strchr (env[i], '=') == NULL || env[i][0] == '=')
      {
        g_autofree char *shown = sc_text_escape (env[i]);
        return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                             "option \"env\": \"%s\" is not NAME=VALUE", shown);
      }
  return check_words ("env", env, error);
}

static gboolean
check_cwd (const char *cwd, GError **error)
{
  g_autofree char *clean = cwd != NULL ? sc_host_path_clean (cwd) : NULL;

  /* /proc/self/fd/N as working directory has led out of containers: CVE-2024-21626 */
  if (cwd == NULL
      || (clean != NULL && strcmp (clean, cwd) == 0 && !sc_host_path_is_below (clean, "/proc")))
    return TRUE;

  g_autofree char *shown = sc_text_escape (cwd);
  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                       "option \"cwd\": \"%s\" is not a clean absolute path outside /proc", shown);
}

gboolean
sc_process_check (const ScProcess *self, GError **error)
{
  if (self->args != NULL && (self->args[0] == NULL || self->args[0][0] == '\0'))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "\"argv\" names no program");
  if (self->user != NULL && self->user[0] == '\0')
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "option \"user\" is empty");
  return check_words ("argv", self->args, error) && check_env (self->env, error)
         && check_cwd (self->cwd, error);
}

static gboolean
has_name (const char *const *env, const char *entry)
{
  gsize length = strcspn (entry, "=") + 1;

  for (guint i = 0; env != NULL && env[i] != NULL; i++)
    if (strncmp (env[i], entry, length) == 0)
      return TRUE;
  return FALSE;
}

/* The runtime finds a home directory for whoever has none in the environment. */
static gboolean
merge_env (const ScProcess *self, JsonObject *process, GError **error)
{
  g_auto (GStrv) old = NULL;
  g_autoptr (GPtrArray) merged = g_ptr_array_new ();

  if (!sc_json_get_strv (process, "env", &old, error))
    return FALSE;
  for (guint i = 0; old != NULL && old[i] != NULL; i++)
    if (!has_name (self->env, old[i])
        && (self->user == NULL || !g_str_has_prefix (old[i], "HOME=")))
      g_ptr_array_add (merged, old[i]);
  for (guint i = 0; self->env != NULL && self->env[i] != NULL; i++)
    g_ptr_array_add (merged, (gpointer)self->env[i]);
  g_ptr_array_add (merged, NULL);
  json_object_set_array_member (process, "env",
                                sc_stored_write_strv ((const char *const *)merged->pdata));
  return TRUE;
}

static void
drop_capabilities (JsonObject *process)
{
  static const char *const sets[] = { "effective", "permitted", "inheritable", "ambient" };
  JsonObject *capabilities = NULL;

  if (!sc_json_get_object (process, "capabilities", &capabilities, NULL) || capabilities == NULL)
    return;
  for (gsize i = 0; i < G_N_ELEMENTS (sets); i++)
    json_object_remove_member (capabilities, sets[i]);
}

static gboolean
set_user (const ScProcess *self, JsonObject *process, GBytes *passwd, GBytes *group, GError **error)
{
  g_autoptr (ScUser) user = sc_user_lookup (self->user, passwd, group, NULL);

  if (user == NULL)
    {
      g_autofree char *shown = sc_text_escape (self->user);
      return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                           "\"%s\" is neither in the container's /etc/passwd and /etc/group nor a "
                           "number",
                           shown);
    }

  JsonObject *object = json_object_new ();
  JsonArray *groups = json_array_new ();
  json_object_set_int_member (object, "uid", user->uid);
  json_object_set_int_member (object, "gid", user->gid);
  for (guint i = 0; i < user->groups->len; i++)
    json_array_add_int_element (groups, g_array_index (user->groups, guint32, i));
  json_object_set_array_member (object, "additionalGids", groups);
  json_object_set_object_member (process, "user", object);
  if (user->uid != 0)
    drop_capabilities (process);
  return TRUE;
}

static void
set_size (const ScProcess *self, JsonObject *process)
{
  json_object_remove_member (process, "consoleSize");
  if (!self->has_terminal || self->rows == 0 || self->columns == 0)
    return;

  JsonObject *size = json_object_new ();
  json_object_set_int_member (size, "height", self->rows);
  json_object_set_int_member (size, "width", self->columns);
  json_object_set_object_member (process, "consoleSize", size);
}

gboolean
sc_process_apply (
    const ScProcess *self, JsonObject *process, GBytes *passwd, GBytes *group, GError **error)
{
  if (self->user != NULL && !set_user (self, process, passwd, group, error))
    return FALSE;
  if (!merge_env (self, process, error))
    return FALSE;
  if (self->args != NULL)
    json_object_set_array_member (process, "args", sc_stored_write_strv (self->args));
  if (self->cwd != NULL)
    json_object_set_string_member (process, "cwd", self->cwd);
  json_object_set_boolean_member (process, "terminal", self->has_terminal);
  set_size (self, process);
  return TRUE;
}
