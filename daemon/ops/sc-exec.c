/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program in a container: beside its service when that runs, otherwise in a container of its own
 * with the same root and config, that is gone afterwards. It claims nothing, so that an open shell
 * is in nobody's way: an update or removal of the container ends it, with the service or instead.
 */
#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "deploy/sc-deployment-files.h"
#include "deploy/sc-process.h"
#include "deploy/sc-runtime-config.h"
#include "deploy/sc-unit-text.h"
#include "host/sc-unit-status.h"
#include "ops/sc-host-check.h"
#include "ops/sc-op-private.h"
#include "ops/sc-program-run.h"

#include <fcntl.h>
#include <string.h>

#define USER_FILE_MAX_BYTES (1024 * 1024) /* of /etc/passwd and /etc/group of a container */
#define STOP_TIMEOUT_S      10
#define CONTAINER_WAIT_USEC (5 * G_USEC_PER_SEC) /* since its service was started */
#define CONTAINER_POLL_MS   100

typedef struct
{
  ScOp base;
  char *name; /* (owned) */
} ExecOp;

typedef struct
{
  const ExecOp *op;
  ScOpContext *context;
  ScSystemd *systemd;    /* (owned) */
  guint64 deployment;    /* the current one */
  char *service;         /* (owned) of the container */
  char *unit;            /* (owned) of the transient service, without ".service" */
  char *directory;       /* (owned) of the checkout path, for this run alone */
  char *bundle;          /* (owned) its absolute path */
  char *deployment_path; /* (owned) absolute */
  JsonObject *config;    /* (owned) config.json of the deployment, with the other process */
} Exec;

static void
exec_clear (Exec *self)
{
  g_clear_pointer (&self->systemd, sc_systemd_free);
  g_clear_pointer (&self->config, json_object_unref);
  g_free (self->service);
  g_free (self->unit);
  g_free (self->directory);
  g_free (self->bundle);
  g_free (self->deployment_path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Exec, exec_clear)

static gboolean
prepare (Exec *self, GError **error)
{
  const ScPaths *paths = self->context->paths;
  const char *name = self->op->name;
  g_autoptr (ScContainer) container = sc_container_load (paths, name, error);

  if (container == NULL || !sc_host_check (self->context->config, error))
    return FALSE;
  if (!sc_deployment_current (paths, name, &self->deployment))
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "it has no current deployment");
  self->service = g_strconcat (name, ".service", NULL);
  self->unit = sc_program_dup_unit (self->op->base.program, self->context->job_id);
  self->directory = g_strdup_printf (".%s.partial", self->unit);
  self->bundle = g_build_filename (paths->checkout, self->directory, NULL);
  self->deployment_path
      = g_strdup_printf ("%s/%s.%" G_GUINT64_FORMAT, paths->checkout, name, self->deployment);
  self->systemd = sc_systemd_new (self->context->bus, error);
  return self->systemd != NULL;
}

/* A file of the container's root that need not be there. */
static GBytes *
read_user_file (const Exec *self, const char *file)
{
  g_autofree char *root = g_build_filename (self->deployment_path, "rootfs", NULL);
  sc_autofd root_fd = sc_fd_open_dir (root, NULL);
  sc_autofd fd = root_fd >= 0 ? sc_fd_open_in_root (root_fd, file, O_RDONLY) : -1;
  struct stat st;

  if (fd < 0 || fstat (fd, &st) != 0 || !S_ISREG (st.st_mode))
    return NULL;
  return sc_fd_read_all (fd, USER_FILE_MAX_BYTES, NULL);
}

