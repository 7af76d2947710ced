/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An operation: a closed, checked request, what it claims, and the recipe that runs it on a job's
 * thread. The service makes one for each call, asks for authorization, queues it and runs it; it
 * never looks inside.
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-error-util.h"
#include "base/sc-progress.h"
#include "deploy/sc-health.h"
#include "deploy/sc-update-state.h"
#include "image/sc-platform.h"
#include "image/sc-reference.h"
#include "ops/sc-program.h"
#include "ops/sc-secret.h"

typedef struct _ScOp ScOp;

/** ScClaim: what a job needs for itself or shares while it runs */
typedef struct
{
  char *what; /* (owned) "container:NAME", "container" for all, "image:FULLNAME" or "repository" */
  gboolean exclusive;
} ScClaim;

/** ScTerms: what the caller has agreed to beforehand */
typedef struct
{
  gboolean plan_only;       /* to nothing: only say what would be done */
  char *plan_id;            /* (owned) (nullable) to exactly what this plan has shown */
  char **accept_privileges; /* (owned) (nullable) words of privileges; "*" for all */
} ScTerms;

/** ScOpContext: what a recipe works with; it lives on the job's thread, whose thread-default main
 * context is its own */
typedef struct
{
  const ScPaths *paths;
  const ScConfig *config;
  GDBusConnection *bus; /* system bus */
  ScProgress *progress;
  guint64 job_id;
  guint caller_uid;
  const char *caller_unit; /* "" when it is not known */
  GVariantDict *result;    /* the job's Result; "changed" (b) is always set on success */
  ScSecret *auth;          /* (nullable) the login that came with the call */
  GHashTable *secrets;     /* (nullable) template values that came with it: char* to char* */
  const ScTerms *terms;    /* of the operation; sc_op_run() sets it */
  GPtrArray *hints;   /* of char*: what may help whom a registry refuses; sc_op_run() adds them to
                         * the error */
  GPtrArray *objects; /* of char*: paths of the containers and images that were made or changed */
  void (*log) (gpointer log_data, guint priority, const char *line); /* see sc_op_log() */
  gpointer log_data;
} ScOpContext;

/**
 * sc_op_log:
 * @priority: as in syslog
 *
 * Tells whoever watches the job what it does beyond phases and bytes.
 */
void sc_op_log (const ScOpContext *context, guint priority, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

typedef struct
{
  const char *type; /* of the job, in kebab-case */
  gboolean (*run) (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error);
  void (*free) (ScOp *op);
  gboolean leaves_state; /* what is on disk is the same afterwards */
} ScOpClass;

struct _ScOp
{
  const ScOpClass *op_class;
  char **targets;    /* (owned) for org.syscont.Job.Targets */
  GPtrArray *claims; /* (owned) of ScClaim */
  ScSecret *auth;    /* (owned) (nullable) the login that came with the call; the service sets it */
  /* (owned) (nullable) char* of a template value to ScSecret; the service sets it, names checked */
  GHashTable *secrets;
  ScProgram *program; /* (owned) (nullable) what it runs for the caller */
  gboolean is_apart;  /* it may take as long as somebody works in it, and is counted apart */
  ScTerms terms;      /* the service sets them */
};

void sc_op_free (ScOp *self);

/**
 * sc_op_run:
 *
 * Runs the recipe; blocks. An error is any domain's; the job normalizes it. Called once.
 */
gboolean sc_op_run (ScOp *self, ScOpContext *context, GCancellable *cancellable, GError **error);

/** sc_claims_conflict: whether two jobs with these claims must not run at the same time */
gboolean sc_claims_conflict (GPtrArray *a, GPtrArray *b);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScOp, sc_op_free)

/* --- one constructor for each operation; they only copy and never fail, the caller checked --- */

