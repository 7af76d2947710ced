/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A call of org.syscont.Manager, parsed and checked: what it is about, and the operation that it
 * asks for. Pure: it opens no file and asks nobody (only a descriptor that came with the call is
 * looked at), so that it can be done before the caller is known to be allowed anything.
 */
#pragma once

#include "base/sc-config.h"
#include "image/sc-reference.h"
#include "ops/sc-op.h"
#include "service/sc-options.h"

#include <gio/gunixfdlist.h>

#define SC_REQUEST_MAX_FDS   16 /* each secret is one */
#define SC_REQUEST_MAX_NAMES 256

/** ScSubject: what a call is about, as far as it says so */
typedef struct
{
  char **containers;      /* (owned) (nullable) checked names */
  ScReference *reference; /* (owned) (nullable) */
  char *image;            /* (owned) (nullable) a name, or digits that a digest begins with */
  char *digest;           /* (owned) (nullable) that the image must have */
  char *prefix;           /* (owned) (nullable) HOST[:PORT][/PATH] that a login is for */

  char *plan_id;          /* (owned) (nullable) what it carries out; sc_planned_describe() adds */
  char *from_digest;      /* (owned) (nullable) that it has now, by the plan */
  const char *privileged; /* static (nullable) "yes" or "no", by the plan */
} ScSubject;

typedef struct
{
  const char *method; /* static: name of the method */
  const char *rule;   /* static: row of the authority's table: the method, or one of its kinds */
  ScSubject subject;
  ScOptions *options; /* (owned) */
  ScOp *op;           /* (owned) (nullable) for a method that makes a job */
  ScSecret *secret;   /* (owned) (nullable) SetRegistryCredential */
  gboolean no_queue;
  gboolean answers_at_end; /* the call is answered when its job has ended, without the job's path */
  guint64 job_id;          /* GetJob */
  const char *operation;   /* static: CanAuthorize: the method that is asked about */
} ScRequest;

/** ScCall: what came over the bus; everything is lent */
typedef struct
{
  const char *method;
  GVariant *parameters; /* of the types that the introspection data says */
  GUnixFDList *fds;     /* (nullable) */
  const ScConfig *config;
} ScCall;

/**
 * sc_request_parse:
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT, INVALID_NAME, INVALID_REFERENCE;
 *   NOT_SUPPORTED for a method without a parser
 */
ScRequest *sc_request_parse (const ScCall *call, GError **error);
void sc_request_free (ScRequest *self);

/** sc_subject_clear: frees what it has */
void sc_subject_clear (ScSubject *self);

/**
 * sc_request_features:
 *
 * (transfer full): "Method.key" for each option that a method knows, and "transport:NAME"
 */
char **sc_request_features (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScRequest, sc_request_free)
