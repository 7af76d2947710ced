/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-challenge.h"

#include "base/sc-error-util.h"
#include "fetch/sc-failure.h"
#include "fetch/sc-proxy.h"
#include "fetch/sc-retry.h"
#include "fetch/sc-token.h"

#include <string.h>

static void
test_parse_bearer (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (GPtrArray) challenges = sc_challenge_parse (
      "Bearer realm=\"https://auth.example.com/token\",service=\"a \\\"b\\\" c\", Scope = x.pull",
      &error);

  g_assert_no_error (error);
  g_assert_cmpuint (challenges->len, ==, 1);
  const ScChallenge *bearer = sc_challenge_find (challenges, "bearer");
  g_assert_nonnull (bearer);
  g_assert_cmpstr (sc_challenge_get (bearer, "realm"), ==, "https://auth.example.com/token");
  g_assert_cmpstr (sc_challenge_get (bearer, "service"), ==, "a \"b\" c");
  g_assert_null (sc_challenge_get (bearer, "error"));
}

static void
test_parse_several (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (GPtrArray) challenges
      = sc_challenge_parse ("Negotiate, NTLM YII+a/b==, Basic realm=\"r, Bearer realm=x\" ,, "
                            "Bearer realm=\"https://a/\", service=s",
                            &error);

  g_assert_no_error (error);
  g_assert_cmpuint (challenges->len, ==, 4);
  g_assert_cmpstr (sc_challenge_get (sc_challenge_find (challenges, "basic"), "realm"), ==,
                   "r, Bearer realm=x");
  g_assert_cmpstr (sc_challenge_get (sc_challenge_find (challenges, "bearer"), "service"), ==, "s");
  g_assert_null (sc_challenge_find (challenges, "digest"));
}

/* RP10 */
static void
test_parse_refused (void)
{
  static const struct
  {
    const char *name;
    const char *text;
  } rows[] = {
    { "empty", "" },
    { "blank", " , ," },
    { "unclosed quote", "Bearer realm=\"https://a/" },
    { "quote ends in a backslash", "Bearer realm=\"a\\" },
    { "line feed", "Bearer realm=\"https://a/\nX: y\"" },
    { "carriage return", "Bearer realm=\"https://a/\r\"" },
    { "escape", "Bearer realm=\"\033[2J\"" },
    { "delete", "Bearer realm=\"\177\"" },
    { "high byte", "Bearer realm=\"\xc3\xa4\"" },
    { "parameter without scheme", "realm=\"https://a/\"" },
    { "parameter without value", "Bearer service=a, realm=" },
    { "parameter twice", "Bearer realm=a, Realm=b" },
    { "no comma", "Bearer realm=\"a\" service=\"b\"" },
    { "text after a quote", "Bearer realm=\"a\"b" },
    { "two words", "Bearer a b" },
    { "separator", "Bearer (a)" },
    { "scheme with a quote", "Bearer\"a\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) challenges = sc_challenge_parse (rows[i].text, &error);

      g_test_message ("%s", rows[i].name);
      g_assert_null (challenges);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
    }
}

/* RP10 */
static void
test_parse_limits (void)
{
  g_autoptr (GString) many = g_string_new (NULL);
  g_autoptr (GString) parameters = g_string_new ("Bearer ");
  g_autofree char *filler = g_strnfill (64 * 1024, 'a');
  g_autofree char *large = g_strdup_printf ("Bearer realm=%s", filler);
  const char *texts[] = { NULL, NULL, large };

  for (guint i = 0; i < 50; i++)
    {
      g_string_append_printf (many, "Scheme%u realm=a, ", i);
      g_string_append_printf (parameters, "p%u=a, ", i);
    }
  texts[0] = many->str;
  texts[1] = parameters->str;

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) challenges = sc_challenge_parse (texts[i], &error);

      g_assert_null (challenges);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
    }
}

static ScTokenRequest *
make_token_request (const char *challenge,
                    const char *registry_text,
                    const ScRealmRules *rules,
                    GError **error)
{
  g_autoptr (GPtrArray) challenges = sc_challenge_parse (challenge, NULL);
  g_autoptr (GUri) registry = sc_http_parse_uri (NULL, registry_text);
  ScRealmRules with_registry = *rules;

  g_assert_nonnull (challenges);
  with_registry.registry = registry;
  return sc_token_request_new (sc_challenge_find (challenges, "bearer"), &with_registry,
                               "library/busybox", error);
}

