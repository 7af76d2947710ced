/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-trust-policy.h"
#include "ops/sc-archive.h"
#include "ops/sc-docker-import.h"
#include "ops/sc-image-import.h"
#include "ops/sc-op-private.h"

#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  ScOp base;
  int source_fd; /* (owned) -1 once it was given to the worker */
  ScImportFormat format;
  char *fullname;       /* (owned) (nullable) */
  char *tag;            /* (owned) (nullable) */
  char *source;         /* (owned) */
  ScPlatform *platform; /* (owned) */
} ImportOp;

const char *const sc_import_format_names[SC_N_IMPORT_FORMATS] = {
  [SC_IMPORT_OCI_ARCHIVE] = "oci-archive",
  [SC_IMPORT_DOCKER_ARCHIVE] = "docker-archive",
};

gboolean
sc_op_import_check_fd (int fd, GError **error)
{
  struct stat st;
  int flags = fcntl (fd, F_GETFL);

  if (flags < 0 || fstat (fd, &st) < 0)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "the file descriptor is not open");
  if (!S_ISREG (st.st_mode) && !S_ISFIFO (st.st_mode))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the file descriptor is neither a regular file nor a pipe");
  if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_WRONLY)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the file descriptor is not open for reading");
  return TRUE;
}

/* The caller's name, or the layout's own if that is more than a tag. */
static ScReference *
choose_name (const ImportOp *self, const char *ref_name, GError **error)
{
  if (self->fullname != NULL)
    return sc_reference_parse (self->fullname, error);

  g_autoptr (ScReference) own = ref_name != NULL ? sc_reference_parse (ref_name, NULL) : NULL;
  if (own != NULL && strpbrk (ref_name, "/:") != NULL)
    return g_steal_pointer (&own);
  sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                "the image layout has no name of its own: say what to store it as with "
                "\"reference\" (--name-as)");
  return NULL;
}

static gboolean
import_docker_archive (ImportOp *self,
                       ScOpContext *context,
                       GCancellable *cancellable,
                       GError **error)
{
  ScDockerImport import = {
    .context = context,
    .platform = self->platform,
    .name = self->tag,
    .fullname = self->fullname,
    .source = self->source,
  };

  return sc_docker_import (&import, sc_fd_steal (&self->source_fd), cancellable, error);
}

static gboolean
import_oci_archive (ImportOp *self, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  g_auto (ScArchive) archive = { 0 };
  g_auto (ScResolved) resolved = { 0 };
  g_autofree char *ref_name = NULL;

  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);
  g_autoptr (ScSystemd) systemd = repo != NULL ? sc_systemd_new (context->bus, error) : NULL;
  g_autoptr (ScWorker) unpack
      = systemd != NULL ? sc_worker_connect (context->paths, "unpack", error) : NULL;
  if (unpack == NULL || !sc_worker_greet (unpack, systemd, cancellable, error)
      || !sc_archive_read (&archive, context, unpack, sc_fd_steal (&self->source_fd), cancellable,
                           error)
      || !sc_archive_resolve (&archive, self->tag, self->platform, &resolved, &ref_name, error))
    return FALSE;

  g_autoptr (ScReference) name = choose_name (self, ref_name, error);
  if (name == NULL)
    return FALSE;
  ScImageImport import = {
    .context = context,
    .repo = repo,
    .unpack = unpack,
    .local_blobs = archive.blobs,
    .platform = self->platform,
    .fullname = name->fullname,
    .source = self->source,
    .resolved = &resolved,
  };
  return sc_image_import (&import, cancellable, error);
}

static gboolean
import_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  ImportOp *self = (ImportOp *)op;

  sc_progress_set_phase (context->progress, "resolve");
  if (sc_trust_policy_check (context->paths->trust_policy, sc_import_format_names[self->format],
                             NULL, error)
      && (self->format == SC_IMPORT_DOCKER_ARCHIVE
              ? import_docker_archive (self, context, cancellable, error)
              : import_oci_archive (self, context, cancellable, error)))
    return TRUE;
  return sc_prefix_error (
      error, "importing \"%s\": ", self->fullname != NULL ? self->fullname : self->source);
}

static void
import_free (ScOp *op)
{
  ImportOp *self = (ImportOp *)op;

  if (self->source_fd >= 0)
    close (self->source_fd);
  g_free (self->fullname);
  g_free (self->tag);
  g_free (self->source);
  sc_platform_free (self->platform);
  g_free (self);
}

static const ScOpClass import_class = { "import-image", import_run, import_free };

ScOp *
sc_op_new_import (const ScImportRequest *request)
{
  ImportOp *self = g_new0 (ImportOp, 1);
  const char *const targets[] = { request->fullname, NULL };

  sc_op_init (&self->base, &import_class, targets);
  if (request->fullname != NULL)
    sc_op_claim (&self->base, "image", request->fullname, TRUE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->source_fd = request->source_fd;
  self->format = request->format;
  self->fullname = g_strdup (request->fullname);
  self->tag = g_strdup (request->tag);
  self->source = request->source != NULL
                     ? g_strdup (request->source)
                     : g_strconcat (sc_import_format_names[request->format], ":", NULL);
  self->platform
      = request->platform != NULL ? sc_op_copy_platform (request->platform) : sc_platform_host ();
  return &self->base;
}
