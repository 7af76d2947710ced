/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-worker.h"

#include "base/sc-fd.h"
#include "host/sc-unit-status.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define GREETING_TIMEOUT_MS (30 * 1000)

struct _ScWorker
{
  char *kind;                /* (owned) */
  ScChannel *channel;        /* (owned) */
  ScSystemd *systemd;        /* (nullable) before the greeting */
  char *unit;                /* (owned) (nullable) before the greeting */
  GCancellable *cancellable; /* (owned) (nullable) */
  gulong cancelled_id;
};

ScWorker *
sc_worker_connect (const ScPaths *paths, const char *kind, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s/%s.socket", paths->runtime, kind);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  sc_autofd fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (fd < 0)
    {
      sc_error_set_errno (error, errno, "making a socket");
      return NULL;
    }
  if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path
      || connect (fd, (struct sockaddr *)&address, sizeof address) < 0)
    {
      sc_error_set_errno (error, errno, "connecting to \"%s\" (is syscont-%s.socket active?)", path,
                          kind);
      return NULL;
    }

  ScWorker *self = g_new0 (ScWorker, 1);
  self->kind = g_strdup (kind);
  self->channel = sc_channel_new (sc_fd_steal (&fd));
  return self;
}

static gboolean
wait_readable (ScWorker *self, GError **error)
{
  struct pollfd poll_fd = { .fd = sc_channel_get_fd (self->channel), .events = POLLIN };
  int n;

  do
    n = poll (&poll_fd, 1, GREETING_TIMEOUT_MS);
  while (n < 0 && errno == EINTR);

  if (n > 0)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_TIMED_OUT,
                       "the syscont-%s worker did not start; see \"journalctl -u 'syscont-%s@*'\"",
                       self->kind, self->kind);
}

static char *
receive_hello (ScWorker *self, GError **error)
{
  ScRecord record;
  int n = wait_readable (self, error) ? sc_channel_receive (self->channel, &record, error) : -1;

  if (n < 0)
    return NULL;
  if (n == 0 || record.type != SC_RECORD_HELLO)
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED,
                    "the syscont-%s worker did not greet; see \"journalctl -u 'syscont-%s@*'\"",
                    self->kind, self->kind);
      return NULL;
    }

  guint32 version = sc_record_get_u32 (&record);
  g_autofree char *invocation_id = sc_record_dup_string (&record);
  if (!sc_record_finish (&record, error))
    return NULL;
  if (version != SC_RECORD_VERSION)
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED,
                    "the syscont-%s worker speaks version %u of the protocol, not %d: restart "
                    "syscontd after an upgrade",
                    self->kind, version, SC_RECORD_VERSION);
      return NULL;
    }
  return g_steal_pointer (&invocation_id);
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  sc_channel_shutdown (user_data);
}

gboolean
sc_worker_greet (ScWorker *self, ScSystemd *systemd, GCancellable *cancellable, GError **error)
{
  g_autofree char *invocation_id = receive_hello (self, error);
  if (invocation_id == NULL)
    return FALSE;

  /* The peer credentials of such a socket are those of PID 1: only systemd can say who is at the
   * other end. */
  g_autofree char *unit = sc_systemd_find_invocation (systemd, invocation_id, cancellable, error);
  if (unit == NULL)
    return sc_prefix_error (error, "identifying the syscont-%s worker: ", self->kind);

  g_autofree char *expected = g_strdup_printf ("syscont-%s@", self->kind);
  if (!g_str_has_prefix (unit, expected))
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "\"%s\" answered instead of the syscont-%s worker", unit, self->kind);
  if (!sc_systemd_ref_unit (systemd, unit, cancellable, error))
    return sc_prefix_error (error, "holding \"%s\": ", unit);

  self->systemd = systemd;
  self->unit = g_steal_pointer (&unit);
  if (cancellable != NULL)
    {
      self->cancellable = g_object_ref (cancellable);
      self->cancelled_id
          = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self->channel, NULL);
    }
  return TRUE;
}

ScChannel *
sc_worker_get_channel (ScWorker *self)
{
  return self->channel;
}

gboolean
sc_worker_set_death (ScWorker *self, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  g_auto (ScUnitStatus) status = { 0 };
  if (self->unit == NULL || !sc_systemd_get_status (self->systemd, self->unit, &status, NULL, NULL))
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "the syscont-%s worker ended without an answer", self->kind);

  gboolean limit
      = g_str_equal (status.result, "oom-kill") || g_str_equal (status.result, "timeout");
  return sc_error_set (error, limit ? SYSCONT_ERROR_LIMIT_EXCEEDED : SYSCONT_ERROR_FAILED,
                       "the worker \"%s\" ended without an answer (%s); see \"journalctl -u '%s'\"",
                       self->unit, status.result, self->unit);
}

gboolean
sc_worker_receive (
    ScWorker *self, ScChannel *channel, ScRecord *record, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  int n = sc_channel_receive (channel, record, &local_error);

  if (n > 0)
    return TRUE;
  /* A worker that is killed may be in the middle of a record. */
  if (n == 0 || g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_INTERRUPTED))
    return sc_worker_set_death (self, cancellable, error);
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

void
sc_worker_kill (ScWorker *self)
{
  if (self->unit != NULL)
    sc_systemd_kill (self->systemd, self->unit);
}

void
sc_worker_free (ScWorker *self)
{
  if (self->cancelled_id != 0)
    g_cancellable_disconnect (self->cancellable, self->cancelled_id);
  g_clear_object (&self->cancellable);
  if (self->unit != NULL)
    sc_systemd_unref_unit (self->systemd, self->unit);
  sc_channel_free (self->channel);
  g_free (self->unit);
  g_free (self->kind);
  g_free (self);
}

gboolean
sc_worker_read_error (ScRecord *record, guint32 request, GError **error)
{
  guint32 got = sc_record_get_u32 (record);
  guint32 code = sc_record_get_u32 (record);
  g_autofree char *message = sc_record_dup_string (record);

  if (!sc_record_finish (record, error))
    return FALSE;
  if (got != request || code >= SYSCONT_N_ERRORS)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "the worker answered something else than it was asked");

  g_autofree char *escaped = sc_text_escape (message);
  return sc_error_set (error, code, "%s", escaped);
}

gboolean
sc_worker_make_pipe (int *read_fd, int *write_fd, GError **error)
{
  int fds[2];

  if (pipe2 (fds, O_CLOEXEC) < 0)
    return sc_error_set_errno (error, errno, "making a pipe");
  /* A smaller pipe is slower, not wrong. */
  (void)fcntl (fds[1], F_SETPIPE_SZ, SC_WORKER_PIPE_BYTES);
  *read_fd = fds[0];
  *write_fd = fds[1];
  return TRUE;
}
