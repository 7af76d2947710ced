/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-privileges.h"

#include <string.h>

#define PROCESS                                                                                    \
  "\"process\": {\"noNewPrivileges\": true, \"user\": {\"uid\": 33}, \"args\": [\"/bin/a\"]}"
#define NAMESPACES                                                                                 \
  "\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"network\"}, {\"type\": \"ipc\"},"            \
  "{\"type\": \"uts\"}, {\"type\": \"mount\"}, {\"type\": \"cgroup\"}, {\"type\": \"user\"}]"
#define GUARDS                                                                                     \
  "\"seccomp\": {\"defaultAction\": \"SCMP_ACT_ERRNO\"}, \"maskedPaths\": [\"/proc/kcore\"],"      \
  "\"readonlyPaths\": [\"/proc/sys\"]"
#define CONFIG(more) "{" PROCESS ", \"linux\": {" NAMESPACES "," GUARDS "}" more "}"
#define LINUX(more)  "{" PROCESS ", \"linux\": {" NAMESPACES "," GUARDS more "}}"
#define BIND(path, option)                                                                         \
  CONFIG (", \"mounts\": [{\"destination\": \"/m\", \"type\": \"bind\", \"source\": \"" path       \
          "\", \"options\": [\"rbind\", \"" option "\"]}]")
#define UNIT(more)    "[Unit]\n" more "\n[Service]\nExecStart=/usr/bin/runc run 'web'\n"
#define SERVICE(more) "[Service]\nExecStart=/usr/bin/runc run 'web'\n" more "\n"

typedef struct
{
  const char *name;
  const char *config;
  const char *service;
  const char *tmpfiles;
  const char *expected; /* "word (risk)", joined by a space */
} Row;

