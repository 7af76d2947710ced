/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-image-argument.h"

#include "dbus/sc-error.h"

#include <string.h>

static const char *const docker_archive_prefixes[] = { "docker-archive:", "dockertar:" };

void
sc_image_argument_clear (ScImageArgument *self)
{
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->tag, g_free);
}

static void
split_path (const char *text, ScImageArgument *out)
{
  const char *colon = strrchr (text, ':');

  if (colon == NULL || colon[1] == '\0' || strchr (colon, '/') != NULL
      || g_file_test (text, G_FILE_TEST_EXISTS))
    {
      out->name = g_strdup (text);
      return;
    }
  out->name = g_strndup (text, (gsize)(colon - text));
  out->tag = g_strdup (colon + 1);
}

/* A name may have colons and slashes, a path too: the shortest path that is a file. Without one,
 * the first colon, so that the path is what is not found. */
static void
split_file_and_name (const char *text, ScImageArgument *out)
{
  const char *first = strchr (text, ':');

  for (const char *colon = first; colon != NULL; colon = strchr (colon + 1, ':'))
    {
      g_autofree char *path = g_strndup (text, (gsize)(colon - text));
      if (strcmp (path, "-") != 0 && !g_file_test (path, G_FILE_TEST_EXISTS))
        continue;
      out->name = g_steal_pointer (&path);
      out->tag = g_strdup (colon + 1);
      return;
    }
  if (first == NULL || g_file_test (text, G_FILE_TEST_EXISTS))
    {
      out->name = g_strdup (text);
      return;
    }
  out->name = g_strndup (text, (gsize)(first - text));
  out->tag = g_strdup (first + 1);
}

static gboolean
parse_docker_archive (const char *text, const char *rest, ScImageArgument *out, GError **error)
{
  out->kind = SC_IMAGE_DOCKER_ARCHIVE;
  while (g_str_has_prefix (rest, "//"))
    rest++;
  split_file_and_name (rest, out);
  if (*out->name != '\0' && (out->tag == NULL || *out->tag != '\0'))
    return TRUE;
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT,
               "\"%s\": write docker-archive:FILE or docker-archive:FILE:NAME", text);
  return FALSE;
}

static gboolean
refuse_transport (const char *text, GError **error)
{
  static const char *const known[] = { "dir:", "containers-storage:", NULL };

  for (guint i = 0; known[i] != NULL; i++)
    if (g_str_has_prefix (text, known[i]))
      {
        g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED,
                     "\"%s\": images cannot be taken from \"%s\"; copy it into a layout first: "
                     "\"skopeo copy %s "
                     "oci:DIR:TAG\", then use oci:DIR:TAG",
                     text, known[i], text);
        return FALSE;
      }
  return TRUE;
}

gboolean
sc_image_argument_parse (const char *text, ScImageArgument *out, GError **error)
{
  if (g_str_has_prefix (text, "oci:"))
    {
      out->kind = SC_IMAGE_OCI_DIR;
      split_path (text + strlen ("oci:"), out);
      if (g_file_test (out->name, G_FILE_TEST_IS_DIR))
        return TRUE;
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND,
                   "there is no image layout directory \"%s\"; an image of a registry is given by "
                   "its name alone: %s",
                   out->name, text + strlen ("oci:"));
      return FALSE;
    }
  if (g_str_has_prefix (text, "oci-archive:"))
    {
      out->kind = SC_IMAGE_OCI_ARCHIVE;
      split_path (text + strlen ("oci-archive:"), out);
      return TRUE;
    }

  for (guint i = 0; i < G_N_ELEMENTS (docker_archive_prefixes); i++)
    if (g_str_has_prefix (text, docker_archive_prefixes[i]))
      return parse_docker_archive (text, text + strlen (docker_archive_prefixes[i]), out, error);

  out->kind = SC_IMAGE_NAME;
  out->name = g_strdup (text);
  return refuse_transport (text, error);
}

static char *
base_name (const ScImageArgument *self)
{
  static const char *const suffixes[] = { ".tar", ".oci", ".oci-archive", NULL };
  g_autofree char *absolute = g_canonicalize_filename (self->name, NULL);
  g_autofree char *base = g_filename_display_basename (absolute);

  if (strcmp (self->name, "-") == 0)
    return g_strdup ("imported");
  for (guint i = 0; self->kind == SC_IMAGE_OCI_ARCHIVE && suffixes[i] != NULL; i++)
    if (g_str_has_suffix (base, suffixes[i]) && strlen (base) > strlen (suffixes[i]))
      return g_strndup (base, strlen (base) - strlen (suffixes[i]));
  return g_steal_pointer (&base);
}

char *
sc_image_argument_store_name (const ScImageArgument *self, const char *ref_name)
{
  if (self->kind == SC_IMAGE_DOCKER_ARCHIVE)
    return NULL;
  /* A tag has none of these, a name has. */
  if (ref_name != NULL && strpbrk (ref_name, "/:") != NULL)
    return g_strdup (ref_name);

  const char *tag = self->tag != NULL ? self->tag : ref_name;
  g_autofree char *base = base_name (self);
  return g_strdup_printf ("%s:%s", base, tag != NULL ? tag : "latest");
}

char *
sc_image_argument_source (const ScImageArgument *self)
{
  static const char *const transports[] = {
    [SC_IMAGE_OCI_DIR] = "oci",
    [SC_IMAGE_OCI_ARCHIVE] = "oci-archive",
    [SC_IMAGE_DOCKER_ARCHIVE] = "docker-archive",
  };
  g_autofree char *canonical = g_canonicalize_filename (self->name, NULL);
  g_autofree char *path = g_filename_display_name (canonical);
  gboolean is_stdin = strcmp (self->name, "-") == 0;

  return g_strdup_printf ("%s:%s%s%s", transports[self->kind], is_stdin ? "-" : path,
                          self->tag != NULL ? ":" : "", self->tag != NULL ? self->tag : "");
}
