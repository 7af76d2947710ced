/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-registries.h"

#include "base/sc-error-util.h"
#include "base/sc-key-file.h"

#include <string.h>

/* Bits, so that a key can belong to both. */
typedef enum
{
  KIND_REGISTRY = 1 << 0,
  KIND_MIRROR = 1 << 1,
} RuleKind;

/* One group of a file. */
typedef struct
{
  RuleKind kind;
  char *file;     /* (owned) */
  char *prefix;   /* (owned) of names; of a mirror its location */
  char *location; /* (owned) (nullable) what replaces the prefix */
  char **mirrors; /* (owned) (nullable) */
  char *proxy;    /* (owned) (nullable) */
  gboolean blocked;
  gboolean insecure;
  gboolean digest_only;
} Rule;

struct _ScRegistries
{
  GPtrArray *rules; /* (owned) of Rule */
};

static void
rule_free (Rule *self)
{
  g_free (self->file);
  g_free (self->prefix);
  g_free (self->location);
  g_strfreev (self->mirrors);
  g_free (self->proxy);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rule, rule_free)

static const char *
kind_name (RuleKind kind)
{
  return kind == KIND_REGISTRY ? "Registry" : "Mirror";
}

/* --- values --- */

#define LOWER_DIGITS "abcdefghijklmnopqrstuvwxyz0123456789"

static gboolean
is_host (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, ":", 2);
  const char *host = parts[0];

  if (host == NULL || host[strspn (host, LOWER_DIGITS ".-")] != '\0'
      || strchr (".-", host[0]) != NULL)
    return FALSE;
  if (parts[1] != NULL)
    return g_ascii_string_to_unsigned (parts[1], 10, 1, 65535, NULL, NULL);
  return strchr (host, '.') != NULL || g_str_equal (host, "localhost");
}

static gboolean
is_location (const char *text)
{
  g_auto (GStrv) parts = g_strsplit (text, "/", -1);

  if (parts[0] == NULL || !is_host (parts[0]))
    return FALSE;
  for (guint i = 1; parts[i] != NULL; i++)
    if (parts[i][0] == '\0' || parts[i][strspn (parts[i], LOWER_DIGITS "._-")] != '\0')
      return FALSE;
  return TRUE;
}

static gboolean
is_prefix (const char *text)
{
  if (g_str_has_prefix (text, "*."))
    return strpbrk (text, "/:") == NULL && is_host (text + strlen ("*."));
  return is_location (text);
}

static gboolean
parse_flag (const char *value, gboolean *flag, GError **error)
{
  static const char *const yes[] = { "yes", "true", "on", "1", NULL };
  static const char *const no[] = { "no", "false", "off", "0", NULL };

  *flag = g_strv_contains (yes, value);
  return *flag || g_strv_contains (no, value) || sc_key_file_fail_value (value, "yes or no", error);
}

static gboolean
parse_location (const char *value, char **location, GError **error)
{
  if (!is_location (value))
    return sc_key_file_fail_value (value, "a place, HOST[:PORT][/PATH] in lower case", error);
  *location = g_strdup (value);
  return TRUE;
}

static gboolean
parse_mirrors (const char *value, char ***mirrors, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (value, ";", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      if (*g_strstrip (parts[i]) == '\0' && parts[i + 1] == NULL)
        break;
      if (!is_location (parts[i]))
        return sc_key_file_fail_value (parts[i], "a mirror, HOST[:PORT][/PATH] in lower case",
                                       error);
      if (!g_hash_table_add (seen, parts[i]))
        return sc_key_file_fail_value (parts[i], "there once", error);
      g_strv_builder_add (builder, parts[i]);
    }
  *mirrors = g_strv_builder_end (builder);
  return TRUE;
}

/* A URI of a proxy may have a password: it is not in the message. */
static gboolean
parse_proxy (const char *value, char **proxy, GError **error)
{
  static const char *const schemes[] = { "http", "socks5", NULL };

  if (g_str_equal (value, "none"))
    {
      *proxy = g_strdup ("direct://");
      return TRUE;
    }

  g_autoptr (GUri) uri = g_uri_parse (value, G_URI_FLAGS_HAS_PASSWORD, NULL);
  const char *host = uri != NULL ? g_uri_get_host (uri) : NULL;
  if (host == NULL || *host == '\0' || g_uri_get_port (uri) <= 0
      || !g_strv_contains (schemes, g_uri_get_scheme (uri))
      || strchr ("/", *g_uri_get_path (uri)) == NULL || g_uri_get_query (uri) != NULL)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "this is no proxy: write http://[USER:PASSWORD@]HOST:PORT, "
                         "socks5://HOST:PORT or none");
  *proxy = g_strdup (value);
  return TRUE;
}

/* --- files --- */

typedef enum
{
  TYPE_FLAG,
  TYPE_LOCATION,
  TYPE_MIRRORS,
  TYPE_PROXY,
} KeyType;

