/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * syscontd: reads the configuration, sees to it that it is the only one, cleans up what an earlier
 * run left half done, and serves the bus until nobody needs it.
 */
#include "base/sc-config.h"
#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "ops/sc-health-check.h"
#include "ops/sc-recover.h"
#include "ops/sc-spool.h"
#include "service/sc-service.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/stat.h>

typedef struct
{
  char *root;         /* (owned) (nullable) */
  char *check_health; /* (owned) (nullable) name of a container */
  gboolean recover;
  gboolean version;
} Arguments;

static void
arguments_clear (Arguments *arguments)
{
  g_free (arguments->root);
  g_free (arguments->check_health);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Arguments, arguments_clear)

static gboolean
parse_arguments (int argc, char **argv, Arguments *arguments, GError **error)
{
  const GOptionEntry entries[] = {
    { "recover", 0, 0, G_OPTION_ARG_NONE, &arguments->recover,
      "Clean up after interrupted operations, without the bus, and exit", NULL },
    { "check-health", 0, 0, G_OPTION_ARG_STRING, &arguments->check_health,
      "Check the health of a container once, and exit", "NAME" },
    { "root", 0, 0, G_OPTION_ARG_FILENAME, &arguments->root, "Put all paths below a directory",
      "DIR" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &arguments->version, "Print the version and exit", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "The system container service; it is started by the bus.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (argc > 1)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "unexpected argument \"%s\"",
                         argv[1]);
  return TRUE;
}

/* Held until the process ends; a lock of the open file, so that no other close of the file in this
 * process drops it. */
static int
lock_state (const ScPaths *paths, GError **error)
{
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);
  if (state_fd < 0)
    return -1;

  sc_autofd fd = sc_fd_open_beneath (state_fd, "lock", O_RDWR | O_CREAT, 0600);
  if (fd < 0)
    {
      sc_error_set_errno (error, errno, "opening \"%s/lock\"", paths->state);
      return -1;
    }

  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  if (fcntl (fd, F_OFD_SETLK, &lock) == 0)
    return sc_fd_steal (&fd);
  if (errno == EAGAIN || errno == EACCES)
    sc_error_set (error, SYSCONT_ERROR_BUSY, "another syscontd works on \"%s\"", paths->state);
  else
    sc_error_set_errno (error, errno, "locking \"%s/lock\"", paths->state);
  return -1;
}

/* The client of systemd iterates the thread's main context, and it must not find anything of ours
 * in it. */
static gboolean
recover (const ScPaths *paths, const ScConfig *config, GDBusConnection *bus, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  G_GNUC_UNUSED g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);

  return sc_recover (paths, config, bus, error);
}

/* Beside a service that runs: it takes no lock, and changes no more than what it has found out. */
static int
check_health (const ScPaths *paths, const ScConfig *config, const char *name, GError **error)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  G_GNUC_UNUSED g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);

  return bus != NULL && sc_health_check_container (paths, config, bus, name, error) ? EXIT_SUCCESS
                                                                                    : EXIT_FAILURE;
}

static int
serve (const ScPaths *paths, const ScConfig *config, GError **error)
{
  g_autoptr (GError) recover_error = NULL;
  g_autoptr (GError) spool_error = NULL;
  g_autoptr (GDBusConnection) bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  if (bus == NULL)
    return EXIT_FAILURE;

  if (!recover (paths, config, bus, &recover_error))
    sc_log (G_LOG_LEVEL_WARNING, NULL, "not everything could be cleaned up: %s",
            recover_error->message);
  if (!sc_spool_clean (paths, config, g_get_real_time () / G_USEC_PER_SEC, &spool_error))
    sc_log (G_LOG_LEVEL_WARNING, NULL, "the spool could not be cleaned up: %s",
            spool_error->message);

  g_autoptr (ScService) service = sc_service_new (paths, config, bus, error);
  if (service == NULL)
    return EXIT_FAILURE;
  return sc_service_run (service);
}

static int
run (const Arguments *arguments, GError **error)
{
  g_autoptr (ScPaths) paths = sc_paths_new (arguments->root);
  g_autoptr (ScConfig) config = sc_config_load (paths, error);
  if (config == NULL)
    return EXIT_FAILURE;
  sc_paths_set_storage (paths, config->checkout, config->repository);

  if (arguments->check_health != NULL)
    return check_health (paths, config, arguments->check_health, error);
  sc_autofd lock_fd = lock_state (paths, error);
  if (lock_fd < 0)
    return EXIT_FAILURE;
  if (arguments->recover)
    return recover (paths, config, NULL, error) ? EXIT_SUCCESS : EXIT_FAILURE;
  return serve (paths, config, error);
}

int
main (int argc, char **argv)
{
  g_auto (Arguments) arguments = { 0 };
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  umask (077);
  mallopt (M_ARENA_MAX, 2); /* jobs allocate much and seldom: what they free should go back */
  if (!parse_arguments (argc, argv, &arguments, &error))
    {
      g_printerr ("syscontd: %s\n", error->message);
      return 2;
    }
  if (arguments.version)
    {
      g_print ("syscontd %s\n", SYSCONT_VERSION);
      return EXIT_SUCCESS;
    }

  sc_log_init ("syscontd");
  int status = run (&arguments, &error);
  if (error != NULL)
    sc_log (G_LOG_LEVEL_CRITICAL, NULL, "%s", error->message);
  return status;
}