static const Row rows[] = {
  { "nothing", CONFIG (""), UNIT (""), NULL, "user:33 (low)" },
  { "config-that-nobody-uses", "{}", "[Service]\nExecStart=/usr/bin/python3 /x\n", NULL,
    "program:/usr/bin/python3 (high)" },
  { "root", "{\"process\": {}}", UNIT (""), NULL,
    "no-new-privileges:off (medium) user:root (medium)" },
  { "capabilities",
    "{\"process\": {\"noNewPrivileges\": true, \"user\": {\"uid\": 1}, \"capabilities\":"
    "{\"bounding\": [\"CAP_KILL\", \"CAP_SYS_ADMIN\"], \"ambient\": [\"CAP_KILL\"]}}}",
    UNIT (""), NULL, "capability:CAP_SYS_ADMIN (high) capability:CAP_KILL (medium) user:1 (low)" },
  { "bind-of-its-own", BIND ("/var/lib/web/data", "rw"), UNIT (""), NULL,
    "bind:/var/lib/web/data:rw (low) user:33 (low)" },
  { "bind-of-another", BIND ("/var/lib/webserver", "rw"), UNIT (""), NULL,
    "bind:/var/lib/webserver:rw (medium) user:33 (low)" },
  { "bind-of-the-host", BIND ("/", "rw"), UNIT (""), NULL, "bind:/:rw (high) user:33 (low)" },
  { "bind-of-passwords", BIND ("/etc", "ro"), UNIT (""), NULL,
    "bind:/etc:ro (high) user:33 (low)" },
  { "bind-of-a-socket", BIND ("/var/run/docker.sock", "ro"), UNIT (""), NULL,
    "bind:/run/docker.sock:ro (high) user:33 (low)" },
  { "bind-of-what-all-may-read", BIND ("/etc/hosts", "ro"), UNIT (""), NULL,
    "bind:/etc/hosts:ro (low) user:33 (low)" },
  { "bind-of-critical", BIND ("/etc/cron.d", "rw"), UNIT (""), NULL,
    "bind:/etc/cron.d:rw (high) user:33 (low)" },
  { "mounts-that-come-back", BIND ("/mnt", "rshared"), UNIT (""), NULL,
    "mounts-to-host:/mnt (high) bind:/mnt:rw (medium) user:33 (low)" },
  { "no-namespaces", "{" PROCESS ", \"linux\": {" GUARDS "}}", UNIT (""), NULL,
    "host-namespace:mount (high) host-namespace:pid (high) host-namespace:ipc (medium) "
    "host-namespace:network (medium) host-namespace:cgroup (low) host-namespace:user (low) "
    "host-namespace:uts (low) user:33 (low)" },
  { "namespace-of-another",
    "{" PROCESS ", \"linux\": {\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"network\","
    "\"path\": \"/proc/1/ns/net\"}, {\"type\": \"ipc\"}, {\"type\": \"uts\"},"
    "{\"type\": \"mount\"}, {\"type\": \"cgroup\"}, {\"type\": \"user\"}]," GUARDS "}}",
    UNIT (""), NULL, "joins-namespace:network:/proc/1/ns/net (medium) user:33 (low)" },
  { "no-guards",
    "{" PROCESS ", \"linux\": {" NAMESPACES
    ", \"seccomp\": {\"defaultAction\": \"SCMP_ACT_ALLOW\"}}}",
    UNIT (""), NULL,
    "masked-paths:off (medium) readonly-paths:off (medium) seccomp:off (medium) user:33 (low)" },
  { "devices",
    LINUX (", \"devices\": [{\"path\": \"/dev/fuse\", \"type\": \"c\"}, {\"path\": \"/dev/sda\","
           "\"type\": \"b\"}], \"resources\": {\"devices\": [{\"allow\": false, \"access\":"
           "\"rwm\"}, {\"allow\": true, \"access\": \"rwm\"}, {\"allow\": true, \"type\": \"c\","
           "\"major\": 10, \"minor\": 229, \"access\": \"rw\"}]}"),
    UNIT (""), NULL,
    "device-access:a:*:*:rwm (high) device:/dev/sda (high) device-access:c:10:229:rw (medium) "
    "device:/dev/fuse (medium) user:33 (low)" },
  { "sysctl", LINUX (", \"sysctl\": {\"net.ipv4.ip_forward\": \"1\"}"), UNIT (""), NULL,
    "sysctl:net.ipv4.ip_forward (medium) user:33 (low)" },
  { "hook", CONFIG (", \"hooks\": {\"prestart\": [{\"path\": \"/usr/bin/x\"}]}"), UNIT (""), NULL,
    "hook:/usr/bin/x (high) user:33 (low)" },
  { "writable-root", CONFIG (", \"root\": {\"readonly\": false}"), UNIT (""), NULL,
    "root:writable (low) user:33 (low)" },
  { "units", CONFIG (""), UNIT ("After=a.service b.service\nConflicts=c.service"), NULL,
    "unit:conflicts:c.service (medium) unit:after:a.service (low) unit:after:b.service (low) "
    "user:33 (low)" },
  { "programs", CONFIG (""),
    SERVICE ("ExecStartPre=-+/bin/mkdir /x ; /bin/touch /y\nExecStop=/usr/bin/runc kill web\n"
             "ExecStopPost=\nExecReload=/usr/bin/runc exec -b /evil web x"),
    NULL,
    "program:/bin/mkdir (high) program:/bin/touch (high) program:/usr/bin/runc (high) "
    "user:33 (low)" },
  { "another-container", CONFIG (""), SERVICE ("ExecStop=/usr/bin/runc kill other"), NULL,
    "program:/usr/bin/runc (high) user:33 (low)" },
  { "reboot", CONFIG (""), SERVICE ("FailureAction=reboot\nSuccessAction=none"), NULL,
    "machine:reboot (high) user:33 (low)" },
  { "tmpfiles", CONFIG (""), UNIT (""), "# made\nd /run/web 0755 - - -\nZ /opt/x - - - -\n",
    "tmpfiles:/opt/x (medium) tmpfiles:/run/web (low) user:33 (low)" },
};

static char *
to_text (GPtrArray *list)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++)
    {
      const ScPrivilege *privilege = list->pdata[i];
      g_string_append_printf (text, "%s%s (%s)", i == 0 ? "" : " ", privilege->word,
                              sc_risk_name (privilege->risk));
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScPaths) paths = sc_paths_new ("");
  const ScPrivilegeSources sources = { .name = "web",
                                       .paths = paths,
                                       .config_json = row->config,
                                       .service = row->service,
                                       .tmpfiles = row->tmpfiles };

  g_autoptr (GPtrArray) list = sc_privileges_list (&sources, &error);
  g_assert_no_error (error);

  g_autofree char *text = to_text (list);
  g_assert_cmpstr (text, ==, row->expected);
}

static void
test_health_unit (void)
{
  g_autoptr (ScPaths) paths = sc_paths_new ("");
  ScHealth health = { .unit = (char *)"look.service" };
  const ScPrivilegeSources sources = { .name = "web", .paths = paths, .health = &health };

  g_autoptr (GPtrArray) list = sc_privileges_list (&sources, NULL);

  g_autofree char *text = to_text (list);
  g_assert_cmpstr (text, ==, "unit:health:look.service (medium)");
}

