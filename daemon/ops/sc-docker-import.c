/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-docker-import.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"
#include "ops/sc-image-import.h"
#include "ops/sc-member-stream.h"
#include "store/sc-image-store.h"
#include "store/sc-layer-writer.h"

#include <string.h>
#include <unistd.h>

#define MAX_LAYERS 2048 /* of all images of an archive */

typedef struct
{
  const ScDockerImport *import;
  int source_fd;           /* (owned) -1 once the worker has it */
  ScRepo *repo;            /* (owned) */
  ScSystemd *systemd;      /* (owned) */
  ScWorker *outer;         /* (owned) takes the archive apart */
  ScWorker *inner;         /* (owned) takes the layers apart */
  ScMemberStream *members; /* (owned) */
  GHashTable *commits;     /* (owned) digest to commit */
  GHashTable *refusals;    /* (owned) digest to GError: layers that cannot be stored */
  GHashTable *dropped;     /* (owned) digest to number of nodes that were left out */
  guint64 unpacked_bytes;
  guint n_layers;
} Run;

static void
run_clear (Run *run)
{
  sc_fd_cleanup (&run->source_fd);
  g_clear_pointer (&run->members, sc_member_stream_free);
  g_clear_pointer (&run->inner, sc_worker_free);
  g_clear_pointer (&run->outer, sc_worker_free);
  g_clear_pointer (&run->systemd, sc_systemd_free);
  g_clear_pointer (&run->repo, sc_repo_free);
  g_hash_table_unref (run->commits);
  g_hash_table_unref (run->refusals);
  g_hash_table_unref (run->dropped);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* --- layers --- */

/* A digest that the name of the member claims; NULL when it claims none. */
static char *
claimed_digest (const char *path)
{
  const char *name = strrchr (path, '/') != NULL ? strrchr (path, '/') + 1 : path;
  g_autofree char *hex = g_str_has_suffix (name, ".tar")
                             ? g_strndup (name, strlen (name) - strlen (".tar"))
                             : g_strdup (name);

  return sc_hex_is_valid (hex) ? g_strconcat ("sha256:", hex, NULL) : NULL;
}

static gboolean
add_entry (gpointer user_data, const ScEntry *entry, GCancellable *cancellable, GError **error)
{
  return sc_layer_writer_add (user_data, entry, cancellable, error);
}

static gboolean
write_data (gpointer user_data,
            gconstpointer data,
            gsize size_bytes,
            GCancellable *cancellable,
            GError **error)
{
  return sc_layer_writer_write (user_data, data, size_bytes, cancellable, error);
}

/* What the content itself is the reason for; anything else ends the import. */
static gboolean
is_refusal (const GError *error)
{
  return g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID)
         || g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED)
         || g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

/* Reads the member's pipe through the second worker into @writer. */
static gboolean
read_layer (Run *run,
            ScLayerMember *member,
            ScLayerWriter *writer,
            GCancellable *cancellable,
            GError **error)
{
  const ScConfig *config = run->import->context->config;
  ScUnpackRequest request = {
    .kind = SC_UNPACK_LAYER,
    .compression = SC_COMPRESSION_NONE,
    .max_bytes = MIN (config->max_layer_bytes, config->max_image_bytes - run->unpacked_bytes),
    .max_entries = config->max_layer_entries,
  };
  ScUnpackSink sink = { add_entry, write_data, writer };
  g_autofree char *diff_id = NULL;
  guint64 unpacked_bytes = 0;

  g_autoptr (ScUnpacker) unpacker
      = sc_unpacker_start (run->inner, &request, sc_fd_steal (&member->fd), error);
  if (unpacker == NULL
      || !sc_unpacker_run (unpacker, &sink, &unpacked_bytes, &diff_id, cancellable, error))
    return FALSE;
  run->unpacked_bytes += unpacked_bytes;
  return TRUE;
}

static gboolean
keep_commit (Run *run, const char *digest, char *commit, guint dropped)
{
  g_hash_table_insert (run->commits, g_strdup (digest), commit);
  g_hash_table_insert (run->dropped, g_strdup (digest), GUINT_TO_POINTER (dropped));
  return TRUE;
}

