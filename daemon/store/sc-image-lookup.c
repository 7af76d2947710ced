/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-image-store.h"

#include "base/sc-digest.h"
#include "image/sc-reference.h"
#include "store/sc-image-list.h"

#include <string.h>

#define MIN_HEX_DIGITS 12

static char *
complete_name (const char *name)
{
  const char *slash = strrchr (name, '/');
  const char *last = slash != NULL ? slash + 1 : name;

  return strpbrk (last, ":@") != NULL ? g_strdup (name) : g_strconcat (name, ":latest", NULL);
}

/* The digits of an abbreviated digest; NULL when @name cannot be one. */
static const char *
find_hex (const char *name)
{
  const char *hex = g_str_has_prefix (name, "sha256:") ? name + strlen ("sha256:") : name;
  gsize length = strspn (hex, "0123456789abcdef");

  return hex[length] == '\0' && length >= MIN_HEX_DIGITS && length <= SC_DIGEST_HEX_LENGTH ? hex
                                                                                           : NULL;
}

/* What the name stands for now: commit and source are those of this name, not of another one of the
 * same image. */
static ScImage *
take_named (
    ScRepo *repo, GPtrArray *images, const char *fullname, const char *commit, GError **error)
{
  g_autoptr (ScStoredManifest) manifest = NULL;
  g_autoptr (ScImage) named = sc_image_load (repo, commit, &manifest, error);
  if (named == NULL)
    return NULL;

  for (guint i = 0; i < images->len; i++)
    {
      ScImage *image = images->pdata[i];
      if (!g_strv_contains ((const char *const *)image->references, fullname))
        continue;
      g_ptr_array_steal_index_fast (images, i);
      g_clear_pointer (&image->commit, g_free);
      g_clear_pointer (&image->source, g_free);
      image->commit = g_steal_pointer (&named->commit);
      image->source = g_steal_pointer (&named->source);
      image->pulled_usec = named->pulled_usec;
      return image;
    }
  sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                "the stored image cannot be read (remove the name and pull again)");
  return NULL;
}

const char *
sc_image_find_name (const ScImage *self, const char *given)
{
  g_autofree char *fullname = complete_name (given);

  for (guint i = 0; self->references[i] != NULL; i++)
    if (strcmp (self->references[i], fullname) == 0)
      return self->references[i];
  return NULL;
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

char **
sc_image_store_list_names (ScRepo *repo, GError **error)
{
  g_autoptr (GHashTable) refs = sc_repo_list_refs (repo, "ociimage", error);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer ref = NULL;

  if (refs == NULL)
    return NULL;
  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    {
      char *name = sc_reference_decode (ref);
      if (name != NULL)
        g_ptr_array_add (names, name);
    }
  g_ptr_array_sort (names, compare_strings);
  g_ptr_array_add (names, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&names), FALSE);
}

char *
sc_image_store_get_source (ScRepo *repo, const char *fullname)
{
  g_autofree char *ref = sc_reference_encode (fullname);
  g_autofree char *commit = sc_repo_resolve (repo, ref, NULL);
  g_autoptr (GHashTable) strings
      = commit != NULL ? sc_repo_get_commit_strings (repo, commit, NULL) : NULL;
  const char *source = strings != NULL ? g_hash_table_lookup (strings, "syscont.source") : NULL;

  return g_strdup (source != NULL ? source : "");
}

static ScImage *
take_abbreviated (GPtrArray *images, const char *hex, GError **error)
{
  guint found = images->len;

  for (guint i = 0; i < images->len; i++)
    {
      const ScImage *image = images->pdata[i];
      if (!g_str_has_prefix (sc_digest_hex (image->digest), hex))
        continue;
      if (found < images->len)
        {
          sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                        "the digits fit several images, write more of the digest");
          return NULL;
        }
      found = i;
    }
  if (found < images->len)
    return g_ptr_array_steal_index_fast (images, found);
  sc_error_set (error, SYSCONT_ERROR_NOT_FOUND,
                "no image with this name or digest is stored, pull it first");
  return NULL;
}

ScImage *
sc_image_store_lookup (ScRepo *repo, const char *name, GError **error)
{
  g_autofree char *shown = sc_text_escape (name);
  g_autofree char *fullname = complete_name (name);
  g_autofree char *ref = sc_reference_encode (fullname);
  g_autoptr (GError) local_error = NULL;
  ScImage *image = NULL;

  g_autofree char *commit = sc_repo_resolve (repo, ref, &local_error);
  const char *hex = find_hex (name);
  g_autoptr (GPtrArray) images = local_error == NULL && (commit != NULL || hex != NULL)
                                     ? sc_image_store_list (repo, &local_error)
                                     : NULL;
  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (commit != NULL)
    image = take_named (repo, images, fullname, commit, error);
  else if (hex != NULL)
    image = take_abbreviated (images, hex, error);
  else
    sc_error_set (error, SYSCONT_ERROR_NOT_FOUND,
                  "no image with this name is stored, pull it first");

  if (image == NULL)
    sc_prefix_error (error, "image \"%s\": ", shown);
  return image;
}
