/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-reference.h"

#include "base/sc-digest.h"
#include "base/sc-error-util.h"

#include <limits.h>
#include <string.h>

#define MAX_BYTES     1024
#define MAX_TAG_BYTES 128
#define REF_PREFIX    "ociimage/"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* What a client opens for the service, or what belongs to another tool. */
static const char *const client_transports[] = {
  "oci:", "oci-archive:", "docker-archive:", "dockertar:", "dir:", "containers-storage:", "ostree:"
};

void
sc_reference_free (ScReference *self)
{
  g_free (self->text);
  g_free (self->registry);
  g_free (self->repository);
  g_free (self->tag);
  g_free (self->digest);
  g_free (self->fullname);
  g_free (self);
}

static gboolean
refuse (const char *text, GError **error, const char *why)
{
  g_autofree char *escaped = sc_text_escape (text);

  return sc_error_set (error, SYSCONT_ERROR_INVALID_REFERENCE, "\"%s\" is no image name: %s",
                       escaped, why);
}

static gboolean
check_transport (const char *text, GError **error)
{
  if (g_str_has_prefix (text, SC_REGISTRY_PREFIX))
    return refuse (text, error, "write it without docker://");
  if (g_str_has_prefix (text, "http:") || g_str_has_prefix (text, "https:"))
    return refuse (text, error,
                   "write it without http: or https:; a registry without TLS is named as Insecure= "
                   "in [Registries] of "
                   "syscont.conf");
  if (sc_reference_after_engine (text) != NULL)
    return refuse (text, error,
                   "an image of the local engine is brought in with \"syscontctl pull\" first");
  for (gsize i = 0; i < G_N_ELEMENTS (client_transports); i++)
    if (g_str_has_prefix (text, client_transports[i])
        && !g_ascii_isdigit (text[strlen (client_transports[i])]))
      return refuse (text, error, "local content is opened by syscontctl and given to ImportImage");
  return TRUE;
}

const char *
sc_reference_after_engine (const char *text)
{
  if (!g_str_has_prefix (text, SC_ENGINE_PREFIX))
    return NULL;

  const char *name = text + strlen (SC_ENGINE_PREFIX);
  gsize digits = strspn (name, DIGITS);
  gboolean is_port = digits > 0 && name[digits] == '/';
  return is_port || g_str_has_prefix (name, "//") ? NULL : name;
}

/* distribution-spec, "Pulling manifests": [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* */
static gboolean
component_is_valid (const char *text)
{
  const char *p = text;

  for (;;)
    {
      gsize n = strspn (p, LOWER DIGITS);
      if (n == 0)
        return FALSE;
      p += n;
      if (*p == '\0')
        return TRUE;
      n = *p == '-' ? strspn (p, "-") : *p == '_' ? strspn (p, "_") : *p == '.' ? 1 : 0;
      if (n == 0 || (*p == '_' && n > 2))
        return FALSE;
      p += n;
    }
}

static gboolean
path_is_valid (const char *path)
{
  g_auto (GStrv) components = g_strsplit (path, "/", -1);

  for (guint i = 0; components[i] != NULL; i++)
    if (!component_is_valid (components[i]))
      return FALSE;
  return components[0] != NULL;
}

static gboolean
tag_is_valid (const char *tag)
{
  gsize n = strlen (tag);

  return n > 0 && n <= MAX_TAG_BYTES && strchr (".-", tag[0]) == NULL
         && strspn (tag, LOWER UPPER DIGITS "_.-") == n;
}

static gboolean
port_is_valid (const char *port)
{
  guint64 number;

  return g_ascii_string_to_unsigned (port, 10, 1, 65535, &number, NULL);
}

/* host[:port], [IPv6][:port] */
static gboolean
registry_is_valid (const char *registry)
{
  if (registry[0] == '[')
    {
      const char *end = strchr (registry, ']');
      if (end == NULL || end == registry + 1
          || strspn (registry + 1, DIGITS "abcdefABCDEF:.") != (gsize)(end - registry - 1))
        return FALSE;
      return end[1] == '\0' || (end[1] == ':' && port_is_valid (end + 2));
    }

  g_auto (GStrv) parts = g_strsplit (registry, ":", 3);
  g_auto (GStrv) labels = g_strsplit (parts[0], ".", -1);
  if (g_strv_length (parts) > 2 || (parts[1] != NULL && !port_is_valid (parts[1])))
    return FALSE;
  for (guint i = 0; labels[i] != NULL; i++)
    {
      gsize n = strlen (labels[i]);
      if (n == 0 || n > 63 || labels[i][0] == '-' || labels[i][n - 1] == '-'
          || strspn (labels[i], LOWER UPPER DIGITS "-") != n)
        return FALSE;
    }
  return labels[0] != NULL;
}

