/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-printer.h"
#include "sc-question.h"
#include "sc-secret-input.h"
#include "sc-verb.h"

#include <json-glib/json-glib.h>
#include <string.h>

#define REMEDY "-u and --password-stdin"

static char *user;
static char *token_server;
static gboolean password_stdin;
static gboolean no_verify;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "username", 'u', 0, G_OPTION_ARG_STRING, &user, "Name of the user; asked for by default",
      "USER" },
    { "password-stdin", 0, 0, G_OPTION_ARG_NONE, &password_stdin,
      "Read the password from standard input", NULL },
    { "token-server", 0, 0, G_OPTION_ARG_STRING, &token_server,
      "Let this server have the login too", "HOST[:PORT]" },
    { "no-verify", 0, 0, G_OPTION_ARG_NONE, &no_verify, "Store it without trying it", NULL },
    { 0 },
  };
  return entries;
}

static char *
get_password (GError **error)
{
  if (!password_stdin)
    return sc_question_ask ("Password: ", FALSE, REMEDY, error);

  /* What ends the last line is not part of it. */
  char *text = sc_secret_input_read ("-", error);
  gsize length = text != NULL ? strlen (text) : 0;
  if (length > 0 && text[length - 1] == '\n')
    text[--length] = '\0';
  if (length > 0 && text[length - 1] == '\r')
    text[length - 1] = '\0';
  return text;
}

/* One entry of an auth.json (containers-auth.json(5)). */
static char *
make_entry (const char *name, const char *password)
{
  g_autofree char *plain = g_strconcat (name, ":", password, NULL);
  g_autofree char *auth = g_base64_encode ((const guchar *)plain, strlen (plain));
  g_autoptr (JsonObject) entry = json_object_new ();

  json_object_set_string_member (entry, "auth", auth);
  if (token_server != NULL)
    json_object_set_string_member (entry, "realm", token_server);
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), entry);
  return json_to_string (node, FALSE);
}

static int
store (ScClient *client, const char *registry, GUnixFDList *fds)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (
      client, "SetRegistryCredential",
      g_variant_new ("(sh@a{sv})", registry, 0, g_variant_new ("a{sv}", NULL)), fds, &error);

  if (reply == NULL)
    return sc_client_fail (error);
  if (!client->quiet)
    g_print ("stored the login for %s, without trying it\n", registry);
  return 0;
}

static int
try_and_store (ScClient *client, const char *registry, GUnixFDList *fds)
{
  GError *error = NULL;
  g_autoptr (GVariant) result = NULL;
  GVariant *reply = sc_client_call (
      client, "Login", g_variant_new ("(sh@a{sv})", registry, 0, sc_client_options (client, NULL)),
      fds, &error);
  int status = sc_follow (client, reply, error, &result);

  if (status != 0 || result == NULL)
    return status;
  if (client->json)
    sc_print_json ("result", result);
  else if (!client->quiet)
    g_print ("logged in to %s\n", registry);
  if (!client->quiet && !sc_dict_bool (result, "verified"))
    g_printerr (
        "note: the registry did not ask for a login, so it was stored without being tried\n");
  return 0;
}

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GError) error = NULL;

  if (password_stdin && user == NULL)
    return sc_client_usage_error ("--password-stdin needs --username");
  if (strstr (arguments[0], "://") != NULL)
    return sc_client_usage_error ("%s: write the registry without https://", arguments[0]);
  if (token_server != NULL && (strchr (token_server, '/') != NULL || *token_server == '\0'))
    return sc_client_usage_error ("--token-server is HOST or HOST:PORT");

  g_autofree char *name
      = user != NULL ? g_strdup (user) : sc_question_ask ("Username: ", TRUE, REMEDY, &error);
  if (name != NULL && (*name == '\0' || strchr (name, ':') != NULL))
    return sc_client_usage_error ("a user's name is not empty and has no \":\"");
  g_autofree char *password = name != NULL ? get_password (&error) : NULL;
  if (password == NULL)
    return sc_client_fail (error);

  g_autofree char *entry = make_entry (name, password);
  g_autoptr (GUnixFDList) fds = sc_secret_input_to_fds (entry, &error);
  if (fds == NULL)
    return sc_client_fail (error);
  return no_verify ? store (client, arguments[0], fds) : try_and_store (client, arguments[0], fds);
}

const ScVerb sc_verb_login = {
  .name = "login",
  .arguments = "REGISTRY",
  .summary = "Log in to a registry",
  .description
  = "REGISTRY is HOST[:PORT], or with a namespace HOST[:PORT]/NAME. The login is tried, "
    "and stored for everybody who may pull on this machine.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
