/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-trust-policy.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAX_BYTES (1024 * 1024)

/* containers-policy.json(5), "docker:": from the whole name to ever shorter prefixes of it, then wildcards of the host. */
static char **
list_scopes (const char *name)
{
  g_autoptr (GStrvBuilder) scopes = g_strv_builder_new ();
  g_autofree char *scope = g_strdup (name);
  char *slash = strrchr (scope, '/');
  char *suffix = strpbrk (slash != NULL ? slash : scope, ":@");

  g_strv_builder_add (scopes, scope);
  if (suffix != NULL)
    {
      *suffix = '\0';
      g_strv_builder_add (scopes, scope);
    }
  while ((slash = strrchr (scope, '/')) != NULL)
    {
      *slash = '\0';
      g_strv_builder_add (scopes, scope);
    }

  char *port = strrchr (scope, ':');
  if (port != NULL)
    *port = '\0';
  for (const char *dot = strchr (scope, '.'); dot != NULL; dot = strchr (dot + 1, '.'))
    {
      g_autofree char *wildcard = g_strconcat ("*", dot, NULL);
      g_strv_builder_add (scopes, wildcard);
    }
  g_strv_builder_add (scopes, "");
  return g_strv_builder_end (scopes);
}

static gboolean
find_in_transport (JsonObject *root, const char *transport, const char *name, char **scope,
                   JsonArray **requirements, GError **error)
{
  const char *const any[] = { "", NULL };
  g_auto (GStrv) scopes = name != NULL ? list_scopes (name) : g_strdupv ((char **)any);
  JsonObject *transports;
  JsonObject *rules = NULL;

  *requirements = NULL;
  if (!sc_json_get_object (root, "transports", &transports, error)
      || (transports != NULL && !sc_json_get_object (transports, transport, &rules, error)))
    return FALSE;
  for (guint i = 0; rules != NULL && scopes[i] != NULL; i++)
    {
      if (!sc_json_get_array (rules, scopes[i], requirements, error))
        return FALSE;
      if (*requirements != NULL)
        {
          *scope = g_strdup (scopes[i]);
          return TRUE;
        }
    }
  return TRUE;
}

static gboolean
check_requirements (JsonArray *requirements, const char *path, const char *scope, GError **error)
{
  guint n = json_array_get_length (requirements);

  if (n == 0)
    return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED, "%s has no requirement for \"%s\"", path, scope);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (requirements, i);
      const char *type = NULL;

      if (!JSON_NODE_HOLDS_OBJECT (node) || !sc_json_get_string (json_node_get_object (node), "type", &type, error))
        return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED, "%s has a requirement without a type for \"%s\"", path,
                             scope);
      if (g_strcmp0 (type, "insecureAcceptAnything") != 0)
        {
          g_autofree char *escaped = sc_text_escape (type != NULL ? type : "");
          return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED,
                               "%s requires \"%s\" for \"%s\": signatures are not verified yet, so that only what "
                               "needs none is let in",
                               path, escaped, scope);
        }
    }
  return TRUE;
}

static gboolean
check (JsonObject *root, const char *path, const char *transport, const char *name, GError **error)
{
  JsonArray *requirements;
  g_autofree char *scope = NULL;

  if (!find_in_transport (root, transport, name, &scope, &requirements, error))
    return FALSE;
  if (requirements == NULL && !sc_json_get_array (root, "default", &requirements, error))
    return FALSE;
  if (requirements == NULL)
    return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED, "%s has no default", path);
  return check_requirements (requirements, path, scope != NULL && scope[0] != '\0' ? scope : transport, error);
}

gboolean
sc_trust_policy_check (const char *path, const char *transport, const char *scope, GError **error)
{
  sc_autofd fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

  if (fd < 0 && errno == ENOENT)
    return TRUE;
  if (fd < 0)
    return sc_error_set_errno (error, errno, "opening \"%s\"", path);

  gsize size = 0;
  g_autoptr (GBytes) bytes = sc_fd_read_all (fd, MAX_BYTES, error);
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  g_autoptr (JsonObject) root = bytes != NULL ? sc_json_parse_object (data, size, NULL, error) : NULL;
  if (root != NULL && check (root, path, transport, scope, error))
    return TRUE;
  if (error != NULL && !g_error_matches (*error, SYSCONT_ERROR, SYSCONT_ERROR_POLICY_REJECTED))
    {
      /* What cannot be understood lets nothing in. */
      (*error)->domain = SYSCONT_ERROR;
      (*error)->code = SYSCONT_ERROR_POLICY_REJECTED;
      g_prefix_error (error, "%s: ", path);
    }
  return FALSE;
}