static void
test_host_files (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScPaths) paths = sc_paths_new ("");
  g_autoptr (ScHostRecord) record = sc_host_record_new ();
  g_ptr_array_add (record->entries, sc_host_entry_new ("/etc/web", SC_HOST_DIRECTORY));
  g_ptr_array_add (record->entries, sc_host_entry_new ("/usr/local/bin/web", SC_HOST_FILE));
  const ScPrivilegeSources sources = { .name = "web", .paths = paths, .host_files = record };

  g_autoptr (GPtrArray) list = sc_privileges_list (&sources, &error);

  g_assert_no_error (error);
  g_autofree char *text = to_text (list);
  g_assert_cmpstr (text, ==, "host-file:/usr/local/bin/web (medium) host-directory:/etc/web (low)");
}

typedef struct
{
  const char *name;
  const char *from; /* words, joined by a space; all of medium risk */
  const char *to;
  const char *gains;
} Gain;

static const Gain gains[] = {
  { "same", "user:root", "user:root", "" },
  { "fewer", "user:root seccomp:off", "user:root", "" },
  { "one-more", "user:root", "user:root seccomp:off", "seccomp:off" },
  { "writable", "bind:/srv:ro", "bind:/srv:rw", "bind:/srv:rw" },
  { "read-only", "bind:/srv:rw", "bind:/srv:ro", "" },
  { "deeper", "bind:/srv:rw", "bind:/srv/web:rw", "" },
  { "wider", "bind:/srv/web:rw", "bind:/srv:ro", "bind:/srv:ro" },
  { "beside", "bind:/srv:rw", "bind:/srv2:ro", "bind:/srv2:ro" },
};

static GPtrArray *
from_text (const char *text)
{
  GPtrArray *list = sc_privilege_list_new ();
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (guint i = 0; words[i] != NULL; i++)
    sc_privilege_list_add (list, SC_RISK_MEDIUM, "%s", words[i]);
  return list;
}

static void
test_gains (gconstpointer data)
{
  const Gain *row = data;
  g_autoptr (GPtrArray) from = from_text (row->from);
  g_autoptr (GPtrArray) to = from_text (row->to);

  g_autoptr (GPtrArray) found = sc_privilege_list_gains (from, to);

  g_autofree char *text = sc_privilege_list_join (found);
  g_assert_cmpstr (text, ==, row->gains);
}

static void
test_gains_low_risk_is_none (void)
{
  g_autoptr (GPtrArray) from = sc_privilege_list_new ();
  g_autoptr (GPtrArray) to = sc_privilege_list_new ();
  sc_privilege_list_add (to, SC_RISK_LOW, "unit:after:network.target");

  g_autoptr (GPtrArray) found = sc_privilege_list_gains (from, to);

  g_assert_cmpuint (found->len, ==, 0);
}

static void
test_without (void)
{
  const char *const one[] = { "user:root", NULL };
  const char *const all[] = { "*", NULL };
  g_autoptr (GPtrArray) list = from_text ("user:root seccomp:off");

  g_autoptr (GPtrArray) left = sc_privilege_list_without (list, one);
  g_autoptr (GPtrArray) none = sc_privilege_list_without (list, all);
  g_autoptr (GPtrArray) both = sc_privilege_list_without (list, NULL);

  g_autofree char *text = sc_privilege_list_join (left);
  g_assert_cmpstr (text, ==, "seccomp:off");
  g_assert_cmpuint (none->len, ==, 0);
  g_assert_cmpuint (both->len, ==, 2);
}

static void
test_words_are_safe (void)
{
  g_autoptr (GPtrArray) list = sc_privilege_list_new ();

  sc_privilege_list_add (list, SC_RISK_LOW, "hook:%s", "/x\033[2J");

  g_assert_null (strchr (((ScPrivilege *)list->pdata[0])->word, '\033'));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/privileges/list/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_row);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (gains); i++)
    {
      g_autofree char *path = g_strconcat ("/privileges/gains/", gains[i].name, NULL);
      g_test_add_data_func (path, &gains[i], test_gains);
    }
  g_test_add_func ("/privileges/list/health-unit", test_health_unit);
  g_test_add_func ("/privileges/list/host-files", test_host_files);
  g_test_add_func ("/privileges/gains/low-risk-is-none", test_gains_low_risk_is_none);
  g_test_add_func ("/privileges/without/accepted", test_without);
  g_test_add_func ("/privileges/add/words-are-safe", test_words_are_safe);
  return g_test_run ();
}
