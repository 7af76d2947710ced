/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-record.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "image/sc-record-private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEADER_BYTES  8
#define READ_BYTES    (512 * 1024)
#define COLLECT_BYTES (256 * 1024)

struct _ScChannel
{
  int fd; /* (owned) */
  gboolean is_socket;
  guint8 *in; /* (owned) received bytes: [in_start, in_end) are not consumed */
  gsize in_size;
  gsize in_start;
  gsize in_end;
  GByteArray *out;            /* (owned) records for a pipe that are not written yet */
  int fds[SC_RECORD_MAX_FDS]; /* (owned) of the record that is being, or was last, received */
  guint n_fds;
  gboolean failed; /* receiving: there is no record boundary to go on from */
};

ScChannel *
sc_channel_new (int fd)
{
  ScChannel *self = g_new0 (ScChannel, 1);
  struct stat st;

  self->fd = fd;
  self->is_socket = fstat (fd, &st) == 0 && S_ISSOCK (st.st_mode);
  self->in_size = READ_BYTES;
  self->in = g_malloc (self->in_size);
  self->out = g_byte_array_new ();
  return self;
}

static void
drop_fds (ScChannel *self)
{
  for (guint i = 0; i < self->n_fds; i++)
    close (self->fds[i]);
  self->n_fds = 0;
}

void
sc_channel_free (ScChannel *self)
{
  drop_fds (self);
  close (self->fd);
  g_byte_array_unref (self->out);
  g_free (self->in);
  g_free (self);
}

int
sc_channel_get_fd (ScChannel *self)
{
  return self->fd;
}

void
sc_channel_shutdown (ScChannel *self)
{
  (void)shutdown (self->fd, SHUT_RDWR);
}

/* --- sending --- */

static gboolean
send_failed (GError **error)
{
  return sc_error_set_errno (error, errno, "sending a record");
}

static void
attach_fds (struct msghdr *message, void *control, gsize control_bytes, const int *fds, guint n_fds)
{
  message->msg_control = control;
  message->msg_controllen = control_bytes;
  struct cmsghdr *header = CMSG_FIRSTHDR (message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
  memcpy (CMSG_DATA (header), fds, n_fds * sizeof (int));
}

static void
advance (struct iovec *parts, gsize n)
{
  for (guint i = 0; i < 2 && n > 0; i++)
    {
      gsize taken = MIN (n, parts[i].iov_len);

      if (taken == 0)
        continue;
      parts[i].iov_base = (guint8 *)parts[i].iov_base + taken;
      parts[i].iov_len -= taken;
      n -= taken;
    }
}

/* Writes two parts whole; descriptors go with the first byte. */
static gboolean
write_parts (ScChannel *self, struct iovec parts[2], const int *fds, guint n_fds, GError **error)
{
  union
  {
    struct cmsghdr align;
    guint8 bytes[CMSG_SPACE (SC_RECORD_MAX_FDS * sizeof (int))];
  } control = { 0 };

  while (parts[0].iov_len + parts[1].iov_len > 0)
    {
      struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
      gssize n;

      if (n_fds > 0)
        attach_fds (&message, control.bytes, CMSG_SPACE (n_fds * sizeof (int)), fds, n_fds);
      n = self->is_socket ? sendmsg (self->fd, &message, MSG_NOSIGNAL)
                          : writev (self->fd, parts, 2);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return send_failed (error);
      n_fds = 0;
      advance (parts, (gsize)n);
    }
  return TRUE;
}

static void
make_header (guint32 header[2], ScRecordType type, gsize size_bytes)
{
  header[0] = GUINT32_TO_LE ((guint32)type);
  header[1] = GUINT32_TO_LE ((guint32)size_bytes);
}

gboolean
sc_channel_flush (ScChannel *self, GError **error)
{
  struct iovec parts[2] = { { self->out->data, self->out->len }, { NULL, 0 } };
  gboolean ok = write_parts (self, parts, NULL, 0, error);

  g_byte_array_set_size (self->out, 0);
  return ok;
}

gboolean
sc_channel_send (
    ScChannel *self, ScRecordWriter *writer, const int *fds, guint n_fds, GError **error)
{
  GByteArray *payload = sc_record_writer_get_payload (writer);
  guint32 header[2];
  gboolean ok = TRUE;

  g_return_val_if_fail (n_fds <= SC_RECORD_MAX_FDS && (n_fds == 0 || self->is_socket), FALSE);
  if (payload->len > SC_RECORD_MAX_PAYLOAD)
    {
      sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "a record of %u bytes is too large",
                    payload->len);
      g_byte_array_set_size (payload, 0);
      return FALSE;
    }

  make_header (header, sc_record_writer_get_type (writer), payload->len);
  if (self->is_socket)
    {
      struct iovec parts[2] = { { header, sizeof header }, { payload->data, payload->len } };
      ok = write_parts (self, parts, fds, n_fds, error);
    }
  else
    {
      g_byte_array_append (self->out, (const guint8 *)header, sizeof header);
      g_byte_array_append (self->out, payload->data, payload->len);
      if (self->out->len >= COLLECT_BYTES)
        ok = sc_channel_flush (self, error);
    }
  g_byte_array_set_size (payload, 0);
  return ok;
}