static gboolean
looks_like_registry (const char *component)
{
  return strpbrk (component, ".:[") != NULL || strcmp (component, "localhost") == 0;
}

/* Takes "@DIGEST" and then ":TAG" off the end of @rest. */
static gboolean
split_suffixes (ScReference *self, char *rest, GError **error)
{
  char *at = strchr (rest, '@');
  if (at != NULL)
    {
      *at = '\0';
      self->digest = g_strdup (at + 1);
      if (!sc_digest_is_valid (self->digest))
        return refuse (self->text, error,
                       "behind \"@\" there must be sha256: and 64 lower-case hex digits");
    }

  char *slash = strrchr (rest, '/');
  char *colon = strrchr (slash != NULL ? slash : rest, ':');
  if (colon != NULL)
    {
      *colon = '\0';
      self->tag = g_strdup (colon + 1);
      if (!tag_is_valid (self->tag))
        return refuse (self->text, error,
                       "the tag has characters that tags must not have, or none");
    }
  return TRUE;
}

static void
split_registry (ScReference *self, const char *rest)
{
  const char *slash = strchr (rest, '/');
  g_autofree char *first = slash != NULL ? g_strndup (rest, (gsize)(slash - rest)) : NULL;

  if (first != NULL && looks_like_registry (first))
    {
      self->registry = g_steal_pointer (&first);
      rest = slash + 1;
    }
  if (g_strcmp0 (self->registry, "docker.io") == 0 && strchr (rest, '/') == NULL)
    self->repository = g_strconcat ("library/", rest, NULL);
  else
    self->repository = g_strdup (rest);
}

ScReference *
sc_reference_parse (const char *text, GError **error)
{
  g_autoptr (ScReference) self = g_new0 (ScReference, 1);
  g_autofree char *rest = g_strdup (text);

  self->text = g_strdup (text);
  if (strlen (text) > MAX_BYTES)
    {
      sc_error_set (error, SYSCONT_ERROR_INVALID_REFERENCE, "an image name has at most %d bytes",
                    MAX_BYTES);
      return NULL;
    }
  if (!check_transport (text, error) || !split_suffixes (self, rest, error))
    return NULL;

  split_registry (self, rest);
  if ((self->registry != NULL && !registry_is_valid (self->registry))
      || !path_is_valid (self->repository))
    {
      refuse (text, error, "write [HOST[:PORT]/]NAME[:TAG][@DIGEST], the name in lower case");
      return NULL;
    }

  gboolean bare = self->tag == NULL && self->digest == NULL;
  self->fullname = bare ? g_strconcat (text, ":latest", NULL) : g_strdup (text);
  if (bare)
    self->tag = g_strdup ("latest");
  return g_steal_pointer (&self);
}

char *
sc_reference_encode (const char *fullname)
{
  GString *ref = g_string_new (REF_PREFIX);

  for (const char *p = fullname; *p != '\0'; p++)
    if (g_ascii_isalnum (*p) || *p == '.' || *p == '-')
      g_string_append_c (ref, *p);
    else
      g_string_append_printf (ref, "_%02X", (guint8)*p);
  return g_string_free (ref, FALSE);
}

/* A ref is one file name in the repository. */
static gboolean
check_ref_length (const ScReference *self, GError **error)
{
  g_autofree char *ref = sc_reference_encode (self->fullname);

  return strlen (ref) - strlen (REF_PREFIX) <= NAME_MAX
         || refuse (self->text, error, "it is too long for the name of a file");
}

/* @name: what stands for the name without tag and digest; @key: of the configuration that says so. */
static ScReference *
expand (const ScReference *self, const char *name, const char *key, GError **error)
{
  g_autofree char *text
      = g_strconcat (name, self->tag != NULL ? ":" : "", self->tag != NULL ? self->tag : "",
                     self->digest != NULL ? "@" : "", self->digest, NULL);
  g_autoptr (ScReference) full = sc_reference_parse (text, error);

  if (full == NULL)
    {
      sc_prefix_error (error, "%s for \"%s\": ", key, self->repository);
      return NULL;
    }
  if (full->registry == NULL)
    {
      g_autofree char *why
          = g_strdup_printf ("%s in [Registries] of syscont.conf must give it a registry", key);
      refuse (full->text, error, why);
      return NULL;
    }
  return check_ref_length (full, error) ? g_steal_pointer (&full) : NULL;
}

