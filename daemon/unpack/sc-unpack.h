/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One SC_RECORD_UNPACK from beginning to end: a stream in, records out.
 */
#pragma once

#include "image/sc-record.h"
#include "image/sc-manifest.h"

typedef struct
{
  guint32 request;
  ScUnpackKind kind;
  ScCompression compression; /* of a layer; an archive's is recognized */
  guint64 max_bytes;
  guint32 max_entries;
  gboolean is_answer; /* @kind is what the body of an HTTP answer is */
} ScUnpackTask;

/** sc_unpack_task_parse: @record: an SC_RECORD_UNPACK; IMAGE_INVALID when it is malformed */
gboolean sc_unpack_task_parse (ScUnpackTask *task, ScRecord *record, GError **error);

/**
 * sc_unpack_run:
 * @input_fd: (transfer full): the stream
 * @output_fd: (transfer full): a pipe; SIGPIPE must be ignored
 *
 * Blocks until the stream was read and told, or refused and that told. Both fds are closed then.
 *
 * Returns: FALSE with @error when the reader of @output_fd has gone or cannot be written to
 */
gboolean sc_unpack_run (const ScUnpackTask *task, int input_fd, int output_fd, GError **error);
