/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-member-stream.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BLOBS_PREFIX     "blobs/sha256/"
#define TAR_BLOCK_BYTES  512
#define TAR_MAGIC        "ustar"
#define TAR_MAGIC_OFFSET 257

typedef enum
{
  EVENT_LAYER,
  EVENT_LAYER_END,
  EVENT_OVER, /* the last one */
} EventKind;

typedef struct
{
  EventKind kind;
  ScLayerMember layer; /* (owned) EVENT_LAYER */
  char *digest;        /* (owned) (nullable) EVENT_LAYER_END */
  guint64 size_bytes;
  GError *error; /* (owned) (nullable) EVENT_OVER */
} Event;

typedef enum
{
  CONTENT_NONE,
  CONTENT_UNKNOWN, /* nothing of it was seen yet */
  CONTENT_DOCUMENT,
  CONTENT_LAYER,
  CONTENT_USELESS,
} Content;

struct _ScMemberStream
{
  GThread *thread;
  GAsyncQueue *events; /* (owned) of Event */
  ScWorker *unpack;
  ScUnpacker *unpacker; /* (owned) */
  ScProgress *progress;
  GCancellable *cancellable; /* (owned) (nullable) */
  Event *last;               /* (owned) (nullable) EVENT_OVER, once it was taken */

  /* The members below belong to the thread, until the last event. */
  ScDockerArchive *archive; /* (owned) */
  ScEntry *entry;           /* (owned) (nullable) the member that data belongs to */
  Content content;
  ScHasher *hasher; /* (owned) */
  guint64 size_bytes;
  GByteArray *document; /* (owned) */
  int pipe_fd;          /* (owned) write end; -1 when nobody reads any more */
};

void
sc_layer_member_clear (ScLayerMember *self)
{
  g_clear_pointer (&self->path, g_free);
  if (self->fd >= 0)
    close (sc_fd_steal (&self->fd));
}

static Event *
event_new (EventKind kind)
{
  Event *self = g_new0 (Event, 1);

  self->kind = kind;
  self->layer.fd = -1;
  return self;
}

static void
event_free (Event *self)
{
  sc_layer_member_clear (&self->layer);
  g_free (self->digest);
  g_clear_error (&self->error);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Event, event_free)

/* --- one member after the other, on the thread --- */

/* What a tar begins with: a header, or at once the blocks of zeros that end it. */
static gboolean
looks_like_tar (const guint8 *data, gsize size_bytes)
{
  static const guint8 zeros[TAR_BLOCK_BYTES];

  if (size_bytes < TAR_BLOCK_BYTES)
    return FALSE;
  return memcmp (data + TAR_MAGIC_OFFSET, TAR_MAGIC, strlen (TAR_MAGIC)) == 0
         || memcmp (data, zeros, sizeof zeros) == 0;
}

static gboolean
begin_layer (ScMemberStream *self, GError **error)
{
  g_autoptr (Event) event = event_new (EVENT_LAYER);

  if (!sc_worker_make_pipe (&event->layer.fd, &self->pipe_fd, error))
    return FALSE;
  event->layer.path = g_strdup (self->entry->path);
  event->layer.size_bytes = self->entry->size_bytes;
  g_async_queue_push (self->events, g_steal_pointer (&event));
  return TRUE;
}

/* By what it begins with; only the oldest tars say nothing there, and those have a name that does.
 */
static gboolean
decide (ScMemberStream *self, const guint8 *data, gsize size_bytes, GError **error)
{
  if (looks_like_tar (data, size_bytes) || g_str_has_suffix (self->entry->path, ".tar"))
    {
      self->content = CONTENT_LAYER;
      return begin_layer (self, error);
    }
  gboolean is_small = self->entry->size_bytes <= SC_DOCKER_MAX_DOCUMENT_BYTES;
  self->content
      = self->entry->type == SC_ENTRY_REGULAR && is_small ? CONTENT_DOCUMENT : CONTENT_USELESS;
  return TRUE;
}

static gboolean
add_useless (ScMemberStream *self, const char *path, const char *why, GError **error)
{
  GError *reason = NULL;

  sc_error_set (&reason, SYSCONT_ERROR_IMAGE_INVALID, "%s", why);
  return sc_docker_archive_add_unusable (self->archive, path, reason, error);
}

