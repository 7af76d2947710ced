/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a registry sends whoever wants in: the "realm" of a bearer challenge, the address of its
 * token server. That is an outsider's word; what it takes to be followed, and what more it takes to
 * be given a login, is decided here and nowhere else.
 */
#pragma once

#include "image/sc-credential.h"

#include <gio/gio.h>

typedef struct
{
  GUri *registry;                 /* the origin that sent the challenge */
  gboolean insecure;              /* it may be spoken to without TLS, or without checking that */
  const ScCredential *credential; /* (nullable) that the realm would be given */
} ScRealmRules;

/**
 * sc_realm_parse:
 * @text: (nullable): as the challenge has it
 *
 * Accepted is an https address without a user, that is not on this machine or link unless the
 * registry is at that host. From a registry that may be spoken to without TLS also an http address.
 *
 * A login goes only to the registry's own host, to another of its site, which is the registrable
 * domain (auth.docker.io for registry-1.docker.io), or, when one was recorded with the login, to that
 * one and no other. The certificates of a registry that is configured as insecure are not checked:
 * its login stays at its own host.
 *
 * Returns: (transfer full) (nullable): REGISTRY_AUTH_REQUIRED names the host that was refused
 */
GUri *sc_realm_parse (const char *text, const ScRealmRules *rules, GError **error);
