/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-job-store.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MAX_RECORD_BYTES (8 * 1024 * 1024)
#define MAX_NEXT_BYTES   32

struct _ScJobStore
{
  int state_fd;
  int jobs_fd;
  guint64 next;         /* main thread */
  guint64 written_next; /* as it is on disk; only the writer's thread touches it after the start */
  GThreadPool *writer;  /* (owned) one thread, so that what is asked for later is written later */
};

typedef struct
{
  guint64 id;
  char *text; /* (owned) (nullable) NULL to delete */
  guint64 next;
} Write;

static void
write_free (gpointer data)
{
  Write *write = data;

  g_free (write->text);
  g_free (write);
}

static char *
record_name (guint64 id)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT ".json", id);
}

static gboolean
save_record (ScJobStore *self, guint64 id, const char *text, GError **error)
{
  g_autofree char *name = record_name (id);

  if (!sc_fd_write_atomic (self->jobs_fd, name, text, strlen (text), 0600, error))
    return sc_prefix_error (error, "writing the record of job %" G_GUINT64_FORMAT ": ", id);
  return TRUE;
}

/* Numbers follow from the records that are there; when the highest goes, its number must be known
 * from elsewhere. */
static gboolean
delete_record (ScJobStore *self, guint64 id, guint64 next, GError **error)
{
  g_autofree char *name = record_name (id);

  if (self->written_next < next)
    {
      g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT "\n", next);

      if (!sc_fd_write_atomic (self->state_fd, "next", text, strlen (text), 0600, error))
        return sc_prefix_error (error, "writing the number of the next job: ");
      self->written_next = next;
    }
  return sc_fd_unlink (self->jobs_fd, name, error);
}

static void
write_in_thread (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  ScJobStore *self = user_data;
  const Write *write = g_task_get_task_data (task);
  GError *error = NULL;
  gboolean written = write->text != NULL ? save_record (self, write->id, write->text, &error)
                                         : delete_record (self, write->id, write->next, &error);

  if (written)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .job = write->id }, "%s", error->message);
  g_task_return_error (task, error);
}

static void
push (ScJobStore *self, Write *write, GAsyncReadyCallback callback, gpointer user_data)
{
  GTask *task = g_task_new (NULL, NULL, callback, user_data);

  g_task_set_task_data (task, write, write_free);
  g_thread_pool_push (self->writer, task, NULL);
}

static guint64
read_next (int state_fd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = sc_fd_read_file (state_fd, "next", MAX_NEXT_BYTES, &error);
  guint64 next = 0;

  if (bytes == NULL)
    {
      if (!g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
        sc_log (G_LOG_LEVEL_WARNING, NULL, "reading the number of the next job: %s",
                error->message);
      return 1;
    }

  g_autofree char *text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_strchomp (text);
  if (g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT64, &next, &error))
    return next;
  sc_log (G_LOG_LEVEL_WARNING, NULL, "reading the number of the next job: %s", error->message);
  return 1;
}

static gboolean
parse_record_name (const char *name, guint64 *id)
{
  g_autofree char *digits = NULL;

  if (!g_str_has_suffix (name, ".json"))
    return FALSE;
  digits = g_strndup (name, strlen (name) - strlen (".json"));
  return g_ascii_string_to_unsigned (digits, 10, 1, G_MAXINT64, id, NULL);
}

static ScJobRecord *
read_record (ScJobStore *self, guint64 id)
{
  g_autofree char *name = record_name (id);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScJobRecord) record = NULL;
  g_autoptr (GBytes) bytes = sc_fd_read_file (self->jobs_fd, name, MAX_RECORD_BYTES, &error);

  if (bytes != NULL)
    record = sc_job_record_from_json (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                                      &error);
  if (record != NULL && record->id == id)
    return g_steal_pointer (&record);
  sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .job = id }, "reading the record of a job: %s",
          error != NULL ? error->message : "it has another number");
  return NULL;
}

