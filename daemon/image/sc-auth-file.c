/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-auth-file.h"

#include "base/sc-json.h"
#include "image/sc-reference.h"

#include <string.h>

#define FORMAT_VERSION 1

struct _ScAuthFile
{
  JsonObject *root;  /* (owned) */
  JsonObject *auths; /* (owned) member of @root */
};

static ScAuthFile *
wrap (JsonObject *root)
{
  ScAuthFile *self = g_new0 (ScAuthFile, 1);

  self->root = root;
  if (!json_object_has_member (root, "auths"))
    json_object_set_object_member (root, "auths", json_object_new ());
  self->auths = json_object_ref (json_object_get_object_member (root, "auths"));
  return self;
}

ScAuthFile *
sc_auth_file_new (void)
{
  JsonObject *root = json_object_new ();

  json_object_set_int_member (root, "version", FORMAT_VERSION);
  return wrap (root);
}

void
sc_auth_file_free (ScAuthFile *self)
{
  json_object_unref (self->auths);
  json_object_unref (self->root);
  g_free (self);
}

/* Returns: (transfer full) (nullable) */
static JsonObject *
parse_object (const char *data, gsize size_bytes, GError **error)
{
  g_autoptr (GError) reason = NULL;
  ScJsonLimits limits = sc_json_limits_default;

  limits.max_bytes = SC_AUTH_FILE_MAX_BYTES;
  JsonObject *object = sc_json_parse_object (data, size_bytes, &limits, &reason);
  if (object == NULL)
    sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "%s", reason->message);
  return object;
}

static ScAuthFile *
check_root (JsonObject *object, GError **error)
{
  g_autoptr (JsonObject) root = object;
  JsonObject *auths;
  guint64 version;
  g_autoptr (GError) reason = NULL;

  if (!sc_json_get_object (root, "auths", &auths, &reason)
      || !sc_json_get_uint (root, "version", FORMAT_VERSION, &version, &reason))
    {
      sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "%s", reason->message);
      return NULL;
    }
  if (version > FORMAT_VERSION)
    {
      sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "it was written by a newer syscontd");
      return NULL;
    }
  if (auths == NULL)
    json_object_remove_member (root, "auths");
  return wrap (g_steal_pointer (&root));
}

ScAuthFile *
sc_auth_file_parse (const char *data, gsize size_bytes, GError **error)
{
  JsonObject *root = parse_object (data, size_bytes, error);

  return root != NULL ? check_root (root, error) : NULL;
}

ScAuthFile *
sc_auth_file_parse_fragment (const char *data, gsize size_bytes, const char *prefix, GError **error)
{
  g_autoptr (JsonObject) object = parse_object (data, size_bytes, error);
  if (object == NULL)
    return NULL;
  if (!json_object_has_member (object, "auth") && !json_object_has_member (object, "identitytoken"))
    return check_root (g_steal_pointer (&object), error);

  ScAuthFile *self = sc_auth_file_new ();
  json_object_set_object_member (self->auths, prefix, g_steal_pointer (&object));
  return self;
}

/* Docker's registry has more than one name. */
static const char *
get_own_name (const char *host)
{
  static const char *const others[] = { "index.docker.io", "registry-1.docker.io", NULL };

  return g_strv_contains (others, host) ? "docker.io" : host;
}

/* Older clients wrote the URL of an API, "https://index.docker.io/v1/": its path says nothing. */
static char *
normalize_key (const char *key)
{
  const char *rest = key;

  if (g_str_has_prefix (key, "https://"))
    rest = key + strlen ("https://");
  else if (g_str_has_prefix (key, "http://"))
    rest = key + strlen ("http://");

  gsize n_host = strcspn (rest, "/");
  g_autofree char *host = g_ascii_strdown (rest, (gssize)n_host);
  const char *path = rest == key ? rest + n_host : "";
  return g_strconcat (get_own_name (host), path, NULL);
}

static JsonNode *
find_key (ScAuthFile *self, const char *wanted)
{
  JsonNode *node = json_object_get_member (self->auths, wanted);
  if (node != NULL)
    return node;

  JsonObjectIter iter;
  const char *key;
  json_object_iter_init (&iter, self->auths);
  while (json_object_iter_next (&iter, &key, &node))
    {
      g_autofree char *normal = normalize_key (key);
      if (g_str_equal (normal, wanted))
        return node;
    }
  return NULL;
}

static ScCredential *
read_entry (JsonNode *node, GError **error)
{
  if (JSON_NODE_HOLDS_OBJECT (node))
    return sc_credential_from_entry (json_node_get_object (node), error);
  sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "it is no object");
  return NULL;
}

gboolean
sc_auth_file_find (ScAuthFile *self,
                   const char *registry,
                   const char *repository,
                   ScCredential **credential,
                   GError **error)
{
  g_autofree char *host = g_ascii_strdown (registry, -1);
  g_autofree char *key = repository != NULL
                             ? g_strconcat (get_own_name (host), "/", repository, NULL)
                             : g_strdup (get_own_name (host));
  char *slash = key;

  for (*credential = NULL; slash != NULL && *credential == NULL;)
    {
      g_autoptr (GError) local_error = NULL;
      JsonNode *node = find_key (self, key);

      *credential = node != NULL ? read_entry (node, &local_error) : NULL;
      if (local_error != NULL)
        return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "the login for \"%s\": %s", key,
                             local_error->message);
      slash = strrchr (key, '/');
      if (slash != NULL)
        *slash = '\0';
    }
  return TRUE;
}

gboolean
sc_auth_file_has_helper (ScAuthFile *self, const char *registry)
{
  JsonObject *helpers;

  if (json_object_has_member (self->root, "credsStore"))
    return TRUE;
  return sc_json_get_object (self->root, "credHelpers", &helpers, NULL) && helpers != NULL
         && json_object_has_member (helpers, registry);
}

void
sc_auth_file_set (ScAuthFile *self, const char *prefix, const ScCredential *credential)
{
  json_object_set_object_member (self->auths, prefix, sc_credential_to_entry (credential));
}

gboolean
sc_auth_file_remove (ScAuthFile *self, const char *prefix)
{
  if (!json_object_has_member (self->auths, prefix))
    return FALSE;
  json_object_remove_member (self->auths, prefix);
  return TRUE;
}

char *
sc_auth_file_to_text (ScAuthFile *self)
{
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), self->root);

  return sc_json_to_text (node, TRUE);
}

gboolean
sc_auth_prefix_check (const char *prefix, GError **error)
{
  g_autofree char *text = g_strconcat (prefix, "/x:latest", NULL);
  g_autofree char *lower = g_ascii_strdown (prefix, -1);
  g_autoptr (ScReference) reference = sc_reference_parse (text, NULL);
  g_autofree char *escaped = sc_text_escape (prefix);

  if (reference != NULL && reference->registry != NULL && g_str_equal (prefix, lower))
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                       "\"%s\" is no registry; write HOST, HOST:PORT or HOST/NAMESPACE, in lower "
                       "case and without https://",
                       escaped);
}