/* The content of a blob whose name is not its digest is not that blob. */
static gboolean
name_is_true (const ScEntry *entry, const char *digest)
{
  const char *hex = entry->path + strlen (BLOBS_PREFIX);

  return entry->type == SC_ENTRY_PACKED || !g_str_has_prefix (entry->path, BLOBS_PREFIX)
         || !sc_hex_is_valid (hex) || strcmp (hex, sc_digest_hex (digest)) == 0;
}

static gboolean
add_content (ScMemberStream *self, const char *digest, GError **error)
{
  const char *path = self->entry->path;
  GError *reason = NULL;

  if (!name_is_true (self->entry, digest))
    {
      sc_error_set (&reason, SYSCONT_ERROR_DIGEST_MISMATCH, "it has the digest %s", digest);
      return sc_docker_archive_add_unusable (self->archive, path, reason, error);
    }
  if (self->content == CONTENT_LAYER)
    return sc_docker_archive_add_layer (self->archive, path, digest, self->size_bytes, error);
  if (self->content == CONTENT_USELESS)
    return add_useless (self, path, "it is neither a layer nor a document", error);

  g_autoptr (GBytes) bytes = g_byte_array_free_to_bytes (self->document);
  self->document = g_byte_array_new ();
  return sc_docker_archive_add_document (self->archive, path, bytes, error);
}

static gboolean
finish_member (ScMemberStream *self, GError **error)
{
  if (self->entry == NULL)
    return TRUE;
  if (self->content == CONTENT_UNKNOWN && !decide (self, NULL, 0, error))
    return FALSE;

  g_autofree char *hex = sc_hasher_finish (self->hasher);
  g_autofree char *digest = g_strconcat ("sha256:", hex, NULL);
  gboolean ok = add_content (self, digest, error);
  if (self->content == CONTENT_LAYER)
    {
      Event *event = event_new (EVENT_LAYER_END);
      event->digest = g_strdup (digest);
      event->size_bytes = self->size_bytes;
      g_async_queue_push (self->events, event);
    }
  if (self->pipe_fd >= 0)
    close (sc_fd_steal (&self->pipe_fd));
  g_clear_pointer (&self->entry, sc_entry_free);
  self->content = CONTENT_NONE;
  return ok;
}

static gboolean
add_member (gpointer user_data, const ScEntry *entry, GCancellable *cancellable, GError **error)
{
  ScMemberStream *self = user_data;

  if (!finish_member (self, error))
    return FALSE;
  switch (entry->type)
    {
    case SC_ENTRY_REGULAR:
    case SC_ENTRY_PACKED:
      self->entry = sc_entry_new (entry->type, entry->path);
      self->entry->size_bytes = entry->size_bytes;
      self->size_bytes = 0;
      self->content = CONTENT_UNKNOWN;
      return TRUE;
    case SC_ENTRY_SYMLINK:
      return sc_docker_archive_add_symlink (self->archive, entry->path, entry->link_target, error);
    case SC_ENTRY_HARDLINK:
      return sc_docker_archive_add_hardlink (self->archive, entry->path, entry->link_target, error);
    default:
      return add_useless (self, entry->path, "it is no regular file", error);
    }
}

/* A reader that is gone has all that it wants; the rest is for the digest only. */
static gboolean
feed (ScMemberStream *self, const guint8 *data, gsize size_bytes, GError **error)
{
  while (size_bytes > 0 && self->pipe_fd >= 0)
    {
      gssize n = write (self->pipe_fd, data, size_bytes);

      if (n >= 0)
        {
          data += n;
          size_bytes -= (gsize)n;
        }
      else if (errno == EPIPE)
        close (sc_fd_steal (&self->pipe_fd));
      else if (errno != EINTR)
        return sc_error_set_errno (error, errno, "writing a layer to its reader");
    }
  return TRUE;
}

static gboolean
write_member (gpointer user_data,
              gconstpointer data,
              gsize size_bytes,
              GCancellable *cancellable,
              GError **error)
{
  ScMemberStream *self = user_data;

  sc_progress_add_bytes (self->progress, size_bytes);
  if (self->content == CONTENT_UNKNOWN && !decide (self, data, size_bytes, error))
    return FALSE;
  sc_hasher_update (self->hasher, data, size_bytes);
  self->size_bytes += size_bytes;
  if (self->content == CONTENT_DOCUMENT)
    g_byte_array_append (self->document, data, (guint)size_bytes);
  return self->content != CONTENT_LAYER || feed (self, data, size_bytes, error);
}