/**
 * sc_op_new_pull:
 * @given: as the caller wrote it
 * @candidates: of ScReference, from sc_reference_list_candidates(); the first that there is counts
 * @platform: (nullable): NULL for this machine's
 * @if_newer: a registry that cannot be asked is no error when the image is stored
 */
ScOp *sc_op_new_pull (const ScReference *given,
                      GPtrArray *candidates,
                      const ScPlatform *platform,
                      gboolean if_newer);

/** sc_op_new_engine_pull: from the local engine; @reference: as the engine knows it */
ScOp *sc_op_new_engine_pull (const ScReference *reference, const ScPlatform *platform);

typedef enum
{
  SC_IMPORT_OCI_ARCHIVE,
  SC_IMPORT_DOCKER_ARCHIVE,
  SC_N_IMPORT_FORMATS,
} ScImportFormat;

/** sc_import_format_names: as they are written on the bus */
extern const char *const sc_import_format_names[SC_N_IMPORT_FORMATS];

/** ScImportRequest: what is copied of it is lent */
typedef struct
{
  int source_fd; /* (transfer full) a regular file or pipe, checked with sc_op_import_check_fd() */
  ScImportFormat format;
  const char *fullname;       /* (nullable) name to store the image under */
  const char *tag;            /* (nullable) which entry of index.json, or name in manifest.json */
  const char *source;         /* (nullable) what is recorded as the image's source */
  const ScPlatform *platform; /* (nullable) NULL for this machine's */
} ScImportRequest;

ScOp *sc_op_new_import (const ScImportRequest *request);

/**
 * sc_op_new_export:
 * @image: a name or the beginning of a digest
 * @target_fd: (transfer full): checked with sc_op_export_check_fd()
 */
ScOp *sc_op_new_export (const char *image, int target_fd);

/** sc_op_export_check_fd: INVALID_ARGUMENT unless it is a regular file or a pipe that is open for
 * writing */
gboolean sc_op_export_check_fd (int fd, GError **error);

/** sc_op_import_check_fd: INVALID_ARGUMENT unless it is a regular file or a pipe that is open for
 * reading */
gboolean sc_op_import_check_fd (int fd, GError **error);

/** ScInstallRequest: everything is lent */
typedef struct
{
  const ScReference
      *reference;     /* as given; an image of the store by its full name, otherwise pulled
                                 * when it has a registry */
  const char *name;   /* of the container, checked */
  GHashTable *values; /* (nullable) checked with sc_set_values_check() */
  const char *const *allow_host_paths; /* (nullable) clean */
  const char *digest;                  /* (nullable) the image must have it */
  const ScPlatform *platform;          /* (nullable) */
  const ScHealth *health; /* (nullable) what is checked instead of what the image says */
  gboolean enable;
  gboolean start;
  gboolean is_volatile; /* what is written to the root is not kept for the next start */

  /* run to its end and leave nothing, as an image may also say by a label */
  gboolean once;
  ScProcess process; /* what runs in place of what the image says */
  const int *stdio;  /* (nullable) three fds, which are duplicated */
} ScInstallRequest;

ScOp *sc_op_new_install (const ScInstallRequest *request);

/** sc_op_new_exec: @name: of a container, checked; @process: checked; @stdio: three fds, which are
 * duplicated */
ScOp *sc_op_new_exec (const char *name, const ScProcess *process, const int *stdio);

/** sc_op_new_mount: @what: name of a container, or of an image or digits of its digest; @where: clean
 * absolute path */
ScOp *sc_op_new_mount (const char *what, const char *where);
ScOp *sc_op_new_unmount (const char *where);

/**
 * sc_op_new_plan:
 * @planned: (transfer full): an operation on one container, or an installation
 *
 * Changes nothing, but that an image may be in the store that has no name: the result says what
 * @planned would do.
 */
ScOp *sc_op_new_plan (ScOp *planned);

/**
 * sc_op_new_login:
 * @prefix: passed sc_auth_prefix_check()
 * @secret: (transfer full): the login, as of sc_login_read()
 */