static GUri *
make_token_uri (const char *challenge, const char *registry, gboolean insecure, GError **error)
{
  g_autoptr (ScTokenRequest) request
      = make_token_request (challenge, registry, &(ScRealmRules){ .insecure = insecure }, error);

  if (request == NULL)
    return NULL;
  g_assert_null (request->authorization);
  g_assert_null (request->form);
  return g_uri_ref (request->uri);
}

static void
test_token_uri (void)
{
  static const struct
  {
    const char *name;
    const char *challenge;
    const char *uri;
  } rows[] = {
    { "scope of the challenge",
      "Bearer realm=\"https://auth.example.com/token\",service=\"s\",scope=\"repository:x:pull\"",
      "https://auth.example.com/token?service=s&scope=repository%3Ax%3Apull" },
    { "own scope", "Bearer realm=\"https://auth.example.com/token\"",
      "https://auth.example.com/token?scope=repository%3Alibrary%2Fbusybox%3Apull" },
    { "query of its own", "Bearer realm=\"https://auth.example.com:8443/token?a=b#c\",scope=s",
      "https://auth.example.com:8443/token?a=b&scope=s" },
    { "injection",
      "Bearer realm=\"https://auth.example.com/token\",service=\"a&b=c #d\",scope=\"e\"",
      "https://auth.example.com/token?service=a%26b%3Dc%20%23d&scope=e" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GUri) uri
          = make_token_uri (rows[i].challenge, "https://registry.example.com/", FALSE, &error);
      g_autofree char *text = uri != NULL ? g_uri_to_string (uri) : NULL;

      g_test_message ("%s", rows[i].name);
      g_assert_no_error (error);
      g_assert_cmpstr (text, ==, rows[i].uri);
    }
}

/* RP10 */
static void
test_token_uri_refused (void)
{
  static const struct
  {
    const char *name;
    const char *challenge;
    gboolean insecure;
  } rows[] = {
    { "none", "Bearer service=s", FALSE },
    { "no https", "Bearer realm=\"http://auth.example.com/token\"", FALSE },
    { "user", "Bearer realm=\"https://user@auth.example.com/token\"", TRUE },
    { "password", "Bearer realm=\"https://user:password@auth.example.com/token\"", TRUE },
    { "file", "Bearer realm=\"file:///etc/passwd\"", TRUE },
    { "other scheme", "Bearer realm=\"ftp://auth.example.com/token\"", TRUE },
    { "no host", "Bearer realm=\"https:///token\"", TRUE },
    { "relative", "Bearer realm=\"/token\"", TRUE },
    { "link-local", "Bearer realm=\"https://169.254.169.254/latest\"", TRUE },
    { "link-local IPv6", "Bearer realm=\"https://[fe80::1]/\"", TRUE },
    { "loopback", "Bearer realm=\"https://127.0.0.1:6443/\"", TRUE },
    { "localhost", "Bearer realm=\"https://localhost/\"", TRUE },
    { "unspecified", "Bearer realm=\"https://0.0.0.0/\"", TRUE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GUri) uri = make_token_uri (rows[i].challenge, "https://registry.example.com/",
                                             rows[i].insecure, &error);

      g_test_message ("%s", rows[i].name);
      g_assert_null (uri);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
    }
}

static void
test_token_uri_local_registry (void)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (GUri) uri = make_token_uri ("Bearer realm=\"http://127.0.0.1:5001/token\"",
                                         "http://127.0.0.1:5000/", TRUE, &error);

  g_assert_no_error (error);
  g_assert_nonnull (uri);
}

