/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-engine.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "base/sc-json.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_ANSWER_BYTES (1024 * 1024)
#define SEND_TIMEOUT_S   30 /* an engine that does not accept connections is none */

/* The socket itself, held so that nobody can put another one in its place: no symbolic link leads
 * to it, and it is root's. Returns: an O_PATH fd, or -1 with @error */
static int
hold_socket (const char *path, GError **error)
{
  sc_autofd root_fd = open ("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  sc_autofd fd = root_fd >= 0 ? sc_fd_open_beneath (root_fd, path + 1, O_PATH, 0) : -1;
  struct stat st;

  if (fd < 0 && errno == ELOOP)
    {
      sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE, "a symbolic link leads to it");
      return -1;
    }
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      sc_error_set_errno (error, errno, "opening it");
      return -1;
    }
  if (S_ISSOCK (st.st_mode) && st.st_uid == 0)
    return sc_fd_steal (&fd);
  sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                S_ISSOCK (st.st_mode) ? "it belongs to user %u, not to root" : "it is no socket",
                (guint)st.st_uid);
  return -1;
}

static gboolean
check_peer (int fd, GError **error)
{
  struct ucred peer = { 0 };
  socklen_t size = sizeof peer;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
    return sc_error_set_errno (error, errno, "asking who serves it");
  return peer.uid == 0 ? TRUE
                       : sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                                       "user %u serves it, not root", (guint)peer.uid);
}

static int
connect_engine (const char *path, GError **error)
{
  sc_autofd path_fd = hold_socket (path, error);
  if (path_fd < 0)
    return -1;

  struct sockaddr_un address = { .sun_family = AF_UNIX };
  struct timeval timeout = { .tv_sec = SEND_TIMEOUT_S };
  sc_autofd fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  (void)g_snprintf (address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", path_fd);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) < 0
      || setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) < 0
      || connect (fd, (struct sockaddr *)&address, sizeof address) < 0)
    {
      sc_error_set_errno (error, errno, "connecting to it");
      return -1;
    }
  return check_peer (fd, error) ? sc_fd_steal (&fd) : -1;
}

static int
connect_first (char *const *paths, char **socket_path, GError **error)
{
  g_autoptr (GString) reasons = g_string_new (NULL);

  for (gsize i = 0; paths[i] != NULL; i++)
    {
      g_autoptr (GError) reason = NULL;
      int fd = connect_engine (paths[i], &reason);

      if (fd >= 0)
        {
          *socket_path = g_strdup (paths[i]);
          return fd;
        }
      g_string_append_printf (reasons, "%s\"%s\": %s", i > 0 ? "; " : "", paths[i],
                              reason->message);
    }
  sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                "no engine can be asked (%s); start docker.service or podman.socket, or name its "
                "socket as Socket= in [Engine] of syscont.conf",
                reasons->str);
  return -1;
}

/* Of an answer in HTTP/1.0, whose body ends with the connection. */
static gboolean
parse_id (GBytes *answer, const char *image, char **id, GError **error)
{
  gsize size = 0;
  const char *data = g_bytes_get_data (answer, &size);
  const char *space = size > 0 ? memchr (data, ' ', MIN (size, 16)) : NULL;
  const char *body = size > 0 ? memmem (data, size, "\r\n\r\n", 4) : NULL;
  const char *text = NULL;

  if (space != NULL && strncmp (space, " 404", 4) == 0)
    return sc_error_set (error, SYSCONT_ERROR_MANIFEST_UNKNOWN, "it has no image \"%s\"", image);
  if (space == NULL || body == NULL || strncmp (space, " 200", 4) != 0)
    return sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                         "its answer about \"%s\" is not understood", image);
  body += 4;
  g_autoptr (JsonObject) object
      = sc_json_parse_object (body, size - (gsize)(body - data), NULL, error);
  if (object == NULL || !sc_json_get_string (object, "Id", &text, error))
    return FALSE;
  *id = g_strdup (text != NULL ? text : "");
  return TRUE;
}

gboolean
sc_engine_find_id (const ScConfig *config, const char *image, char **id, GError **error)
{
  g_autofree char *socket_path = NULL;
  sc_autofd fd = connect_first (config->engine_sockets, &socket_path, error);
  if (fd < 0)
    return FALSE;

  g_autofree char *request = g_strdup_printf ("GET /images/%s/json HTTP/1.0\r\n"
                                              "Host: localhost\r\n"
                                              "User-Agent: syscont/" SYSCONT_VERSION "\r\n"
                                              "\r\n",
                                              image);
  g_autoptr (GBytes) answer = sc_fd_write_all (fd, request, strlen (request), error)
                                  ? sc_fd_read_all (fd, MAX_ANSWER_BYTES, error)
                                  : NULL;
  return (answer != NULL && parse_id (answer, image, id, error))
         || sc_prefix_error (error, "asking the engine at \"%s\": ", socket_path);
}

int
sc_engine_export (const ScConfig *config, const char *image, char **socket_path, GError **error)
{
  sc_autofd fd = connect_first (config->engine_sockets, socket_path, error);
  if (fd < 0)
    return -1;

  /* The grammar of a name has no character that a path of HTTP would need to escape. */
  g_autofree char *request = g_strdup_printf ("GET /images/%s/get HTTP/1.1\r\n"
                                              "Host: localhost\r\n"
                                              "User-Agent: syscont/" SYSCONT_VERSION "\r\n"
                                              "Accept: application/x-tar, application/json\r\n"
                                              "Connection: close\r\n"
                                              "\r\n",
                                              image);
  if (sc_fd_write_all (fd, request, strlen (request), error))
    return sc_fd_steal (&fd);
  sc_prefix_error (error, "asking the engine at \"%s\": ", *socket_path);
  return -1;
}