/* As "docker.io/library/busybox", which is what it is called there. */
static char *
put_registry_in_front (const ScReference *self, const char *registry)
{
  gboolean is_official
      = g_str_equal (registry, "docker.io") && strchr (self->repository, '/') == NULL;

  return g_strconcat (registry, is_official ? "/library/" : "/", self->repository, NULL);
}

static gboolean
search_short_name (const ScReference *self,
                   const char *const *search,
                   GPtrArray *candidates,
                   GError **error)
{
  for (gsize i = 0; search != NULL && search[i] != NULL; i++)
    {
      g_autofree char *name = put_registry_in_front (self, search[i]);
      ScReference *candidate = expand (self, name, "UnqualifiedSearch=", error);
      if (candidate == NULL)
        return FALSE;
      g_ptr_array_add (candidates, candidate);
    }
  if (candidates->len > 0)
    return TRUE;

  g_autofree char *escaped = sc_text_escape (self->text);
  return sc_error_set (error, SYSCONT_ERROR_INVALID_REFERENCE,
                       "\"%s\" names no registry: write e.g. docker.io/%s%s, or set ShortNames= or "
                       "UnqualifiedSearch= in [Registries] of syscont.conf",
                       escaped, strchr (self->repository, '/') == NULL ? "library/" : "", escaped);
}

GPtrArray *
sc_reference_list_candidates (const ScReference *self,
                              GHashTable *short_names,
                              const char *const *search,
                              GError **error)
{
  g_autoptr (GPtrArray) candidates
      = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_reference_free);
  const char *mapped = self->registry == NULL && short_names != NULL
                           ? g_hash_table_lookup (short_names, self->repository)
                           : NULL;

  if (self->registry == NULL && mapped == NULL)
    return search_short_name (self, search, candidates, error) ? g_steal_pointer (&candidates)
                                                               : NULL;
  ScReference *only = mapped != NULL ? expand (self, mapped, "ShortNames=", error)
                                     : sc_reference_parse (self->text, error);
  if (only == NULL)
    return NULL;
  g_ptr_array_add (candidates, only);
  return check_ref_length (only, error) ? g_steal_pointer (&candidates) : NULL;
}

char *
sc_reference_container_name (const ScReference *self)
{
  const char *slash = strrchr (self->repository, '/');
  const char *last = slash != NULL ? slash + 1 : self->repository;

  return self->tag != NULL && strcmp (self->tag, "latest") != 0
             ? g_strconcat (last, "-", self->tag, NULL)
             : g_strdup (last);
}

gboolean
sc_reference_is_blob_ref (const char *ref)
{
  return g_str_has_prefix (ref, REF_PREFIX) && sc_hex_is_valid (ref + strlen (REF_PREFIX));
}

char *
sc_reference_decode (const char *ref)
{
  if (!g_str_has_prefix (ref, REF_PREFIX) || sc_reference_is_blob_ref (ref))
    return NULL;

  const char *encoded = ref + strlen (REF_PREFIX);
  g_autoptr (GString) name = g_string_new (NULL);
  for (const char *p = encoded; *p != '\0'; p++)
    {
      if (*p != '_')
        {
          g_string_append_c (name, *p);
          continue;
        }
      if (!g_ascii_isxdigit (p[1]) || !g_ascii_isxdigit (p[2]))
        return g_strdup (encoded);
      g_string_append_c (name,
                         (char)(g_ascii_xdigit_value (p[1]) << 4 | g_ascii_xdigit_value (p[2])));
      p += 2;
    }
  /* Another tool's ref may hide any byte; what is no text is not decoded, NUL included. */
  if (!g_utf8_validate (name->str, (gssize)name->len, NULL))
    return g_strdup (encoded);
  return g_string_free (g_steal_pointer (&name), FALSE);
}

char *
sc_reference_blob_ref (const char *digest)
{
  return g_strconcat (REF_PREFIX, sc_digest_hex (digest), NULL);
}