ScOp *sc_op_new_login (const char *prefix, ScSecret *secret);

/** sc_op_new_lint: @image: as given, or the digest of one that was stored without a name; @values:
 * (nullable) checked */
ScOp *sc_op_new_lint (const char *image, GHashTable *values);

/** sc_op_new_diff: what differs between the deployments @from and @to */
ScOp *sc_op_new_diff (const char *name, guint64 from, guint64 to);

ScOp *sc_op_new_uninstall (const char *const *names, gboolean keep_image);

typedef enum
{
  SC_UNIT_START,
  SC_UNIT_STOP,
  SC_UNIT_RESTART,
} ScUnitVerb;

ScOp *sc_op_new_unit (ScUnitVerb verb, const char *const *names);
ScOp *sc_op_new_remove_image (const char *image);
ScOp *sc_op_new_prune (gboolean dry_run);

/** sc_op_new_verify_images: @images: as given; none: all of them */
ScOp *sc_op_new_verify_images (const char *const *images, gboolean repair);

/** sc_op_new_check_images: @images: as given; none: all that came from a registry */
ScOp *sc_op_new_check_images (const char *const *images);

/** sc_op_new_tag_image: @fullname: the name to give, checked */
ScOp *sc_op_new_tag_image (const char *image, const char *fullname);

typedef enum
{
  SC_UPDATE_ALL,          /* find, make, switch */
  SC_UPDATE_CHECK,        /* only find out whether there is something new */
  SC_UPDATE_STAGE,        /* find and make, to be switched to later */
  SC_UPDATE_APPLY_STAGED, /* switch to what was staged */
} ScUpdateMode;

/** ScUpdateRequest: where @to_digest, @reference and @same_image are not given, an update follows the
 * container's source */
typedef struct
{
  ScUpdateMode mode;
  char *to_digest;        /* (nullable) this image, whatever the source has */
  ScReference *reference; /* (nullable) what updates follow from now on */
  gboolean same_image;    /* the one in use: only values change */
  GHashTable *set;        /* (nullable) values, checked: char* to char* */
  char **unset;           /* (nullable) names of values that go back to the image's defaults */
  ScHealth *health;      /* (nullable) what is checked instead of what was before, as far as said */
  gboolean unset_health; /* as the image says, but for @health */
  gint64 observe_usec;   /* how long a new deployment is watched; -1: as configured */
  gboolean force;        /* also what is held, in quarantine or in use already */
  gboolean no_pull;      /* what the store has */
} ScUpdateRequest;

/** sc_op_new_update: @names: none for all that are due by their policy */
ScOp *sc_op_new_update (const char *const *names, const ScUpdateRequest *request);

typedef struct
{
  gint64 deployment;   /* -1 for the one that was current before */
  gboolean quarantine; /* the digest that is left is not tried again by itself */
  const char *reason;  /* (nullable) for the quarantine and the history */
  gint64 observe_usec;
} ScRollbackRequest;

ScOp *sc_op_new_rollback (const char *const *names, const ScRollbackRequest *request);

/** sc_op_new_adopt: of a container that atomic has installed */
ScOp *sc_op_new_adopt (const char *name);

/** sc_op_new_resume: for a container with an intent that was committed when the service ended */
ScOp *sc_op_new_resume (const char *name);

/** sc_op_new_set_policy: @policy: checked */
ScOp *sc_op_new_set_policy (const char *name, const ScUpdatePolicy *policy);

/** sc_op_new_hold: @until_usec: since the epoch; 0 takes a hold away; @reason: (nullable) */
ScOp *sc_op_new_hold (const char *name, gint64 until_usec, const char *reason);

ScOp *sc_op_new_pin (const char *name, guint64 deployment, gboolean pinned);

/** sc_op_new_unquarantine: @digest: (nullable): NULL for all */
ScOp *sc_op_new_unquarantine (const char *name, const char *digest);
