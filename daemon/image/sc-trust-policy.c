/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-trust-policy.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAX_BYTES (1024 * 1024)

/* Scopes are written "in the fully expanded form" (containers-policy.json(5)), and a host has one
 * name in any case. */
static char *
expand_name (const char *fullname)
{
  g_autoptr (ScReference) reference = sc_reference_parse (fullname, NULL);

  if (reference == NULL || reference->registry == NULL)
    return g_strdup (fullname);
  g_autofree char *host = g_ascii_strdown (reference->registry, -1);
  return g_strdup_printf (
      "%s/%s%s%s%s%s", host, reference->repository, reference->tag != NULL ? ":" : "",
      reference->tag != NULL ? reference->tag : "", reference->digest != NULL ? "@" : "",
      reference->digest != NULL ? reference->digest : "");
}

/* containers-policy.json(5), "docker:": from the whole name to ever shorter prefixes of it, then
 * wildcards of the host. */
static char **
list_scopes (const char *name)
{
  g_autoptr (GStrvBuilder) scopes = g_strv_builder_new ();
  g_autofree char *scope = expand_name (name);
  char *slash = strrchr (scope, '/');
  char *last = slash != NULL ? slash : scope;
  char *digest = strchr (last, '@');

  g_strv_builder_add (scopes, scope);
  /* Without its digest first: a rule for the tag is not evaded by adding one. */
  if (digest != NULL)
    {
      *digest = '\0';
      g_strv_builder_add (scopes, scope);
    }
  char *tag = strchr (last, ':');
  if (tag != NULL)
    {
      *tag = '\0';
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
find_in_transport (JsonObject *root,
                   const char *transport,
                   const char *name,
                   char **scope,
                   JsonArray **requirements,
                   GError **error)
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
      if (!json_object_has_member (rules, scopes[i]))
        continue;
      /* null is no way to say "ask a wider scope" */
      if (!sc_json_get_array (rules, scopes[i], requirements, error))
        return FALSE;
      if (*requirements == NULL)
        return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED, "\"%s\" has no requirements",
                             scopes[i]);
      *scope = scopes[i][0] != '\0' ? g_strdup (scopes[i]) : g_strdup (transport);
      return TRUE;
    }
  return TRUE;
}

static gboolean
check_requirement (JsonNode *node, const char *scope, GError **error)
{
  const char *type = NULL;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED,
                         "a requirement for \"%s\" is no object", scope);
  if (!sc_json_get_string (json_node_get_object (node), "type", &type, error))
    return sc_prefix_error (error, "a requirement for \"%s\": ", scope);
  if (g_strcmp0 (type, "insecureAcceptAnything") == 0)
    return TRUE;

  g_autofree char *escaped = sc_text_escape (type != NULL ? type : "");
  return sc_error_set (
      error, SYSCONT_ERROR_POLICY_REJECTED,
      "\"%s\" is required for \"%s\": signatures are not verified, so only insecureAcceptAnything "
      "lets an image in",
      escaped, scope);
}

static gboolean
check (JsonObject *root, const char *transport, const char *name, GError **error)
{
  JsonArray *fallback;
  JsonArray *requirements;
  g_autofree char *scope = NULL;

  if (!sc_json_get_array (root, "default", &fallback, error)
      || !find_in_transport (root, transport, name, &scope, &requirements, error))
    return FALSE;
  if (fallback == NULL)
    return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED, "\"default\" is missing");
  if (requirements == NULL)
    {
      requirements = fallback;
      scope = g_strdup ("default");
    }

  guint n = json_array_get_length (requirements);
  if (n == 0)
    return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED, "\"%s\" has no requirements", scope);
  for (guint i = 0; i < n; i++)
    if (!check_requirement (json_array_get_element (requirements, i), scope, error))
      return FALSE;
  return TRUE;
}

/* Returns: NULL without @error when there is no file */
static GBytes *
read_policy (const char *path, GError **error)
{
  sc_autofd fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat st;

  if (fd < 0 && errno == ENOENT)
    return NULL;
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      sc_error_set_errno (error, errno, "opening it");
      return NULL;
    }
  if (!S_ISREG (st.st_mode))
    {
      sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED, "it is no regular file");
      return NULL;
    }
  return sc_fd_read_all (fd, MAX_BYTES, error);
}

gboolean
sc_trust_policy_check (const char *path, const char *transport, const char *scope, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes = read_policy (path, &local_error);

  if (bytes == NULL && local_error == NULL)
    return TRUE;

  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  g_autoptr (JsonObject) root
      = bytes != NULL ? sc_json_parse_object (data, size, NULL, &local_error) : NULL;
  if (root != NULL && check (root, transport, scope, &local_error))
    return TRUE;
  /* What cannot be read or understood lets nothing in. */
  return sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED, "\"%s\": %s", path,
                       local_error->message);
}