/* RP10: which realms are given a login */
static void
test_realm_of_a_login (void)
{
  static const struct
  {
    const char *registry;
    const char *realm;
    const char *pinned;
    gboolean insecure;
    gboolean accepted;
  } rows[] = {
    { "https://r.example.com/", "https://r.example.com/token", NULL, FALSE, TRUE },
    { "https://r.example.com:5000/", "https://r.example.com:5001/token", NULL, FALSE, TRUE },
    { "https://R.example.com/", "https://auth.EXAMPLE.com/token", NULL, FALSE, TRUE },
    { "https://registry-1.docker.io/", "https://auth.docker.io/token", NULL, FALSE, TRUE },
    { "https://registry.gitlab.com/", "https://gitlab.com/jwt/auth", NULL, FALSE, TRUE },
    { "https://r.example.com/", "https://example.org/token", NULL, FALSE, FALSE },
    { "https://r.example.com/", "https://r.example.com.evil.org/token", NULL, FALSE, FALSE },
    { "https://r.example.com/", "https://evilexample.com/token", NULL, FALSE, FALSE },
    { "https://a.co.uk/", "https://b.co.uk/token", NULL, FALSE, FALSE },
    { "https://me.github.io/", "https://you.github.io/token", NULL, FALSE, FALSE },
    { "https://10.0.0.1/", "https://10.0.0.2/token", NULL, FALSE, FALSE },
    { "https://r.example.com/", "http://r.example.com/token", NULL, FALSE, FALSE },
    { "https://r.example.com/", "https://u:p@r.example.com/token", NULL, FALSE, FALSE },
    { "https://r.example.com/", "https://169.254.169.254/token", NULL, FALSE, FALSE },
    /* recorded with the login: that one and no other */
    { "https://r.example.com/", "https://auth.example.org/token", "auth.example.org", FALSE, TRUE },
    { "https://r.example.com/", "https://auth.example.org:443/token", "auth.example.org", FALSE,
      TRUE },
    { "https://r.example.com/", "https://auth.example.org:8443/token", "auth.example.org", FALSE,
      FALSE },
    { "https://r.example.com/", "https://r.example.com/token", "auth.example.org", FALSE, FALSE },
    { "https://r.example.com/", "http://auth.example.org/token", "auth.example.org", FALSE, FALSE },
    { "https://r.example.com/", "https://x/token", "u@x/y", FALSE, FALSE },
    /* nothing is verified there, so nothing goes further */
    { "http://r.example.com/", "http://r.example.com/token", NULL, TRUE, TRUE },
    { "http://127.0.0.1:5000/", "http://127.0.0.1:5001/token", NULL, TRUE, TRUE },
    { "http://127.0.0.1:5000/", "http://127.0.0.1:5001/token", "127.0.0.1:5001", TRUE, TRUE },
    { "http://127.0.0.1:5000/", "http://127.0.0.1:5001/token", "127.0.0.1:5002", TRUE, FALSE },
    { "http://r.example.com/", "https://auth.example.com/token", NULL, TRUE, FALSE },
    { "http://r.example.com/", "https://auth.example.org/token", "auth.example.org", TRUE, FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScCredential) credential
          = sc_credential_new (SC_CREDENTIAL_BASIC, "u", "canary", rows[i].pinned, &error);
      g_autofree char *challenge = g_strdup_printf ("Bearer realm=\"%s\"", rows[i].realm);
      const ScRealmRules rules = { .insecure = rows[i].insecure, .credential = credential };

      g_test_message ("%u: %s at %s", i, rows[i].realm, rows[i].registry);
      g_autoptr (ScTokenRequest) request
          = make_token_request (challenge, rows[i].registry, &rules, &error);

      g_assert_cmpint (request != NULL, ==, rows[i].accepted);
      if (rows[i].accepted)
        {
          g_assert_no_error (error);
          continue;
        }
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
      g_assert_null (strstr (error->message, "canary"));
    }
}

