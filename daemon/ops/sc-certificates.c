/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-certificates.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "base/sc-log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static gboolean
check_file (int fd, GError **error)
{
  struct stat st;

  if (fstat (fd, &st) < 0)
    return sc_error_set_errno (error, errno, "fstat");
  if (!S_ISREG (st.st_mode))
    return sc_error_set (error, SYSCONT_ERROR_TLS_FAILED, "it is no regular file");
  if ((st.st_uid != 0 && st.st_uid != geteuid ()) || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return sc_error_set (error, SYSCONT_ERROR_TLS_FAILED,
                         "others than root can write to it: give it to root and take their "
                         "permission away");
  return TRUE;
}

/* Through symbolic links: root makes some to where packages keep their authorities. */
static GBytes *
read_file (int dir_fd, const char *dir, const char *name, gsize max_bytes, GError **error)
{
  sc_autofd fd = openat (dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  g_autoptr (GError) reason = NULL;
  g_autofree char *shown = sc_text_escape (name);
  GBytes *bytes = NULL;

  if (fd < 0)
    sc_error_set_errno (&reason, errno, "opening it");
  else if (check_file (fd, &reason))
    bytes = sc_fd_read_all (fd, max_bytes, &reason);
  if (bytes == NULL)
    sc_error_set (error, SYSCONT_ERROR_TLS_FAILED, "certificates in \"%s/%s\": %s", dir, shown,
                  reason->message);
  return bytes;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static char **
list_names (const char *path, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GError) reason = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &reason);

  if (dir == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_TLS_FAILED, "%s", reason->message);
      return NULL;
    }
  for (const char *name = NULL; (name = g_dir_read_name (dir)) != NULL;)
    g_strv_builder_add (builder, name);

  char **names = g_strv_builder_end (builder);
  qsort (names, g_strv_length (names), sizeof *names, compare_names);
  return names;
}

/* All authorities behind one another, as PEM allows. */
static gboolean
read_authorities (int dir_fd, const char *dir, char **names, ScEndpoint *endpoint, GError **error)
{
  g_autoptr (GByteArray) all = g_byte_array_new ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      if (!g_str_has_suffix (names[i], ".crt"))
        continue;
      g_autoptr (GBytes) bytes = read_file (dir_fd, dir, names[i], SC_ENDPOINT_MAX_CA_BYTES, error);
      if (bytes == NULL)
        return FALSE;
      g_byte_array_append (all, g_bytes_get_data (bytes, NULL), (guint)g_bytes_get_size (bytes));
      g_byte_array_append (all, (const guint8 *)"\n", 1);
    }
  if (all->len > 0)
    endpoint->ca = g_byte_array_free_to_bytes (g_steal_pointer (&all));
  return TRUE;
}

static char *
other_half (const char *name)
{
  gboolean is_key = g_str_has_suffix (name, ".key");
  gsize stem_bytes = strlen (name) - strlen (is_key ? ".key" : ".cert");

  return g_strdup_printf ("%.*s%s", (int)stem_bytes, name, is_key ? ".cert" : ".key");
}

static gboolean
check_pair (const char *dir, char **names, const char *name, GError **error)
{
  g_autofree char *other = other_half (name);
  g_autofree char *shown = sc_text_escape (name);
  g_autofree char *shown_other = sc_text_escape (other);

  return g_strv_contains ((const char *const *)names, other)
         || sc_error_set (error, SYSCONT_ERROR_TLS_FAILED,
                          "certificates in \"%s\": \"%s\" is there without \"%s\"; a client's "
                          "certificate needs both (an authority's is named *.crt)",
                          dir, shown, shown_other);
}

static gboolean
read_pair (int dir_fd, const char *dir, char **names, ScEndpoint *endpoint, GError **error)
{
  for (guint i = 0; names[i] != NULL; i++)
    {
      gboolean is_certificate = g_str_has_suffix (names[i], ".cert");
      if (!is_certificate && !g_str_has_suffix (names[i], ".key"))
        continue;
      if (!check_pair (dir, names, names[i], error))
        return FALSE;
      if (!is_certificate)
        continue;
      if (endpoint->client_certificate != NULL)
        {
          sc_log (G_LOG_LEVEL_WARNING, NULL,
                  "\"%s/%s\" is not used: a registry is shown one client certificate, the first",
                  dir, names[i]);
          continue;
        }

      g_autofree char *key = other_half (names[i]);
      endpoint->client_certificate
          = read_file (dir_fd, dir, names[i], SC_ENDPOINT_MAX_CERTIFICATE_BYTES, error);
      endpoint->client_key = endpoint->client_certificate != NULL
                                 ? read_file (dir_fd, dir, key, SC_ENDPOINT_MAX_KEY_BYTES, error)
                                 : NULL;
      if (endpoint->client_key == NULL)
        return FALSE;
    }
  return TRUE;
}

static gboolean
read_directory (int dir_fd, const char *path, ScEndpoint *endpoint, GError **error)
{
  g_auto (GStrv) names = list_names (path, error);

  return names != NULL && read_authorities (dir_fd, path, names, endpoint, error)
         && read_pair (dir_fd, path, names, endpoint, error);
}

gboolean
sc_certificates_read (const ScPaths *paths, ScEndpoint *endpoint, GError **error)
{
  for (guint i = 0; paths->certificates[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (paths->certificates[i], endpoint->registry, NULL);
      sc_autofd dir_fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

      if (dir_fd >= 0)
        return read_directory (dir_fd, path, endpoint, error);
      if (errno == ENOENT)
        continue;
      g_autoptr (GError) reason = NULL;
      sc_error_set_errno (&reason, errno, "opening it");
      return sc_error_set (error, SYSCONT_ERROR_TLS_FAILED, "certificates in \"%s\": %s", path,
                           reason->message);
    }
  return TRUE;
}