static gboolean
load_config (Exec *self, GError **error)
{
  g_autoptr (GBytes) bytes = sc_deployment_read_file_of (self->context->paths, self->op->name,
                                                         self->deployment, "config.json", error);
  gsize size_bytes = 0;

  if (bytes == NULL)
    return FALSE;
  const char *text = g_bytes_get_data (bytes, &size_bytes);
  self->config = sc_runtime_config_parse ("config.json", text, size_bytes, error);
  if (self->config == NULL)
    return FALSE;

  JsonObject *process = NULL;
  g_autoptr (GBytes) passwd = read_user_file (self, "etc/passwd");
  g_autoptr (GBytes) group = read_user_file (self, "etc/group");
  if (!sc_json_get_object (self->config, "process", &process, error))
    return FALSE;
  if (process == NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "its config.json has no process");
  return sc_process_apply (sc_program_get_process (self->op->base.program), process, passwd, group,
                           error);
}

static gboolean
write_json (const Exec *self, const char *file, JsonObject *object, GError **error)
{
  sc_autofd dir_fd = sc_bundle_make_empty (self->context->paths, self->directory, error);
  if (dir_fd < 0)
    return FALSE;

  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, object);
  g_autofree char *text = sc_json_to_text (node, FALSE);
  return sc_fd_write_atomic (dir_fd, file, text, strlen (text), 0600, error);
}

static ScProgramRun
make_run (const Exec *self)
{
  return (ScProgramRun){ .systemd = self->systemd,
                         .runtime = self->context->config->runtime,
                         .unit = self->unit,
                         .directory = self->bundle,
                         .description = "Program in a system container",
                         .stdio = sc_program_get_stdio (self->op->base.program),
                         .container_unit = self->service,
                         .stop_timeout_s = STOP_TIMEOUT_S };
}

static gboolean
run_beside (const Exec *self, int *exit_status, GCancellable *cancellable, GError **error)
{
  const ScProgramRun run = make_run (self);
  JsonObject *process = json_object_get_object_member (self->config, "process");

  return write_json (self, SC_PROGRAM_PROCESS_FILE, process, error)
         && sc_program_enter (&run, self->op->name, exit_status, cancellable, error);
}

/* What the service has written to its root is seen; what is written now is not kept, for the service
 * may be started meanwhile and then writes there itself. */
static char *
make_lower (const Exec *self)
{
  g_autofree char *upper = g_build_filename (self->deployment_path, "writable/upper", NULL);
  g_autofree char *deployment = g_path_get_basename (self->deployment_path);

  if (!g_file_test (upper, G_FILE_TEST_IS_DIR))
    return g_strdup_printf ("../%s/rootfs", deployment);
  return g_strdup_printf ("../%s/writable/upper:../%s/rootfs", deployment, deployment);
}

/* TRUE in @is_writable when the root is an overlay that has to be mounted; what else there is, is
 * the repository's. */
static gboolean
place_config (const Exec *self, gboolean *is_writable, GError **error)
{
  g_autofree char *cgroups_path = sc_unit_text_cgroups_path ("system.slice", self->unit);
  g_autofree char *rootfs = g_build_filename (self->deployment_path, "rootfs", NULL);
  JsonObject *root = NULL;
  JsonObject *linux_part = NULL;
  gboolean is_readonly = TRUE;

  if (!sc_json_get_object (self->config, "root", &root, error)
      || !sc_json_get_object (self->config, "linux", &linux_part, error))
    return FALSE;
  if (root == NULL || linux_part == NULL)
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "its config.json is not complete");
  if (!sc_json_get_bool (root, "readonly", TRUE, &is_readonly, error))
    return FALSE;

  *is_writable = !is_readonly;
  json_object_set_boolean_member (root, "readonly", is_readonly);
  json_object_set_string_member (root, "path", is_readonly ? rootfs : SC_WRITABLE_ROOT);
  json_object_set_string_member (linux_part, "cgroupsPath", cgroups_path);
  return TRUE;
}

static gboolean
run_instead (const Exec *self, int *exit_status, GCancellable *cancellable, GError **error)
{
  const ScProgramRun run = make_run (self);
  gboolean is_writable = FALSE;

  if (!place_config (self, &is_writable, error)
      || !write_json (self, "config.json", self->config, error))
    return FALSE;
  g_autofree char *lower = is_writable ? make_lower (self) : NULL;
  return sc_program_run_bundle (&run, lower, exit_status, cancellable, error);
}