typedef struct
{
  const char *key;
  guint kinds; /* of RuleKind */
  KeyType type;
  gsize offset; /* in Rule */
} KeyRow;

static const KeyRow rows[] = {
  { "Location", KIND_REGISTRY, TYPE_LOCATION, offsetof (Rule, location) },
  { "Mirrors", KIND_REGISTRY, TYPE_MIRRORS, offsetof (Rule, mirrors) },
  { "Blocked", KIND_REGISTRY, TYPE_FLAG, offsetof (Rule, blocked) },
  { "DigestOnly", KIND_MIRROR, TYPE_FLAG, offsetof (Rule, digest_only) },
  { "Insecure", KIND_REGISTRY | KIND_MIRROR, TYPE_FLAG, offsetof (Rule, insecure) },
  { "Proxy", KIND_REGISTRY | KIND_MIRROR, TYPE_PROXY, offsetof (Rule, proxy) },
};

static const KeyRow *
find_row (RuleKind kind, const char *key, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if ((rows[i].kinds & kind) && g_str_equal (rows[i].key, key))
      return &rows[i];
  sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "there is no such key in a group [%s …]",
                kind_name (kind));
  return NULL;
}

static gboolean
parse_key (Rule *rule, GKeyFile *file, const char *group, const char *key, GError **error)
{
  const KeyRow *row = find_row (rule->kind, key, error);
  g_autofree char *value = row != NULL ? g_key_file_get_string (file, group, key, error) : NULL;
  if (value == NULL)
    return FALSE;

  gpointer member = G_STRUCT_MEMBER_P (rule, row->offset);
  g_strchomp (value);
  switch (row->type)
    {
    case TYPE_LOCATION:
      return parse_location (value, member, error);
    case TYPE_MIRRORS:
      return parse_mirrors (value, member, error);
    case TYPE_PROXY:
      return parse_proxy (value, member, error);
    case TYPE_FLAG:
    default:
      return parse_flag (value, member, error);
    }
}

static Rule *
parse_header (const char *path, const char *group, GError **error)
{
  static const RuleKind kinds[] = { KIND_REGISTRY, KIND_MIRROR };
  g_auto (GStrv) words = g_strsplit (group, " ", 2);

  for (gsize i = 0; words[0] != NULL && words[1] != NULL && i < G_N_ELEMENTS (kinds); i++)
    {
      const char *prefix = g_strstrip (words[1]);
      if (!g_str_equal (words[0], kind_name (kinds[i]))
          || !(kinds[i] == KIND_REGISTRY ? is_prefix : is_location) (prefix))
        continue;
      Rule *rule = g_new0 (Rule, 1);
      rule->kind = kinds[i];
      rule->file = g_strdup (path);
      rule->prefix = g_strdup (prefix);
      return rule;
    }
  sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                "a group is [Registry HOST[:PORT][/PATH]], [Registry *.DOMAIN] or [Mirror "
                "HOST[:PORT][/PATH]], in lower case");
  return NULL;
}

static const Rule *
find_exact (const ScRegistries *self, RuleKind kind, const char *prefix)
{
  for (guint i = 0; i < self->rules->len; i++)
    {
      const Rule *rule = self->rules->pdata[i];
      if (rule->kind == kind && g_str_equal (rule->prefix, prefix))
        return rule;
    }
  return NULL;
}

static gboolean
add_group (ScRegistries *self, GKeyFile *file, const char *path, const char *group, GError **error)
{
  g_autoptr (Rule) rule = parse_header (path, group, error);
  g_auto (GStrv) keys = rule != NULL ? g_key_file_get_keys (file, group, NULL, error) : NULL;
  if (keys == NULL)
    return sc_prefix_error (error, "[%s]: ", group);

  const Rule *other = find_exact (self, rule->kind, rule->prefix);
  if (other != NULL)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "[%s]: \"%s\" has that group too",
                         group, other->file);
  for (guint i = 0; keys[i] != NULL; i++)
    if (!parse_key (rule, file, group, keys[i], error))
      return sc_prefix_error (error, "[%s] %s: ", group, keys[i]);

  g_ptr_array_add (self->rules, g_steal_pointer (&rule));
  return TRUE;
}

static gboolean
add_file (ScRegistries *self, const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = sc_key_file_load (path, error);
  if (file == NULL)
    return FALSE;

  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);
  for (guint i = 0; groups[i] != NULL; i++)
    {
      GError *local_error = NULL;
      if (!add_group (self, file, path, groups[i], &local_error))
        return sc_key_file_fail (error, local_error, path);
    }
  return TRUE;
}

