/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-unpacker.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"

#define REQUEST 1

struct _ScUnpacker
{
  ScWorker *worker;
  ScChannel *records;    /* (owned) read end of the worker's pipe */
  guint64 max_bytes;     /* unpacked */
  guint64 missing_bytes; /* data that the last entry still lacks */
  gboolean is_open;      /* the last entry has data until another record comes */
};

ScUnpacker *
sc_unpacker_start (ScWorker *unpack, const ScUnpackRequest *request, int input_fd, GError **error)
{
  sc_autofd input = input_fd;
  sc_autofd read_fd = -1;
  sc_autofd write_fd = -1;
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_UNPACK);

  if (!sc_worker_make_pipe (&read_fd, &write_fd, error))
    return NULL;

  int fds[] = { input, write_fd };
  sc_record_writer_put_u32 (writer, REQUEST);
  sc_record_writer_put_u32 (writer, request->kind);
  sc_record_writer_put_u32 (writer, request->compression);
  sc_record_writer_put_u64 (writer, request->max_bytes);
  sc_record_writer_put_u32 (writer, request->max_entries);
  if (!sc_channel_send (sc_worker_get_channel (unpack), writer, fds, G_N_ELEMENTS (fds), error))
    return NULL;

  ScUnpacker *self = g_new0 (ScUnpacker, 1);
  self->worker = unpack;
  self->max_bytes = request->max_bytes;
  self->records = sc_channel_new (sc_fd_steal (&read_fd));
  return self;
}

void
sc_unpacker_free (ScUnpacker *self)
{
  sc_channel_free (self->records);
  g_free (self);
}

static gboolean
broken_protocol (ScUnpacker *self, GError **error)
{
  sc_worker_kill (self->worker);
  return sc_error_set (error, SYSCONT_ERROR_FAILED, "the syscont-unpack worker broke the protocol");
}

static gboolean
take_entry (ScUnpacker *self,
            ScRecord *record,
            const ScUnpackSink *sink,
            GCancellable *cancellable,
            GError **error)
{
  if (self->missing_bytes != 0)
    return broken_protocol (self, error);

  g_autoptr (ScEntry) entry = sc_record_dup_entry (record, error);
  if (entry == NULL)
    {
      sc_worker_kill (self->worker);
      return FALSE;
    }
  self->missing_bytes = entry->type == SC_ENTRY_REGULAR ? entry->size_bytes : 0;
  self->is_open = entry->type == SC_ENTRY_PACKED;
  return sink->add (sink->user_data, entry, cancellable, error);
}

static gboolean
take_data (ScUnpacker *self,
           ScRecord *record,
           const ScUnpackSink *sink,
           GCancellable *cancellable,
           GError **error)
{
  if (record->size_bytes == 0 || (!self->is_open && record->size_bytes > self->missing_bytes))
    return broken_protocol (self, error);

  if (!self->is_open)
    self->missing_bytes -= record->size_bytes;
  return sink->write (sink->user_data, record->payload, record->size_bytes, cancellable, error);
}

gboolean
sc_unpacker_run (ScUnpacker *self,
                 const ScUnpackSink *sink,
                 guint64 *unpacked_bytes,
                 char **diff_id,
                 GCancellable *cancellable,
                 GError **error)
{
  ScRecord record;
  gboolean ok = TRUE;

  while (ok)
    {
      if (!sc_worker_receive (self->worker, self->records, &record, cancellable, error))
        return FALSE;
      if (record.type == SC_RECORD_END || record.type == SC_RECORD_ERROR)
        break;
      if (record.type == SC_RECORD_ENTRY)
        ok = take_entry (self, &record, sink, cancellable, error);
      else if (record.type == SC_RECORD_DATA)
        ok = take_data (self, &record, sink, cancellable, error);
      else
        ok = broken_protocol (self, error);
    }

  if (!ok)
    return FALSE;
  if (record.type == SC_RECORD_ERROR)
    return sc_worker_read_error (&record, REQUEST, error);

  *unpacked_bytes = sc_record_get_u64 (&record);
  g_autofree char *digest = sc_record_dup_string (&record);
  if (!sc_record_finish (&record, NULL) || !sc_digest_is_valid (digest) || self->missing_bytes != 0
      || *unpacked_bytes > self->max_bytes)
    return broken_protocol (self, error);
  *diff_id = g_steal_pointer (&digest);
  return TRUE;
}