gboolean
sc_channel_send_data (ScChannel *self, gconstpointer data, gsize size_bytes, GError **error)
{
  guint32 header[2];

  g_return_val_if_fail (size_bytes <= SC_RECORD_DATA_BYTES, FALSE);

  make_header (header, SC_RECORD_DATA, size_bytes);
  if (self->is_socket)
    {
      struct iovec whole[2] = { { header, sizeof header }, { (void *)data, size_bytes } };
      return write_parts (self, whole, NULL, 0, error);
    }

  g_byte_array_append (self->out, (const guint8 *)header, sizeof header);
  if (self->out->len + size_bytes < COLLECT_BYTES / 4)
    {
      g_byte_array_append (self->out, data, (guint)size_bytes);
      return TRUE;
    }

  struct iovec parts[2] = { { self->out->data, self->out->len }, { (void *)data, size_bytes } };
  gboolean ok = write_parts (self, parts, NULL, 0, error);
  g_byte_array_set_size (self->out, 0);
  return ok;
}

/* --- receiving --- */

static gboolean
keep_fds (ScChannel *self, struct msghdr *message, GError **error)
{
  gboolean ok = (message->msg_flags & MSG_CTRUNC) == 0;

  for (struct cmsghdr *header = CMSG_FIRSTHDR (message); header != NULL;
       header = CMSG_NXTHDR (message, header))
    {
      if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
        continue;
      guint n = (guint)((header->cmsg_len - CMSG_LEN (0)) / sizeof (int));
      for (guint i = 0; i < n; i++)
        {
          int fd;
          memcpy (&fd, CMSG_DATA (header) + i * sizeof (int), sizeof (int));
          if (self->n_fds < SC_RECORD_MAX_FDS)
            self->fds[self->n_fds++] = fd;
          else
            {
              close (fd);
              ok = FALSE;
            }
        }
    }
  return ok
         || sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                          "a record came with too many file descriptors");
}

static gsize
available (const ScChannel *self)
{
  return self->in_end - self->in_start;
}

static guint32
header_word (const ScChannel *self, guint index)
{
  guint32 wire;

  memcpy (&wire, self->in + self->in_start + index * sizeof wire, sizeof wire);
  return GUINT32_FROM_LE (wire);
}

/* Bytes that the record at the front takes, HEADER_BYTES while that is not known. */
static gsize
wanted (const ScChannel *self)
{
  return available (self) < HEADER_BYTES ? HEADER_BYTES
                                         : HEADER_BYTES + (gsize)header_word (self, 1);
}

static gssize
receive_bytes (ScChannel *self, GError **error)
{
  union
  {
    struct cmsghdr align;
    guint8 bytes[CMSG_SPACE ((SC_RECORD_MAX_FDS + 1) * sizeof (int))];
  } control;
  /* On a socket never beyond the current record: descriptors come with the bytes that they were
   * sent with. */
  gsize room = self->is_socket ? wanted (self) - available (self) : self->in_size - self->in_end;
  struct iovec part = { self->in + self->in_end, room };
  gssize n;

  for (;;)
    {
      struct msghdr message = { .msg_iov = &part,
                                .msg_iovlen = 1,
                                .msg_control = control.bytes,
                                .msg_controllen = sizeof control.bytes };

      n = self->is_socket ? recvmsg (self->fd, &message, MSG_CMSG_CLOEXEC)
                          : read (self->fd, part.iov_base, part.iov_len);
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == ECONNRESET)
        return 0;
      if (n < 0)
        {
          sc_error_set_errno (error, errno, "receiving a record");
          return -1;
        }
      if (self->is_socket && !keep_fds (self, &message, error))
        return -1;
      return n;
    }
}

gboolean
sc_channel_has_buffered (ScChannel *self)
{
  return available (self) >= HEADER_BYTES && available (self) >= wanted (self);
}

static gboolean
make_room (ScChannel *self, GError **error)
{
  gsize need = wanted (self);

  if (need > HEADER_BYTES + SC_RECORD_MAX_PAYLOAD)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "a record of %" G_GSIZE_FORMAT " bytes is too large", need);
  if (self->in_start > 0
      && (self->in_start == self->in_end || self->in_start + need > self->in_size))
    {
      memmove (self->in, self->in + self->in_start, available (self));
      self->in_end -= self->in_start;
      self->in_start = 0;
    }
  if (need > self->in_size)
    {
      self->in = g_realloc (self->in, need);
      self->in_size = need;
    }
  return TRUE;
}

/* Returns: as sc_channel_receive() */
static int
fill (ScChannel *self, GError **error)
{
  while (!sc_channel_has_buffered (self))
    {
      if (!make_room (self, error))
        return -1;
      gssize n = receive_bytes (self, error);
      if (n < 0)
        return -1;
      if (n == 0 && available (self) == 0)
        return 0;
      if (n == 0)
        {
          sc_error_set (error, SYSCONT_ERROR_INTERRUPTED, "a record ends too early");
          return -1;
        }
      self->in_end += (gsize)n;
    }
  return 1;
}

int
sc_channel_receive (ScChannel *self, ScRecord *record, GError **error)
{
  drop_fds (self);
  if (self->failed)
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "an earlier record was malformed");
      return -1;
    }

  int n = fill (self, error);
  self->failed = n < 0;
  if (n <= 0)
    return n;

  *record = (ScRecord){
    .type = header_word (self, 0),
    .payload = self->in + self->in_start + HEADER_BYTES,
    .size_bytes = header_word (self, 1),
  };
  self->in_start += HEADER_BYTES + record->size_bytes;
  return 1;
}

int
sc_channel_steal_fd (ScChannel *self)
{
  if (self->n_fds == 0)
    return -1;

  int fd = self->fds[0];
  self->n_fds--;
  memmove (self->fds, self->fds + 1, self->n_fds * sizeof (int));
  return fd;
}
