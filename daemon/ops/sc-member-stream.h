/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The members of a docker-archive while it streams, never stored whole: what looks like the tar of
 * a layer comes out on a pipe as soon as it begins, whatever manifest.json at the end makes of it;
 * documents and links are kept in a table. Everything is hashed as it passes. A thread reads the
 * records of syscont-unpack, so that the job's thread can read what a second instance makes of a
 * layer.
 *
 *     source ─▶ unpack ─records─▶ thread: hash ─pipe─▶ second unpack ─records─▶ job
 */
#pragma once

#include "image/sc-docker-archive.h"
#include "ops/sc-unpacker.h"

typedef struct _ScMemberStream ScMemberStream;

/** ScLayerMember: a member that is to be read as a layer */
typedef struct
{
  char *path;         /* (owned) */
  guint64 size_bytes; /* 0 when the member is compressed: its size is not known yet */
  int fd;             /* (owned) read end of a pipe: the uncompressed tar */
} ScLayerMember;

void sc_layer_member_clear (ScLayerMember *self);

/**
 * sc_member_stream_start:
 * @unpack: greeted; lent until sc_member_stream_free()
 * @request: what syscont-unpack is to make of @source_fd
 * @source_fd: (transfer full):
 */
ScMemberStream *sc_member_stream_start (ScOpContext *context,
                                        ScWorker *unpack,
                                        const ScUnpackRequest *request,
                                        int source_fd,
                                        GCancellable *cancellable,
                                        GError **error);

/**
 * sc_member_stream_next:
 * @member: (out): to be cleared
 *
 * Waits for the next layer. What is not read of its pipe is hashed all the same once @fd is closed.
 *
 * Returns: 1 and @member; 0 at the end of the archive; -1 with @error
 */
int sc_member_stream_next (ScMemberStream *self, ScLayerMember *member, GError **error);

/**
 * sc_member_stream_end_layer:
 * @digest: (out) (transfer full): of the whole uncompressed member
 *
 * To be called once after each sc_member_stream_next(), when its pipe was read or closed.
 */
gboolean sc_member_stream_end_layer (ScMemberStream *self,
                                     char **digest,
                                     guint64 *size_bytes,
                                     GError **error);

/** sc_member_stream_get_archive: (transfer none): all members, after sc_member_stream_next() gave 0
 */
ScDockerArchive *sc_member_stream_get_archive (ScMemberStream *self);

/** sc_member_stream_free: ends the thread and with it the use of the worker, also in the middle */
void sc_member_stream_free (ScMemberStream *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScMemberStream, sc_member_stream_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScLayerMember, sc_layer_member_clear)
