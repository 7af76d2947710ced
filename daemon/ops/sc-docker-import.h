/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An image out of what "docker save" writes: from a file, a pipe or an engine. Layers become
 * commits as they come, before it is known which of them the image has; one transaction makes what
 * it has visible at the end, and the rest stays unreachable.
 */
#pragma once

#include "ops/sc-op.h"
#include "ops/sc-unpacker.h"

typedef struct
{
  ScOpContext *context;
  const ScPlatform *platform; /* what the image must be for */
  const char *name;           /* (nullable) which image of the archive */
  const char *fullname;       /* (nullable) name in the store; NULL: the archive's own */
  const char *source;         /* transport string as given */
  gboolean is_answer;         /* what comes is an engine's answer with the archive in it */
} ScDockerImport;

/**
 * sc_docker_import:
 * @source_fd: (transfer full): regular file, pipe or socket
 *
 * Sets the context's result as sc_image_import() does.
 */
gboolean sc_docker_import (const ScDockerImport *self,
                           int source_fd,
                           GCancellable *cancellable,
                           GError **error);
