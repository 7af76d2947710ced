/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-unit-text.h"

#include <signal.h>
#include <string.h>

#define DESTDIR "/var/lib/containers/syscont/etcd"
#define START   "[Service]\nExecStart=/usr/sbin/runc run 'etcd'\nWorkingDirectory=" DESTDIR "\n"

typedef struct
{
  const char *name;
  const char *text;
  const char *expected; /* part of the message */
  int code;             /* -1: succeeds */
} Row;

#define OK (-1)

/* TH11, TH20 */
static const Row rows[] = {
  { "plain", START, NULL, OK },
  { "empty", "", "[Service]", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "no-service", "[Unit]\nDescription=x\n", "[Service]", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "open-section", "[Service\n", "line 1", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "carriage-return", "[Service]\r\nExecStart=/x\r\n", "line 1: a carriage return",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "control", "[Service]\nExecStart=/x\033\n", "line 2", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "byte-order-mark", "\xef\xbb\xbf[Service]\n", "byte order mark",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "include", START ".include /etc/x\n", ".include", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "two-sections", START "[Service]\nNice=1\n", NULL, OK },
  { "line-without-equals", START "nonsense\n", NULL, OK },
  { "alias-foreign", START "[Install]\nAlias=dbus.service\n",
    "line 5: Alias= names \"dbus.service\"", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-second-foreign", START "[Install]\nAlias=etcd.service sshd.service\n",
    "\"sshd.service\"", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-own", START "[Install]\nAlias=etcd.service\n", NULL, OK },
  { "alias-own-prefix", START "[Install]\nAlias=etcd-x.service\n", "etcd-x",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-own-stem-longer", START "[Install]\nAlias=etcdx.service\n", "etcdx",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-without-suffix", START "[Install]\nAlias=etcdx\n", "etcdx",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-own-after-comment", START "[Install]\nAlias=\\\n; comment\netcd.service\n", NULL, OK },
  { "alias-specifier", START "[Install]\nAlias=%p.service\n", "%p",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-spaces", START " [Install] \n  Alias  =  dbus.service\n", "dbus",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-continued", START "[Install]\nAlias=\\\n# comment\ndbus.service\n", "dbus",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-after-backslash-space", START "[Install]\nX=\\ \nAlias=dbus.service\n", "line 6",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-after-two-backslashes", START "[Install]\nX=\\\\\nAlias=dbus.service\n", "line 6",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-inside-continuation", START "[Install]\nX=\\\nAlias=dbus.service\n", NULL, OK },
  { "alias-at-end-of-file", START "[Install]\nAlias=dbus.service \\", "dbus",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "alias-in-comment", START "[Install]\n#Alias=dbus.service\n; Alias=x.service\n", NULL, OK },
  { "also", START "[Install]\nAlso=x.socket\n", "Also=", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "bus-name", START "BusName=org.x\n", "BusName=", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "wanted-by", START "[Install]\nWantedBy=multi-user.target\nRequiredBy=docker.service\n", NULL,
    OK },
  { "watchdog", START "WatchdogSec=30\n", "line 4: WatchdogSec=", SYSCONT_ERROR_NOT_SUPPORTED },
  { "watchdog-off", START "WatchdogSec=30\nWatchdogSec=0\n", NULL, OK },
  { "watchdog-taken-back", START "WatchdogSec=30\nWatchdogSec=\n", NULL, OK },
  { "watchdog-other-program", "[Service]\nExecStart=/usr/bin/waagent\nWatchdogSec=30\n", NULL, OK },
  { "user", START "User=nobody\n", "line 4: User=", SYSCONT_ERROR_NOT_SUPPORTED },
  { "user-root", START "User=root\n", NULL, OK },
  { "user-elsewhere", "[Service]\nExecStart=/x\nUser=nobody\nWorkingDirectory=/srv\n", NULL, OK },
  { "user-below", "[Service]\nExecStart=/x\nUser=a\nWorkingDirectory=-" DESTDIR "/rootfs\n",
    "User=", SYSCONT_ERROR_NOT_SUPPORTED },
  { "dynamic-user", START "DynamicUser=yes\n", "DynamicUser=", SYSCONT_ERROR_NOT_SUPPORTED },
  { "slice-path", START "Slice=a/b.slice\n", "Slice=", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "slice-specifier", START "Slice=%i.slice\n", "Slice=", SYSCONT_ERROR_TEMPLATE_INVALID },
};

static const ScUnitRules rules
    = { .name = "etcd", .destdir = DESTDIR, .runtime = "/usr/sbin/runc" };

static void
test_check (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;
  g_auto (ScUnitFacts) facts = { 0 };

  gboolean result = sc_unit_text_check ("file", row->text, &rules, &facts, &error);

  if (row->code == OK)
    {
      g_assert_no_error (error);
      g_assert_true (result);
      return;
    }
  g_assert_false (result);
  g_assert_error (error, SYSCONT_ERROR, row->code);
  g_assert_true (g_str_has_prefix (error->message, "file: "));
  g_assert_nonnull (strstr (error->message, row->expected));
}

static void
assert_facts (const char *text, gboolean uses_runtime, gboolean is_notify, const char *slice)
{
  g_autoptr (GError) error = NULL;
  g_auto (ScUnitFacts) facts = { 0 };

  g_assert_true (sc_unit_text_check ("file", text, &rules, &facts, &error));

  g_assert_no_error (error);
  g_assert_cmpint (facts.uses_runtime, ==, uses_runtime);
  g_assert_cmpint (facts.is_notify, ==, is_notify);
  g_assert_cmpstr (facts.slice, ==, slice);
}

static void
test_check_tells_facts (void)
{
  assert_facts (START, TRUE, FALSE, "system.slice");
  assert_facts (START "Type=notify\n", TRUE, TRUE, "system.slice");
  assert_facts (START "NotifyAccess=all\nSlice=machine.slice\n", TRUE, TRUE, "machine.slice");
  assert_facts ("[Service]\nExecStart=/usr/bin/truncate -s 0 x\n", FALSE, FALSE, "system.slice");
  assert_facts ("[Unit]\nDescription=runc\n[Service]\nExecStart=/usr/bin/python x\n", FALSE, FALSE,
                "system.slice");
  assert_facts ("[Service]\nExecStart=/usr/bin/xrunc y\n", FALSE, FALSE, "system.slice");
  assert_facts ("[Service]\nExecStart=/bin/runc run x\n", TRUE, FALSE, "system.slice");
}

static void
test_cgroups_path (void)
{
  static const struct
  {
    const char *slice;
    const char *name;
    const char *expected;
  } paths[] = {
    { "system.slice", "etcd", "/system.slice/etcd.service/container" },
    { "a-b-c.slice", "etcd", "/a.slice/a-b.slice/a-b-c.slice/etcd.service/container" },
    { "-.slice", "etcd", "/etcd.service/container" },
    { "system.slice", "memory", "/system.slice/_memory.service/container" },
    { "system.slice", "cgroup", "/system.slice/_cgroup.service/container" },
    { "system.slice", "cpu.a", "/system.slice/_cpu.a.service/container" },
    { "system.slice", "cpus", "/system.slice/cpus.service/container" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *path = sc_unit_text_cgroups_path (paths[i].slice, paths[i].name);
      g_assert_cmpstr (path, ==, paths[i].expected);
    }
}

static void
test_drop_in (void)
{
  g_autoptr (ScPaths) paths = sc_paths_new (NULL);

  const ScUnitRules unit = { .name = "etcd", .destdir = "/x/etcd", .runtime = "/usr/sbin/runc" };
  g_autofree char *text = sc_unit_text_drop_in (paths, &unit, SC_WRITABLE_NOT, FALSE);

  g_assert_nonnull (strstr (text, "\n[Unit]\nConditionPathExists=!/run/syscont/switching/etcd\n"));
  g_assert_nonnull (
      strstr (text, "\n[Service]\nDelegate=yes\nExecStartPre=-/usr/sbin/runc delete -f etcd\n"));
}

static void
test_drop_in_checked (void)
{
  g_autoptr (ScPaths) paths = sc_paths_new (NULL);
  const ScUnitRules unit = { .name = "etcd", .destdir = "/x/etcd", .runtime = "/usr/sbin/runc" };
  g_autofree char *text = sc_unit_text_drop_in (paths, &unit, SC_WRITABLE_NOT, TRUE);

  g_assert_nonnull (strstr (text, "\nWants=syscont-health@etcd.timer\n\n[Service]\n"));
  g_assert_nonnull (strstr (text, "\nExecStartPre=-+/usr/bin/rm -f /run/syscont/health/etcd\n"));
}

static char *
default_text (const char *stop_signal, const char *type, char **note)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) labels = g_hash_table_new (g_str_hash, g_str_equal);
  ScImageConfig config = { .stop_signal = (char *)stop_signal, .labels = labels };
  if (type != NULL)
    g_hash_table_insert (labels, (char *)"org.syscont.service-type", (char *)type);
  g_autoptr (GBytes) text = sc_unit_text_default (&config, notes);
  *note = notes->len > 0 ? g_strdup (notes->pdata[0]) : NULL;
  return g_strndup (g_bytes_get_data (text, NULL), g_bytes_get_size (text));
}

static void
test_drop_in_writable (void)
{
  g_autoptr (ScPaths) paths = sc_paths_new (NULL);
  const ScUnitRules unit = { .name = "etcd", .destdir = "/x/etcd", .runtime = "/usr/sbin/runc" };
  g_autofree char *persistent = sc_unit_text_drop_in (paths, &unit, SC_WRITABLE_PERSISTENT, FALSE);
  g_autofree char *volatile_text = sc_unit_text_drop_in (paths, &unit, SC_WRITABLE_VOLATILE, FALSE);

  g_assert_nonnull (strstr (persistent, "/usr/bin/env -C /x/etcd /usr/bin/mount -t overlay "
                                        "-o lowerdir=rootfs,upperdir=writable/upper,"
                                        "workdir=writable/work overlay /x/etcd/writable/root\n"));
  g_assert_null (strstr (persistent, "/usr/bin/rm"));
  g_assert_nonnull (strstr (volatile_text, "/usr/bin/rm -rf /x/etcd/writable\n"));
}

static void
test_default_stop_signal (void)
{
  g_autofree char *note = NULL;
  g_autofree char *bad_note = NULL;

  g_autofree char *text = default_text ("SIGQUIT", NULL, &note);
  g_autofree char *bad = default_text ("9999", NULL, &bad_note);

  g_assert_nonnull (strstr (text, "\nKillSignal=3\nSuccessExitStatus=131\n"));
  g_assert_null (note);
  g_assert_nonnull (strstr (bad, "\nKillSignal=15\nSuccessExitStatus=143\n"));
  g_assert_nonnull (strstr (bad_note, "\"9999\""));
}

static void
test_default_type (void)
{
  g_autofree char *note = NULL;
  g_autofree char *bad_note = NULL;

  g_autofree char *text = default_text (NULL, "notify", &note);
  g_autofree char *bad = default_text (NULL, "idle\nExecStart=/x", &bad_note);

  g_assert_nonnull (strstr (text, "\nType=notify\n"));
  g_assert_nonnull (strstr (bad, "\nType=simple\n"));
  g_assert_nonnull (strstr (bad_note, "idle"));
}

static void
test_signal_from_text (void)
{
  g_assert_cmpint (sc_signal_from_text ("SIGTERM"), ==, SIGTERM);
  g_assert_cmpint (sc_signal_from_text ("QUIT"), ==, SIGQUIT);
  g_assert_cmpint (sc_signal_from_text ("15"), ==, 15);
  g_assert_cmpint (sc_signal_from_text ("SIGRTMIN+3"), ==, SIGRTMIN + 3);
  g_assert_cmpint (sc_signal_from_text ("RTMAX-2"), ==, SIGRTMAX - 2);
  g_assert_cmpint (sc_signal_from_text ("0"), ==, 0);
  g_assert_cmpint (sc_signal_from_text ("-1"), ==, 0);
  g_assert_cmpint (sc_signal_from_text ("65"), ==, 0);
  g_assert_cmpint (sc_signal_from_text ("SIGRTMIN+99"), ==, 0);
  g_assert_cmpint (sc_signal_from_text ("SIGNOTHING"), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/unit-text/check/%s", rows[i].name);
      g_test_add_data_func (path, &rows[i], test_check);
    }
  g_test_add_func ("/unit-text/check/tells-facts", test_check_tells_facts);
  g_test_add_func ("/unit-text/cgroups-path/slices-and-escapes", test_cgroups_path);
  g_test_add_func ("/unit-text/drop-in/text", test_drop_in);
  g_test_add_func ("/unit-text/drop-in/writable", test_drop_in_writable);
  g_test_add_func ("/unit-text/drop-in/checked", test_drop_in_checked);
  g_test_add_func ("/unit-text/default/stop-signal", test_default_stop_signal);
  g_test_add_func ("/unit-text/default/type", test_default_type);
  g_test_add_func ("/unit-text/signal/from-text", test_signal_from_text);
  return g_test_run ();
}