static gboolean
finish_layer (Run *run,
              ScLayerWriter *writer,
              const char *digest,
              guint64 size_bytes,
              GCancellable *cancellable,
              GError **error)
{
  ScLayerInfo info = { .diff_id = digest, .size_bytes = size_bytes, .unpacked_bytes = size_bytes };
  g_autoptr (GError) local_error = NULL;
  g_autofree char *stored = sc_layer_find (run->repo, digest, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  guint dropped = sc_layer_writer_get_dropped (writer);
  if (stored != NULL)
    return keep_commit (run, digest, g_steal_pointer (&stored), dropped);
  char *commit = sc_layer_writer_finish (writer, &info, cancellable, error);
  return commit != NULL && keep_commit (run, digest, commit, dropped);
}

/* A layer that the store has already is only hashed. */
static gboolean
reuse_layer (Run *run, ScLayerMember *member, const char *claim, char *commit, GError **error)
{
  g_autofree char *owned = commit;
  g_autofree char *digest = NULL;
  guint64 size_bytes = 0;

  close (sc_fd_steal (&member->fd));
  if (!sc_member_stream_end_layer (run->members, &digest, &size_bytes, error))
    return FALSE;
  if (strcmp (digest, claim) == 0)
    return keep_commit (run, digest, g_steal_pointer (&owned), 0);

  GError *refusal = NULL;
  sc_error_set (&refusal, SYSCONT_ERROR_DIGEST_MISMATCH, "it has the digest %s", digest);
  g_hash_table_insert (run->refusals, g_steal_pointer (&digest), refusal);
  return TRUE;
}

static gboolean
import_layer (Run *run, ScLayerMember *member, GCancellable *cancellable, GError **error)
{
  const ScConfig *config = run->import->context->config;
  g_autofree char *claim = member->size_bytes > 0 ? claimed_digest (member->path) : NULL;
  g_autofree char *stored = claim != NULL ? sc_layer_find (run->repo, claim, NULL) : NULL;
  g_autoptr (GError) failure = NULL;
  g_autofree char *digest = NULL;
  guint64 size_bytes = 0;

  if (++run->n_layers > MAX_LAYERS)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "the archive has more than %d layers",
                         MAX_LAYERS);
  if (stored != NULL)
    return reuse_layer (run, member, claim, g_steal_pointer (&stored), error);
  if (!sc_spool_check_space (run->import->context->paths, config, member->size_bytes, error))
    return FALSE;

  g_autoptr (ScLayerWriter) writer
      = sc_layer_writer_new (run->repo, config->max_layer_bytes, config->max_layer_entries);
  gboolean ok = read_layer (run, member, writer, cancellable, &failure);
  if (!ok && !is_refusal (failure))
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  if (!sc_member_stream_end_layer (run->members, &digest, &size_bytes, error))
    return FALSE;
  if (ok)
    return finish_layer (run, writer, digest, size_bytes, cancellable, error);
  g_hash_table_insert (run->refusals, g_steal_pointer (&digest), g_steal_pointer (&failure));
  return TRUE;
}

static gboolean
import_layers (Run *run, GCancellable *cancellable, GError **error)
{
  for (;;)
    {
      g_auto (ScLayerMember) member = { .fd = -1 };
      int n = sc_member_stream_next (run->members, &member, error);

      if (n <= 0)
        return n == 0 || sc_prefix_error (error, "reading the archive: ");
      if (!import_layer (run, &member, cancellable, error))
        {
          g_autofree char *shown = sc_text_escape (member.path);
          return sc_prefix_error (error, "member \"%s\": ", shown);
        }
    }
}

/* --- the image --- */

static ScReference *
choose_name (const Run *run, const ScDockerImage *image, GError **error)
{
  if (run->import->fullname != NULL)
    return sc_reference_parse (run->import->fullname, error);

  g_autoptr (ScReference) own = image->name != NULL ? sc_reference_parse (image->name, NULL) : NULL;
  if (own != NULL)
    return g_steal_pointer (&own);
  sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                "the archive gives the image no name: say what to store it as with \"reference\" "
                "(--name-as)");
  return NULL;
}

static char **
list_commits (Run *run, const ScDockerImage *image, guint *dropped, GError **error)
{
  g_autoptr (GStrvBuilder) commits = g_strv_builder_new ();

  for (guint i = 0; i < image->layers->len; i++)
    {
      const ScDescriptor *layer = image->layers->pdata[i];
      const char *commit = g_hash_table_lookup (run->commits, layer->digest);
      const GError *refusal = g_hash_table_lookup (run->refusals, layer->digest);

      if (commit == NULL)
        {
          g_autofree char *shown = sc_text_escape (image->layer_members[i]);
          g_propagate_error (error, g_error_copy (refusal));
          sc_prefix_error (error, "layer \"%s\": ", shown);
          return NULL;
        }
      *dropped += GPOINTER_TO_UINT (g_hash_table_lookup (run->dropped, layer->digest));
      g_strv_builder_add (commits, commit);
    }
  return g_strv_builder_end (commits);
}