static gpointer
read_in_thread (gpointer data)
{
  ScMemberStream *self = data;
  ScUnpackSink sink = { add_member, write_member, self };
  Event *over = event_new (EVENT_OVER);
  g_autofree char *digest = NULL;
  guint64 size_bytes = 0;

  if (sc_unpacker_run (self->unpacker, &sink, &size_bytes, &digest, self->cancellable,
                       &over->error))
    (void)finish_member (self, &over->error);
  /* The event first: whoever sees the stream end early then finds out why. */
  g_async_queue_push (self->events, over);
  if (self->pipe_fd >= 0)
    close (sc_fd_steal (&self->pipe_fd));
  return NULL;
}

/* --- the job's side --- */

ScMemberStream *
sc_member_stream_start (ScOpContext *context,
                        ScWorker *unpack,
                        const ScUnpackRequest *request,
                        int source_fd,
                        GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (ScUnpacker) unpacker = sc_unpacker_start (unpack, request, source_fd, error);
  if (unpacker == NULL)
    return NULL;

  ScMemberStream *self = g_new0 (ScMemberStream, 1);
  self->events = g_async_queue_new_full ((GDestroyNotify)event_free);
  self->unpack = unpack;
  self->unpacker = g_steal_pointer (&unpacker);
  self->progress = context->progress;
  self->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  self->archive = sc_docker_archive_new ();
  self->hasher = sc_hasher_new ();
  self->document = g_byte_array_new ();
  self->pipe_fd = -1;
  self->thread = g_thread_new ("members", read_in_thread, self);
  return self;
}

/* Returns: (transfer full) (nullable): NULL with @error at the end of a broken stream, without it
 * at that of a whole one */
static Event *
take_event (ScMemberStream *self, GError **error)
{
  if (self->last == NULL)
    {
      g_autoptr (Event) event = g_async_queue_pop (self->events);
      if (event->kind != EVENT_OVER)
        return g_steal_pointer (&event);
      self->last = g_steal_pointer (&event);
    }
  if (self->last->error != NULL)
    g_propagate_error (error, g_error_copy (self->last->error));
  return NULL;
}

int
sc_member_stream_next (ScMemberStream *self, ScLayerMember *member, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (Event) event = take_event (self, &local_error);

  if (event == NULL)
    {
      gboolean failed = local_error != NULL;
      if (failed)
        g_propagate_error (error, g_steal_pointer (&local_error));
      return failed ? -1 : 0;
    }
  g_return_val_if_fail (event->kind == EVENT_LAYER, -1);
  *member = event->layer;
  event->layer = (ScLayerMember){ .fd = -1 };
  return 1;
}

gboolean
sc_member_stream_end_layer (ScMemberStream *self,
                            char **digest,
                            guint64 *size_bytes,
                            GError **error)
{
  g_autoptr (Event) event = take_event (self, error);

  if (event == NULL)
    return FALSE;
  g_return_val_if_fail (event->kind == EVENT_LAYER_END, FALSE);
  *digest = g_steal_pointer (&event->digest);
  *size_bytes = event->size_bytes;
  return TRUE;
}

ScDockerArchive *
sc_member_stream_get_archive (ScMemberStream *self)
{
  return self->archive;
}

void
sc_member_stream_free (ScMemberStream *self)
{
  /* The worker ends, then what it wrote, then the thread; a pipe that waits to be taken is closed
   * with its event. */
  if (self->last == NULL)
    sc_channel_shutdown (sc_worker_get_channel (self->unpack));
  while (self->last == NULL)
    {
      g_autoptr (Event) event G_GNUC_UNUSED = take_event (self, NULL);
    }
  g_thread_join (self->thread);
  g_clear_pointer (&self->last, event_free);
  g_async_queue_unref (self->events);
  sc_unpacker_free (self->unpacker);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->entry, sc_entry_free);
  sc_docker_archive_free (self->archive);
  sc_hasher_free (self->hasher);
  g_byte_array_unref (self->document);
  g_free (self);
}