static void
test_token_request_with_login (void)
{
  const char *challenge
      = "Bearer realm=\"https://r.example.com/token?a=b\",service=\"s\",scope=\"x\"";
  g_autoptr (GError) error = NULL;
  g_autoptr (ScCredential) basic
      = sc_credential_new (SC_CREDENTIAL_BASIC, "alice", "secret", NULL, &error);
  g_autoptr (ScCredential) token
      = sc_credential_new (SC_CREDENTIAL_IDENTITY_TOKEN, "", "a+b", NULL, &error);

  g_autoptr (ScTokenRequest) get = make_token_request (
      challenge, "https://r.example.com/", &(ScRealmRules){ .credential = basic }, &error);
  g_assert_no_error (error);
  g_autofree char *get_uri = g_uri_to_string (get->uri);
  g_autoptr (ScTokenRequest) post = make_token_request (
      challenge, "https://r.example.com/", &(ScRealmRules){ .credential = token }, &error);
  g_assert_no_error (error);
  g_autofree char *post_uri = g_uri_to_string (post->uri);

  g_assert_cmpstr (get_uri, ==, "https://r.example.com/token?a=b&service=s&scope=x");
  g_assert_cmpstr (get->authorization, ==, "Basic YWxpY2U6c2VjcmV0");
  g_assert_null (get->form);
  g_assert_cmpstr (post_uri, ==, "https://r.example.com/token?a=b");
  g_assert_null (post->authorization);
  g_assert_cmpstr (
      post->form, ==,
      "grant_type=refresh_token&client_id=syscont&service=s&scope=x&refresh_token=a%2Bb");
}

static char *
parse_token (const char *text, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return sc_token_parse (bytes, error);
}

static void
test_token_parse (void)
{
  static const char *const texts[] = {
    "{\"token\":\"abc.d-e_f\"}",
    "{\"access_token\":\"abc.d-e_f\",\"expires_in\":300}",
    "{\"token\":\"abc.d-e_f\",\"access_token\":\"other\",\"expires_in\":-1}",
    "{\"token\":\"abc.d-e_f\",\"expires_in\":1000000000000}",
    "{\"token\":\"abc.d-e_f\",\"expires_in\":\"abc\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *token = parse_token (texts[i], &error);

      g_assert_no_error (error);
      g_assert_cmpstr (token, ==, "abc.d-e_f");
    }
}

/* RP13 */
static void
test_token_parse_refused (void)
{
  g_autofree char *filler = g_strnfill (100 * 1024, 'a');
  g_autofree char *large = g_strdup_printf ("{\"token\":\"%s\"}", filler);
  g_autofree char *filler_of_answer = g_strnfill (300 * 1024, ' ');
  g_autofree char *large_answer = g_strdup_printf ("{\"token\":\"a\"%s}", filler_of_answer);
  const struct
  {
    const char *name;
    const char *text;
  } rows[] = {
    { "empty", "" },
    { "no JSON", "token=abc" },
    { "no object", "[\"abc\"]" },
    { "no token", "{\"expires_in\":60}" },
    { "empty token", "{\"token\":\"\"}" },
    { "number", "{\"token\":1}" },
    { "line break", "{\"token\":\"abc\\r\\nX-Header: y\"}" },
    { "blank", "{\"token\":\"a b\"}" },
    { "not ASCII", "{\"token\":\"a\\u00e4\"}" },
    { "two tokens", "{\"token\":\"a\",\"token\":\"b\"}" },
    { "large token", large },
    { "large answer", large_answer },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *token = parse_token (rows[i].text, &error);

      g_test_message ("%s", rows[i].name);
      g_assert_null (token);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
    }
}

/* RP15 */
static void
test_retry_after (void)
{
  const gint64 now = 1577836800; /* Wed, 01 Jan 2020 00:00:00 GMT */
  static const struct
  {
    const char *name;
    const char *text;
    gint64 wait_s;
  } rows[] = {
    { "missing", NULL, 0 },
    { "empty", "", 0 },
    { "zero", "0", 0 },
    { "seconds", "2", 2 },
    { "a day", "86400", 86400 },
    { "huge", "99999999999999999999", G_MAXINT32 },
    { "negative", "-5", 0 },
    { "garbage", "soon", 0 },
    { "fraction", "1.5", 0 },
    { "future", "Wed, 01 Jan 2020 00:01:40 GMT", 100 },
    { "past", "Tue, 31 Dec 2019 00:00:00 GMT", 0 },
    { "far", "Fri, 01 Jan 2500 00:00:00 GMT", G_MAXINT32 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_test_message ("%s", rows[i].name);
      g_assert_cmpint (sc_retry_parse_after (rows[i].text, now), ==, rows[i].wait_s);
    }
}

static void
test_retry_backoff (void)
{
  ScRetry retry = SC_RETRY_INIT (&sc_retry_policy_default, TRUE);
  guint delay_ms;

  for (guint i = 0; i < 5; i++)
    {
      guint whole_ms = 500u << i;

      g_assert_true (sc_retry_next (&retry, 0, &delay_ms));
      g_assert_cmpuint (delay_ms, >=, whole_ms / 2);
      g_assert_cmpuint (delay_ms, <=, whole_ms);
    }
  g_assert_false (sc_retry_next (&retry, 0, &delay_ms));

  sc_retry_progress (&retry);
  g_assert_true (sc_retry_next (&retry, 7, &delay_ms));
  g_assert_cmpuint (delay_ms, >=, 7000);
}

static char *
look_up_proxy (char **environment, const char *uri)
{
  g_autoptr (GProxyResolver) resolver = sc_proxy_resolver_new (environment);
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) proxies = g_proxy_resolver_lookup (resolver, uri, NULL, &error);

  g_assert_no_error (error);
  return g_strdup (proxies[0]);
}

