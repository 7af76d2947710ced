/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The protocol between syscontd and its workers: length-prefixed binary records with fixed caps,
 * over the accepted socket (control, may carry one fd each way of SC_RECORD_MAX_FDS) and over pipes
 * (data). Integers are little endian.
 *
 *     u32 type, u32 size of the payload, payload
 *
 * Either side gives up on the first violation.
 */
#pragma once

#include "image/sc-entry.h"

#define SC_RECORD_VERSION     2
#define SC_RECORD_MAX_PAYLOAD (5 * 1024 * 1024)
#define SC_RECORD_MAX_FDS     2
#define SC_RECORD_DATA_BYTES  (256 * 1024) /* largest SC_RECORD_DATA payload */

typedef enum
{
  /* worker to daemon, the first record of a connection: u32 version, string  (32 hex) */
  SC_RECORD_HELLO = 1,
  /* worker to daemon, in answer to a request or, on a stream, instead of its end: u32 request, u32
   * SyscontError, string message */
  SC_RECORD_ERROR,

  /* --- syscont-fetch, all on the socket --- */
  /* daemon: u32 number of endpoints, for each: image/sc-endpoint.h. Once, first. */
  SC_RECORD_FETCH_OPEN = 16,
  /* daemon: u32 request, string tag or digest, u32 max bytes */
  SC_RECORD_FETCH_MANIFEST,
  /* worker: u32 request, u32 number of the endpoint that sent it, string content type, bytes body */
  SC_RECORD_FETCH_MANIFEST_BODY,
  /* daemon, with the write end of a pipe: u32 request, string digest, u64 size, u64 offset of the
   * first byte that is wanted: it lacks at least one, u32 number of the first endpoint to ask; when
   * there is none, the last */
  SC_RECORD_FETCH_BLOB,
  /* worker: u32 request, u64 bytes that came over the line, dropped ones included, u32 number of the
   * endpoint that sent the end of it; the pipe is closed then */
  SC_RECORD_FETCH_BLOB_DONE,
  /* daemon: u32 request; the pipe is closed, no answer but an SC_RECORD_ERROR that crossed */
  SC_RECORD_FETCH_CANCEL,
  /* daemon: u32 request: whether the last endpoint's registry lets its login in */
  SC_RECORD_FETCH_CHECK,
  /* worker: u32 request, u32 whether it asked for a login at all (0 or 1), string host[:port] of the
   * token server that has seen it, or "" */
  SC_RECORD_FETCH_CHECKED,

  /* --- syscont-unpack --- */
  /* daemon, on the socket, with two fds: the stream to read and the write end of the pipe for the
   * records: u32 request, u32 ScUnpackKind, u32 ScCompression, u64 max unpacked bytes, u32 max
   * entries */
  SC_RECORD_UNPACK = 32,
  /* worker, on the pipe: u32 ScEntryType, u32 mode, u32 uid, u32 gid, u64 size, string path, string
   * link target, u32 number of xattrs, for each: string name, bytes value */
  SC_RECORD_ENTRY,
  /* worker, on the pipe: raw bytes of the regular file of the last SC_RECORD_ENTRY, until its size
   * is reached; of an SC_ENTRY_PACKED until another record comes */
  SC_RECORD_DATA,
  /* worker, on the pipe, last: u64 unpacked bytes of the whole stream, string digest of these
   * ("sha256:…", the diff_id). SC_RECORD_ERROR instead when the stream is refused. */
  SC_RECORD_END,
} ScRecordType;

typedef enum
{
  SC_UNPACK_LAYER = 1, /* a layer: whiteouts are told apart, sizes are checked */
  SC_UNPACK_ARCHIVE, /* the outer tar of an oci-archive: regular members come as entries with data,
                      * whatever else as
                        * SC_ENTRY_DROPPED; no whiteouts */
  SC_UNPACK_DOCKER_ARCHIVE, /* that of "docker save": links come too, and what is compressed as
                             * SC_ENTRY_PACKED */
  SC_UNPACK_DOCKER_ANSWER,  /* likewise, as the body of an engine's answer over HTTP */
} ScUnpackKind;

/* --- payloads --- */