static gboolean
commit_image (
    Run *run, const ScNewImage *image, guint dropped, GCancellable *cancellable, GError **error)
{
  ScOpContext *context = run->import->context;
  const char *name = image->is_unnamed ? image->manifest_digest : image->fullname;
  g_autoptr (ScImage) stored = sc_image_store_lookup (run->repo, name, NULL);
  ScImportOutcome outcome = {
    .digest = image->manifest_digest,
    .fullname = image->fullname,
    .dropped = dropped,
    .changed = stored == NULL || strcmp (stored->digest, image->manifest_digest) != 0,
  };

  if (outcome.changed)
    {
      if (!sc_image_store_add (run->repo, image, cancellable, error)
          || g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      sc_progress_set_cancellable (context->progress, FALSE);
      if (!sc_repo_commit (run->repo, cancellable, error))
        return FALSE;
      sc_progress_set_cancellable (context->progress, TRUE);
    }
  sc_image_import_report (context, &outcome);
  return TRUE;
}

static gboolean
store_image (Run *run, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScDockerImage) image = sc_docker_archive_choose (
      sc_member_stream_get_archive (run->members), run->import->name, error);
  g_autoptr (ScReference) name = image != NULL ? choose_name (run, image, error) : NULL;
  g_autoptr (ScManifest) manifest
      = name != NULL ? sc_manifest_parse (image->manifest, NULL, error) : NULL;
  g_autoptr (ScImageConfig) config
      = manifest != NULL
            ? sc_image_import_parse_config (image->config, manifest, run->import->platform, error)
            : NULL;
  if (config == NULL
      || !sc_docker_image_check_layers (image, (const char *const *)config->diff_ids, error))
    return FALSE;

  guint dropped = 0;
  g_auto (GStrv) commits = list_commits (run, image, &dropped, error);
  if (commits == NULL)
    return FALSE;

  gsize size_bytes = 0;
  gconstpointer data = g_bytes_get_data (image->manifest, &size_bytes);
  g_autofree char *digest = sc_digest_of_bytes (data, size_bytes);
  ScNewImage stored = {
    .fullname = name->fullname,
    .source = run->import->source,
    .manifest_digest = digest,
    .manifest_bytes = image->manifest,
    .manifest = manifest,
    .config_bytes = image->config,
    .layer_commits = commits,
    .is_unnamed = run->import->context->terms->plan_only,
  };
  sc_progress_set_phase (run->import->context->progress, "import");
  return commit_image (run, &stored, dropped, cancellable, error);
}

/* --- the whole --- */

static gboolean
start_workers (Run *run, GCancellable *cancellable, GError **error)
{
  ScOpContext *context = run->import->context;

  run->systemd = sc_systemd_new (context->bus, error);
  if (run->systemd == NULL)
    return FALSE;
  run->outer = sc_worker_connect (context->paths, "unpack", error);
  run->inner = run->outer != NULL ? sc_worker_connect (context->paths, "unpack", error) : NULL;
  return run->inner != NULL && sc_worker_greet (run->outer, run->systemd, cancellable, error)
         && sc_worker_greet (run->inner, run->systemd, cancellable, error);
}

static gboolean
start_stream (Run *run, GCancellable *cancellable, GError **error)
{
  ScOpContext *context = run->import->context;
  ScUnpackRequest request = {
    .kind = run->import->is_answer ? SC_UNPACK_DOCKER_ANSWER : SC_UNPACK_DOCKER_ARCHIVE,
    .compression = SC_COMPRESSION_NONE,
    .max_bytes = context->config->max_image_bytes,
    .max_entries = context->config->max_layer_entries,
  };

  sc_progress_set_phase (context->progress, "download");
  run->members = sc_member_stream_start (context, run->outer, &request,
                                         sc_fd_steal (&run->source_fd), cancellable, error);
  return run->members != NULL;
}

gboolean
sc_docker_import (const ScDockerImport *self,
                  int source_fd,
                  GCancellable *cancellable,
                  GError **error)
{
  g_auto (Run) run = {
    .import = self,
    .source_fd = source_fd,
    .commits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
    .refusals
    = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_error_free),
    .dropped = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };

  run.repo = sc_repo_open (self->context->paths, error);
  if (run.repo == NULL || !start_workers (&run, cancellable, error)
      || !sc_repo_begin (run.repo, cancellable, error))
    return FALSE;

  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = run.repo;
  return start_stream (&run, cancellable, error) && import_layers (&run, cancellable, error)
         && store_image (&run, cancellable, error);
}
