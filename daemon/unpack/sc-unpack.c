/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-unpack.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "unpack/sc-member.h"
#include "unpack/sc-tar.h"

typedef struct
{
  const ScUnpackTask *task;
  ScTar *tar;         /* (owned) (nullable) when the stream could not be opened */
  ScChannel *records; /* (owned) */
  GError *refusal;    /* (owned) (nullable) why the stream is refused: goes to the reader */
  guint64 left_bytes; /* that compressed members may still have */
} Run;

gboolean
sc_unpack_task_parse (ScUnpackTask *task, ScRecord *record, GError **error)
{
  task->request = sc_record_get_u32 (record);
  guint32 kind = sc_record_get_u32 (record);
  guint32 compression = sc_record_get_u32 (record);
  task->max_bytes = sc_record_get_u64 (record);
  task->max_entries = sc_record_get_u32 (record);
  if (!sc_record_finish (record, error))
    return FALSE;

  if (kind < SC_UNPACK_LAYER || kind > SC_UNPACK_DOCKER_ANSWER)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "a request for the unknown kind %u of stream", kind);
  if (compression > SC_COMPRESSION_ZSTD)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "a request for the unknown compression %u", compression);
  task->is_answer = kind == SC_UNPACK_DOCKER_ANSWER;
  task->kind = task->is_answer ? SC_UNPACK_DOCKER_ARCHIVE : (ScUnpackKind)kind;
  task->compression = compression;
  return TRUE;
}

static gboolean
send_content (Run *run, GError **error)
{
  gconstpointer data;
  gsize size_bytes;
  int n;

  while ((n = sc_tar_read (run->tar, &data, &size_bytes, &run->refusal)) > 0)
    if (!sc_channel_send_data (run->records, data, size_bytes, error))
      return FALSE;
  return TRUE;
}

static gboolean
send_member_content (Run *run, const char *path, ScMember *member, GError **error)
{
  gconstpointer data;
  gsize size_bytes;
  int n;

  while ((n = sc_member_read (member, &data, &size_bytes, &run->refusal)) > 0)
    if (!sc_channel_send_data (run->records, data, size_bytes, error))
      return FALSE;
  if (n < 0)
    {
      g_autofree char *escaped = sc_text_escape (path);
      sc_prefix_error (&run->refusal, "member \"%s\": ", escaped);
      return TRUE;
    }
  run->left_bytes -= sc_member_get_unpacked (member);
  return TRUE;
}

/* Of an archive whose members may be compressed. */
static gboolean
send_member (Run *run, ScEntry *entry, GError **error)
{
  g_autoptr (ScMember) member = sc_member_open (run->tar, run->left_bytes, &run->refusal);
  if (member == NULL)
    return TRUE;
  if (sc_member_is_packed (member))
    {
      entry->type = SC_ENTRY_PACKED;
      entry->size_bytes = 0;
    }

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new_entry (entry);
  return sc_channel_send (run->records, writer, NULL, 0, error)
         && send_member_content (run, entry->path, member, error);
}

static gboolean
send_entry (Run *run, ScEntry *entry, GError **error)
{
  if (entry->type == SC_ENTRY_REGULAR && run->task->kind == SC_UNPACK_DOCKER_ARCHIVE)
    return send_member (run, entry, error);

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new_entry (entry);
  if (!sc_channel_send (run->records, writer, NULL, 0, error))
    return FALSE;
  return entry->type != SC_ENTRY_REGULAR || send_content (run, error);
}

static gboolean
send_members (Run *run, GError **error)
{
  while (run->refusal == NULL)
    {
      g_autoptr (ScEntry) entry = NULL;

      if (sc_tar_next (run->tar, &entry, &run->refusal) <= 0)
        return TRUE;
      if (!send_entry (run, entry, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
send_end (Run *run, GError **error)
{
  g_auto (ScTarSummary) summary = { 0 };
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_END);

  sc_tar_summarize (run->tar, &summary);
  sc_record_writer_put_u64 (writer, summary.unpacked_bytes);
  sc_record_writer_put_string (writer, summary.digest);
  return sc_channel_send (run->records, writer, NULL, 0, error);
}

static gboolean
send_refusal (Run *run, guint32 request, GError **error)
{
  g_autoptr (GError) normal = syscont_error_normalize (run->refusal);
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_ERROR);

  sc_record_writer_put_u32 (writer, request);
  sc_record_writer_put_u32 (writer, (guint32)normal->code);
  sc_record_writer_put_string (writer, normal->message);
  return sc_channel_send (run->records, writer, NULL, 0, error);
}

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->tar, sc_tar_free);
  g_clear_pointer (&run->records, sc_channel_free);
  g_clear_error (&run->refusal);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* A layer is compressed as its descriptor says, an archive as somebody liked it. */
static ScInflate *
open_stream (const ScUnpackTask *task, int input_fd, GError **error)
{
  if (task->is_answer)
    return sc_inflate_new_answer (input_fd, task->max_bytes, error);
  if (task->kind == SC_UNPACK_LAYER)
    return sc_inflate_new (input_fd, task->compression, task->max_bytes, error);
  return sc_inflate_new_archive (input_fd, task->max_bytes, error);
}

gboolean
sc_unpack_run (const ScUnpackTask *task, int input_fd, int output_fd, GError **error)
{
  g_auto (Run) run = {
    .task = task,
    .records = sc_channel_new (output_fd),
    .left_bytes = task->max_bytes,
  };
  ScInflate *stream = open_stream (task, input_fd, &run.refusal);

  if (stream != NULL)
    {
      run.tar = sc_tar_new (stream, task->kind, task->max_entries);
      if (!send_members (&run, error))
        return FALSE;
    }
  gboolean ok
      = run.refusal == NULL ? send_end (&run, error) : send_refusal (&run, task->request, error);
  return ok && sc_channel_flush (run.records, error);
}
