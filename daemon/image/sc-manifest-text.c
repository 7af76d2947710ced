/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-manifest-text.h"

ScDescriptor *
sc_descriptor_new (const char *media_type, const char *digest, guint64 size_bytes)
{
  ScDescriptor *self = g_new0 (ScDescriptor, 1);

  self->media_type = g_strdup (media_type);
  self->digest = g_strdup (digest);
  self->size_bytes = size_bytes;
  return self;
}

/* Media types and digests have no character that JSON would escape. */
static void
append_descriptor (GString *text, const ScDescriptor *descriptor)
{
  g_string_append_printf (text,
                          "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%" G_GUINT64_FORMAT "}",
                          descriptor->media_type, descriptor->digest, descriptor->size_bytes);
}

GBytes *
sc_manifest_text_new (const char *media_type, const ScDescriptor *config, GPtrArray *layers)
{
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
                          "{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":", media_type);
  append_descriptor (text, config);
  g_string_append (text, ",\"layers\":[");
  for (guint i = 0; i < layers->len; i++)
    {
      if (i > 0)
        g_string_append_c (text, ',');
      append_descriptor (text, layers->pdata[i]);
    }
  g_string_append (text, "]}");
  return g_string_free_to_bytes (g_steal_pointer (&text));
}