/* A service that does not say itself when it is ready counts as active before the runtime has made
 * the container. */
static void
wait_for_container (const Exec *self, const ScUnitStatus *status, GCancellable *cancellable)
{
  gint64 deadline_usec = (gint64)status->active_enter_usec + CONTAINER_WAIT_USEC;

  while (g_get_real_time () < deadline_usec && !g_cancellable_is_cancelled (cancellable)
         && !sc_program_has_container (self->systemd, self->context->config->runtime,
                                       self->op->name, cancellable))
    sc_systemd_wait (self->systemd, CONTAINER_POLL_MS, cancellable);
}

/* Also while it starts or stops: what the runtime says is better than a second container. */
static gboolean
find_running (const Exec *self, gboolean *is_running, GCancellable *cancellable, GError **error)
{
  g_auto (ScUnitStatus) status = { 0 };

  if (!sc_systemd_get_status (self->systemd, self->service, &status, cancellable, error))
    return FALSE;
  *is_running = status.main_pid != 0 || sc_unit_status_is_active (&status);
  if (*is_running)
    wait_for_container (self, &status, cancellable);
  return TRUE;
}

static void
report (const Exec *self, int exit_status)
{
  const char *program = sc_program_get_process (self->op->base.program)->args[0];
  g_autofree char *shown = sc_text_escape (program);

  g_variant_dict_insert (self->context->result, "exit-status", "i", exit_status);
  sc_op_set_changed (self->context, TRUE);
  sc_log (G_LOG_LEVEL_MESSAGE,
          &(ScLogFields){ .job = self->context->job_id,
                          .operation = "exec",
                          .container = self->op->name,
                          .has_caller_uid = TRUE,
                          .caller_uid = self->context->caller_uid },
          "ran \"%s\" in \"%s\" for the user %u, it exited with %d", shown, self->op->name,
          self->context->caller_uid, exit_status);
}

static gboolean
run (Exec *self, GCancellable *cancellable, GError **error)
{
  gboolean is_running = FALSE;
  int exit_status = 0;

  if (!sc_program_look_at_terminal (self->op->base.program, error) || !prepare (self, error)
      || !load_config (self, error) || !find_running (self, &is_running, cancellable, error))
    return FALSE;

  sc_progress_set_phase (self->context->progress, "start");
  gboolean ran = is_running ? run_beside (self, &exit_status, cancellable, error)
                            : run_instead (self, &exit_status, cancellable, error);
  if (!sc_bundle_remove (self->context->paths, self->directory, ran ? error : NULL) || !ran)
    return FALSE;
  report (self, exit_status);
  return TRUE;
}

static gboolean
exec_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  const ExecOp *op = (const ExecOp *)base;
  g_auto (Exec) self = { .op = op, .context = context };

  return run (&self, cancellable, error)
         || sc_prefix_error (error, "running a program in \"%s\": ", op->name);
}

static void
exec_free (ScOp *base)
{
  ExecOp *op = (ExecOp *)base;

  g_free (op->name);
  g_free (op);
}

static const ScOpClass exec_class
    = { .type = "exec", .run = exec_run, .free = exec_free, .leaves_state = TRUE };

ScOp *
sc_op_new_exec (const char *name, const ScProcess *process, const int *stdio)
{
  const char *const targets[] = { name, NULL };
  const ScProgramRequest program
      = { .process = *process, .stdio = stdio, .unit_stem = "syscont-exec" };
  ExecOp *op = g_new0 (ExecOp, 1);

  sc_op_init (&op->base, &exec_class, targets);
  op->base.program = sc_program_new (&program);
  op->base.is_apart = TRUE;
  op->name = g_strdup (name);
  return &op->base;
}
