/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-login-store.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"

#include <string.h>

#define FILE_NAME "auth.json"

/* Of the file, from its reading to its writing: whoever asks is answered at once, on any thread, so
 * that no queue is there to keep two apart. */
static GMutex writing;

char *
sc_login_store_get_path (const ScPaths *paths)
{
  return g_build_filename (paths->state, FILE_NAME, NULL);
}

static ScAuthFile *
load (const ScPaths *paths, int state_fd, GError **error)
{
  g_autofree char *path = sc_login_store_get_path (paths);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes
      = sc_fd_read_file (state_fd, FILE_NAME, SC_AUTH_FILE_MAX_BYTES, &local_error);

  if (g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return sc_auth_file_new ();

  gsize size_bytes = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size_bytes) : NULL;
  ScAuthFile *file = bytes != NULL ? sc_auth_file_parse (data, size_bytes, &local_error) : NULL;
  if (file == NULL)
    sc_error_set (error, SYSCONT_ERROR_DAMAGED, "\"%s\": %s; remove it and log in again", path,
                  local_error->message);
  return file;
}

static gboolean
save (ScAuthFile *file, int state_fd, GError **error)
{
  g_autofree char *text = sc_auth_file_to_text (file);

  return sc_fd_write_atomic (state_fd, FILE_NAME, text, strlen (text), 0600, error);
}

static gboolean
set_or_remove (const ScPaths *paths,
               const char *prefix,
               const ScCredential *credential,
               GError **error)
{
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);
  g_autoptr (ScAuthFile) file = state_fd >= 0 ? load (paths, state_fd, error) : NULL;

  if (file == NULL)
    return FALSE;
  if (credential != NULL)
    sc_auth_file_set (file, prefix, credential);
  else if (!sc_auth_file_remove (file, prefix))
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "there is no login for \"%s\"", prefix);
  return save (file, state_fd, error);
}

static gboolean
change (const ScPaths *paths, const char *prefix, const ScCredential *credential, GError **error)
{
  g_mutex_lock (&writing);
  gboolean done = set_or_remove (paths, prefix, credential, error);
  g_mutex_unlock (&writing);
  return done;
}

gboolean
sc_login_store_set (const ScPaths *paths,
                    const char *prefix,
                    const ScCredential *credential,
                    GError **error)
{
  g_return_val_if_fail (credential != NULL, FALSE);

  return change (paths, prefix, credential, error);
}

gboolean
sc_login_store_remove (const ScPaths *paths, const char *prefix, GError **error)
{
  return change (paths, prefix, NULL, error);
}
