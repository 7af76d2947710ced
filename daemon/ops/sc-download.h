/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One blob on its way into the spool: what is in its file already is hashed, the rest is asked of
 * syscont-fetch, and a blob that turns out damaged is brought once more from its beginning: from
 * whoever comes after the endpoint that sent it, and of the last one twice. While another job brings it, this one looks on, and takes over where that one ends.
 */
#pragma once

#include "image/sc-record.h"
#include "ops/sc-spool.h"

#define SC_DOWNLOAD_CHUNK_BYTES (256 * 1024)

/** ScDownloadLine: what the downloads of one job share */
typedef struct
{
  const ScPaths *paths;
  const ScConfig *config;
  ScChannel *fetch;      /* (nullable) channel of an opened fetch worker */
  GPtrArray *endpoints;  /* (nullable) of ScEndpoint, for the log */
  int wake_fd;           /* of the job, as a watcher of the blobs */
  guint8 *buffer;        /* of SC_DOWNLOAD_CHUNK_BYTES */
  guint64 line_bytes;    /* that this job got from the registry */
  guint64 spooled_bytes; /* that this job brought into the spool */
} ScDownloadLine;

typedef enum
{
  SC_DOWNLOAD_LOOKING_ON,
  SC_DOWNLOAD_HASHING,
  SC_DOWNLOAD_FETCHING,
} ScDownloadState;

typedef struct
{
  ScDownloadState state;
  ScBlob *blob; /* (nullable) watched; NULL when there is nothing to do */
  guint32 request;
  int fd;                /* read end of the pipe; -1 after its end of file */
  gboolean is_done;      /* the worker said so */
  gint endpoint;         /* number of the one that sent the end of it; -1 before there is one */
  gboolean is_repeated;  /* from the beginning, because it was damaged */
  gint damaged_endpoint; /* then: whose it was */
  guint64 piped_bytes;   /* of the current request */
  guint64 own_bytes;     /* of the blob as it is now: brought by this job */
} ScDownload;

void sc_download_begin (ScDownload *self, ScBlob *blob, guint32 request);

/** sc_download_has_work: whether sc_download_step() has something to do without anybody's news */
gboolean sc_download_has_work (const ScDownload *self);

/** sc_download_step: does the next thing that does not have to be waited for; the blob is NULL when
 * it is complete */
gboolean sc_download_step (ScDownload *self, ScDownloadLine *line, GError **error);

/** sc_download_read: the pipe is readable */
gboolean sc_download_read (ScDownload *self, ScDownloadLine *line, GError **error);

/** sc_download_end: the worker says that it has written everything; @endpoint: number of the one
 * that sent the end */
gboolean sc_download_end (
    ScDownload *self, ScDownloadLine *line, guint64 line_bytes, guint endpoint, GError **error);

/** sc_download_drop: keeps what is in the pipe and lets another job go on */
void sc_download_drop (ScDownload *self, ScDownloadLine *line);