static void
interrupt_record (ScJobStore *self, ScJobRecord *record, gint64 now_usec)
{
  g_autoptr (GError) reason
      = g_error_new_literal (SYSCONT_ERROR, SYSCONT_ERROR_INTERRUPTED,
                             "the service ended before the job did, it can be started again");
  g_autoptr (GError) error = NULL;

  record->state = SC_JOB_FAILED;
  record->end_usec = now_usec;
  sc_job_record_set_error (record, reason);
  g_autofree char *text = sc_job_record_to_json (record);
  if (!save_record (self, record->id, text, &error))
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .job = record->id }, "%s", error->message);
}

static gboolean
is_over (const ScJobRecord *record, gint64 now_usec)
{
  return sc_job_state_has_ended (record->state)
         && now_usec - record->end_usec > SC_JOB_RETENTION_S * G_USEC_PER_SEC;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *)a;
  guint64 y = *(const guint64 *)b;

  return (x > y) - (x < y);
}

static GArray *
list_records (ScJobStore *self, GError **error)
{
  g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  int fd = dup (self->jobs_fd);
  DIR *directory = fd >= 0 ? fdopendir (fd) : NULL;

  if (directory == NULL)
    {
      sc_error_set_errno (error, errno, "reading the records of jobs");
      sc_fd_cleanup (&fd);
      return NULL;
    }
  for (const struct dirent *entry = readdir (directory); entry != NULL; entry = readdir (directory))
    {
      guint64 id;

      if (parse_record_name (entry->d_name, &id))
        g_array_append_val (ids, id);
    }
  closedir (directory);
  g_array_sort (ids, compare_ids);
  return g_steal_pointer (&ids);
}

static GPtrArray *
load_records (ScJobStore *self, gint64 now_usec, GError **error)
{
  g_autoptr (GPtrArray) records
      = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_job_record_free);
  g_autoptr (GArray) ids = list_records (self, error);
  if (ids == NULL)
    return NULL;

  for (guint i = 0; i < ids->len; i++)
    self->next = MAX (self->next, g_array_index (ids, guint64, i) + 1);
  for (guint i = 0; i < ids->len; i++)
    {
      g_autoptr (ScJobRecord) record = read_record (self, g_array_index (ids, guint64, i));

      if (record == NULL)
        continue;
      if (is_over (record, now_usec))
        {
          sc_job_store_delete (self, record->id);
          continue;
        }
      if (!sc_job_state_has_ended (record->state))
        interrupt_record (self, record, now_usec);
      g_ptr_array_add (records, g_steal_pointer (&record));
    }
  return g_steal_pointer (&records);
}

ScJobStore *
sc_job_store_open (const ScPaths *paths, gint64 now_usec, GPtrArray **records, GError **error)
{
  g_autoptr (ScJobStore) self = g_new0 (ScJobStore, 1);
  g_autofree char *jobs = g_build_filename (paths->state, "jobs", NULL);

  self->state_fd = sc_fd_ensure_dir (paths->state, 0700, error);
  self->jobs_fd = self->state_fd >= 0 ? sc_fd_ensure_dir (jobs, 0700, error) : -1;
  self->writer = g_thread_pool_new (write_in_thread, self, 1, FALSE, NULL);
  if (self->jobs_fd < 0)
    return NULL;

  self->next = read_next (self->state_fd);
  self->written_next = self->next;
  *records = load_records (self, now_usec, error);
  if (*records == NULL)
    return NULL;
  return g_steal_pointer (&self);
}

void
sc_job_store_close (ScJobStore *self)
{
  g_thread_pool_free (self->writer, FALSE, TRUE);
  sc_fd_cleanup (&self->state_fd);
  sc_fd_cleanup (&self->jobs_fd);
  g_free (self);
}

guint64
sc_job_store_next_id (ScJobStore *self)
{
  return self->next++;
}

void
sc_job_store_save (ScJobStore *self,
                   const ScJobRecord *record,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
  Write *write = g_new0 (Write, 1);

  write->id = record->id;
  write->text = sc_job_record_to_json (record);
  push (self, write, callback, user_data);
}

void
sc_job_store_delete (ScJobStore *self, guint64 id)
{
  Write *write = g_new0 (Write, 1);

  write->id = id;
  write->next = self->next;
  push (self, write, NULL, NULL);
}