/** ScRecordWriter: builds the payload of one record */
typedef struct _ScRecordWriter ScRecordWriter;

ScRecordWriter *sc_record_writer_new (ScRecordType type);
void sc_record_writer_free (ScRecordWriter *self);
void sc_record_writer_put_u32 (ScRecordWriter *self, guint32 value);
void sc_record_writer_put_u64 (ScRecordWriter *self, guint64 value);
void sc_record_writer_put_bytes (ScRecordWriter *self, gconstpointer data, gsize size_bytes);
/** sc_record_writer_put_string: NULL is written as "" */
void sc_record_writer_put_string (ScRecordWriter *self, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScRecordWriter, sc_record_writer_free)

/** ScRecord: one received record; getters read its payload in order and fail for ever after the
 * first violation */
typedef struct
{
  ScRecordType type;
  const guint8 *payload; /* lent by the channel until the next receive */
  gsize size_bytes;
  gsize position;
  gboolean failed;
} ScRecord;

guint32 sc_record_get_u32 (ScRecord *self);
guint64 sc_record_get_u64 (ScRecord *self);
/** sc_record_dup_string: (transfer full): UTF-8 without NUL; "" after a violation, and for an empty
 * string */
char *sc_record_dup_string (ScRecord *self);
/** sc_record_dup_bytes: (transfer full) */
GBytes *sc_record_dup_bytes (ScRecord *self);
/** sc_record_finish: TRUE when every getter succeeded and the payload was read to its end;
 * IMAGE_INVALID otherwise */
gboolean sc_record_finish (ScRecord *self, GError **error);

/** sc_record_put_entry, sc_record_dup_entry: an SC_RECORD_ENTRY; the latter checks it with
 * sc_entry_check() */
ScRecordWriter *sc_record_writer_new_entry (const ScEntry *entry);
ScEntry *sc_record_dup_entry (ScRecord *self, GError **error);

/* --- channels --- */

/** ScChannel: a blocking reader and writer of records on one fd: a socket, or one end of a pipe */
typedef struct _ScChannel ScChannel;

/**
 * sc_channel_new:
 * @fd: (transfer full): blocking
 *
 * A peer that is gone makes sending fail. On a pipe that holds only when the process ignores
 * SIGPIPE.
 */
ScChannel *sc_channel_new (int fd);
void sc_channel_free (ScChannel *self);
int sc_channel_get_fd (ScChannel *self);

/** sc_channel_shutdown: wakes a thread that blocks in sc_channel_receive() on a socket; safe from
 * any thread */
void sc_channel_shutdown (ScChannel *self);

/**
 * sc_channel_send:
 * @fds: (nullable): descriptors that go along; they stay the caller's. Only on a socket.
 *
 * Sends what @writer holds, without buffering on a socket; on a pipe records are collected up to
 * 256 KiB, see sc_channel_flush(). @writer can be used for another record of its type afterwards:
 * it is reset.
 */
gboolean sc_channel_send (
    ScChannel *self, ScRecordWriter *writer, const int *fds, guint n_fds, GError **error);

/** sc_channel_send_data: an SC_RECORD_DATA of at most SC_RECORD_DATA_BYTES, without copying */
gboolean
sc_channel_send_data (ScChannel *self, gconstpointer data, gsize size_bytes, GError **error);

gboolean sc_channel_flush (ScChannel *self, GError **error);

/**
 * sc_channel_receive:
 * @record: (out):
 *
 * Waits for the next record. A socket on which sc_channel_shutdown() was called and the peer's end
 * both are an end of file.
 *
 * Returns: 1 and @record; 0 at the end of file between two records; -1 with @error, INTERRUPTED
 * when the end of file is within a record
 */
int sc_channel_receive (ScChannel *self, ScRecord *record, GError **error);

/** sc_channel_steal_fd: takes the next of the descriptors that came with the last received record;
 * -1 when there is none */
int sc_channel_steal_fd (ScChannel *self);

/** sc_channel_has_buffered: TRUE when a whole record is buffered, so that poll() on the fd must not
 * be waited for */
gboolean sc_channel_has_buffered (ScChannel *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScChannel, sc_channel_free)
