/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-exported-image.h"

#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "dbus/sc-bus-path.h"
#include "image/sc-reference.h"
#include "service/sc-exported-container.h"

#include <string.h>

#define MIN_DIGITS 12

static GVariant *
make_labels (GHashTable *labels)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  if (labels != NULL)
    {
      g_hash_table_iter_init (&iter, labels);
      while (g_hash_table_iter_next (&iter, &key, &value))
        g_variant_builder_add (&builder, "{ss}", key, value);
    }
  return g_variant_builder_end (&builder);
}

static char **
list_users (const ScInventory *inventory, const char *digest)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < inventory->containers->len; i++)
    {
      const ScContainerEntry *entry = inventory->containers->pdata[i];
      g_autofree char *path = sc_bus_path_container (entry->container->name);

      if (strcmp (sc_exported_container_digest (entry->container), digest) == 0)
        g_strv_builder_add (builder, path);
    }
  return g_strv_builder_end (builder);
}

void
sc_exported_image_update (SyscontImage *object, const ScInventory *inventory, const ScImage *image)
{
  g_auto (GStrv) users = list_users (inventory, image->digest);

  syscont_image_set_digest (object, image->digest);
  syscont_image_set_references (object, (const char *const *)image->references);
  syscont_image_set_source (object, image->source);
  syscont_image_set_platform (object, image->platform);
  syscont_image_set_created (object, (guint64)MAX (image->created_usec, 0));
  syscont_image_set_first_seen (object, (guint64)sc_inventory_first_seen (inventory, image));
  syscont_image_set_pulled (object, (guint64)MAX (image->pulled_usec, 0));
  syscont_image_set_size (object, image->size_bytes);
  syscont_image_set_compressed_size (object, image->compressed_bytes);
  syscont_image_set_exclusive_size (object, image->exclusive_bytes);
  syscont_image_set_labels (object, make_labels (image->labels));
  syscont_image_set_used_by (object, (const char *const *)users);
}

static const ScImage *
find_by_name (const ScInventory *inventory, const char *text)
{
  g_autoptr (ScReference) reference = sc_reference_parse (text, NULL);
  const char *fullname = reference != NULL ? reference->fullname : text;

  for (guint i = 0; i < inventory->images->len; i++)
    {
      const ScImage *image = inventory->images->pdata[i];

      if (g_strv_contains ((const char *const *)image->references, fullname))
        return image;
    }
  return NULL;
}

const ScImage *
sc_exported_image_find (const ScInventory *inventory, const char *text, GError **error)
{
  const char *digits = g_str_has_prefix (text, "sha256:") ? text + strlen ("sha256:") : text;
  const ScImage *found = find_by_name (inventory, text);
  g_autofree char *escaped = sc_text_escape (text);

  if (found != NULL)
    return found;
  for (guint i = 0; strlen (digits) >= MIN_DIGITS && i < inventory->images->len; i++)
    {
      const ScImage *image = inventory->images->pdata[i];

      if (!g_str_has_prefix (sc_digest_hex (image->digest), digits))
        continue;
      if (found != NULL)
        {
          sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                        "\"%s\" fits several images, give more digits", escaped);
          return NULL;
        }
      found = image;
    }
  if (found == NULL)
    sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "there is no image \"%s\"", escaped);
  return found;
}