static void
test_proxy (void)
{
  static const struct
  {
    const char *name;
    const char *environment[4];
    const char *uri;
    const char *proxy;
  } rows[] = {
    { "none", { NULL }, "https://a.example.com/", "direct://" },
    { "https", { "https_proxy=http://p:3128", NULL }, "https://a.example.com/", "http://p:3128" },
    { "without scheme", { "https_proxy=p:3128", NULL }, "https://a.example.com/", "http://p:3128" },
    { "other scheme", { "https_proxy=http://p:3128", NULL }, "http://a.example.com/", "direct://" },
    { "http", { "http_proxy=http://p:3128", NULL }, "http://a.example.com/", "http://p:3128" },
    { "http in capitals",
      { "HTTP_PROXY=http://p:3128", NULL },
      "http://a.example.com/",
      "direct://" },
    { "exception",
      { "https_proxy=http://p:3128", "no_proxy=b.org, example.com", NULL },
      "https://a.example.com/",
      "direct://" },
    { "other exception",
      { "https_proxy=http://p:3128", "no_proxy=b.org", NULL },
      "https://a.example.com/",
      "http://p:3128" },
    { "all excepted",
      { "https_proxy=http://p:3128", "no_proxy=*", NULL },
      "https://a.example.com/",
      "direct://" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *proxy = look_up_proxy ((char **)rows[i].environment, rows[i].uri);

      g_test_message ("%s", rows[i].name);
      g_assert_cmpstr (proxy, ==, rows[i].proxy);
    }
}

/* RP21 */
static void
test_certificate_reasons (void)
{
  g_autofree char *expired
      = sc_failure_explain_certificate (G_TLS_CERTIFICATE_EXPIRED | G_TLS_CERTIFICATE_BAD_IDENTITY);
  g_autofree char *early = sc_failure_explain_certificate (G_TLS_CERTIFICATE_NOT_ACTIVATED);
  g_autofree char *other = sc_failure_explain_certificate (G_TLS_CERTIFICATE_GENERIC_ERROR);

  g_assert_cmpstr (expired, ==, "it has expired, it is for another name");
  g_assert_nonnull (strstr (early, "clock"));
  g_assert_cmpstr (other, ==, "it cannot be verified");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/challenge/parse/bearer", test_parse_bearer);
  g_test_add_func ("/challenge/parse/several", test_parse_several);
  g_test_add_func ("/challenge/parse/refused", test_parse_refused);
  g_test_add_func ("/challenge/parse/limits", test_parse_limits);
  g_test_add_func ("/token/make-uri/accepted", test_token_uri);
  g_test_add_func ("/token/make-uri/refused", test_token_uri_refused);
  g_test_add_func ("/token/make-uri/local-registry", test_token_uri_local_registry);
  g_test_add_func ("/token/realm/of-a-login", test_realm_of_a_login);
  g_test_add_func ("/token/request/with-login", test_token_request_with_login);
  g_test_add_func ("/token/parse/accepted", test_token_parse);
  g_test_add_func ("/token/parse/refused", test_token_parse_refused);
  g_test_add_func ("/retry/parse-after/table", test_retry_after);
  g_test_add_func ("/retry/next/backoff", test_retry_backoff);
  g_test_add_func ("/proxy/resolver/table", test_proxy);
  g_test_add_func ("/failure/explain-certificate/words", test_certificate_reasons);

  return g_test_run ();
}