static gboolean
is_used_mirror (const ScRegistries *self, const Rule *mirror)
{
  for (guint i = 0; i < self->rules->len; i++)
    {
      const Rule *rule = self->rules->pdata[i];
      if (rule->mirrors != NULL
          && g_strv_contains ((const char *const *)rule->mirrors, mirror->prefix))
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_mirrors (const ScRegistries *self, GError **error)
{
  for (guint i = 0; i < self->rules->len; i++)
    {
      const Rule *rule = self->rules->pdata[i];
      if (rule->kind == KIND_MIRROR && !is_used_mirror (self, rule))
        return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                             "\"%s\": [Mirror %s]: no Mirrors= has it", rule->file, rule->prefix);
    }
  return TRUE;
}

ScRegistries *
sc_registries_load (const ScPaths *paths, GError **error)
{
  g_autoptr (ScRegistries) self = g_new0 (ScRegistries, 1);
  self->rules = g_ptr_array_new_with_free_func ((GDestroyNotify)rule_free);

  g_autoptr (GPtrArray) files = sc_key_file_list (paths->registries, error);
  for (guint i = 0; files != NULL && i < files->len; i++)
    if (!add_file (self, files->pdata[i], error))
      return NULL;
  if (files == NULL || !check_mirrors (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
sc_registries_free (ScRegistries *self)
{
  g_ptr_array_unref (self->rules);
  g_free (self);
}

/* --- looking up --- */

static void
place_free (ScRegistryPlace *self)
{
  g_free (self->name);
  g_free (self->proxy);
  g_free (self->origin);
  g_free (self);
}

/* How much of @name, whose host ends at @host_bytes, the prefix stands for; 0 when it does not
 * match. */
static gsize
match (const Rule *rule, const char *name, gsize host_bytes)
{
  gsize n = strlen (rule->prefix);

  if (rule->kind != KIND_REGISTRY)
    return 0;
  if (rule->prefix[0] == '*')
    {
      g_autofree char *host = g_strndup (name, host_bytes);
      char *colon = strchr (host, ':');
      if (colon != NULL)
        *colon = '\0';
      return g_str_has_suffix (host, rule->prefix + 1) ? host_bytes : 0;
    }
  return g_str_has_prefix (name, rule->prefix) && (name[n] == '/' || name[n] == '\0') ? n : 0;
}

/* The rule with the longest prefix. */
static const Rule *
find_rule (const ScRegistries *self, const char *name, gsize *matched_bytes)
{
  gsize host_bytes = strcspn (name, "/");
  const Rule *best = NULL;

  for (guint i = 0; i < self->rules->len; i++)
    {
      const Rule *rule = self->rules->pdata[i];
      gsize n = match (rule, name, host_bytes);
      if (n > 0 && (best == NULL || strlen (rule->prefix) > strlen (best->prefix)))
        {
          best = rule;
          *matched_bytes = n;
        }
    }
  return best;
}

/* @settings: (nullable): the group of a mirror need not be there */
static void
add_place (GPtrArray *places, const Rule *rule, const Rule *settings, const char *name)
{
  ScRegistryPlace *place = g_new0 (ScRegistryPlace, 1);

  place->name = g_strdup (name);
  if (rule != NULL)
    place->origin
        = g_strdup_printf ("[%s %s] in \"%s\"", kind_name (rule->kind), rule->prefix, rule->file);
  if (settings != NULL)
    {
      place->insecure = settings->insecure;
      place->digest_only = settings->digest_only;
      place->proxy = g_strdup (settings->proxy);
    }
  g_ptr_array_add (places, place);
}

/* A host's name is the same in capitals; a path has none. */
static char *
lower_host (const char *name)
{
  gsize host_bytes = strcspn (name, "/");
  g_autofree char *host = g_ascii_strdown (name, (gssize)host_bytes);

  return g_strconcat (host, name + host_bytes, NULL);
}

GPtrArray *
sc_registries_find (const ScRegistries *self, const char *name, GError **error)
{
  g_autoptr (GPtrArray) places = g_ptr_array_new_with_free_func ((GDestroyNotify)place_free);
  g_autofree char *lower = lower_host (name);
  gsize matched_bytes = 0;
  const Rule *rule = find_rule (self, lower, &matched_bytes);

  if (rule != NULL && rule->blocked)
    {
      sc_error_set (error, SYSCONT_ERROR_POLICY_REJECTED,
                    "\"%s\" is blocked by [Registry %s] in \"%s\"", lower, rule->prefix,
                    rule->file);
      return NULL;
    }

  const char *rest = lower + matched_bytes;
  for (guint i = 0; rule != NULL && rule->mirrors != NULL && rule->mirrors[i] != NULL; i++)
    {
      g_autofree char *mirrored = g_strconcat (rule->mirrors[i], rest, NULL);
      add_place (places, rule, find_exact (self, KIND_MIRROR, rule->mirrors[i]), mirrored);
    }
  g_autofree char *located = rule != NULL && rule->location != NULL
                                 ? g_strconcat (rule->location, rest, NULL)
                                 : g_strdup (lower);
  add_place (places, rule, rule, located);
  return g_steal_pointer (&places);
}
