/**
 * What identity providers really send, and how each is registered. test/api/v1/identity-providers.test.ts tries every token. The
 * pages of docs/providers have registrations of their own, which test/docs/samples.test.ts runs.
 *
 * Sources: the providers' own pages on their tokens (Auth0 "Access tokens" and "ID token structure"; Amazon Cognito
 * "Understanding user pool JWTs"; Clerk "Session tokens", version 2; Firebase "Verify ID tokens" and "Manage session
 * cookies"; Supabase "JWT claims reference"; Microsoft "Access token claims reference" and "ID token claims reference";
 * Okta "Tokens and claims"; Keycloak's AccessToken and LogoutToken; Google "Validate an ID token"; OpenID Connect
 * Back-Channel Logout 1.0).
 */
import type { Json } from './stagedoor.ts';

/** How a token must be answered: somebody gets in, or the refusal says this. */
export type Expected = { userId: string; role: string; name?: string } | { refused: RegExp };

/** One kind of token of a provider. Times are left out: every token is issued now and lives for `lifeSeconds`. */
export interface ProviderToken {
  /** What the provider calls it. */
  kind: string;
  /** Members of the header beside `alg` and `kid`. */
  header?: Json;
  claims: Json;
  lifeSeconds: number;
  /** Which registration it is for, by its place; 0 by default. */
  registration?: number;
  expected: Expected;
}

/** A provider: its registrations and its tokens. */
export interface IdentityProvider {
  name: string;
  /** How it signs. The token of an opaque kind is no JWT. */
  algorithm: 'RS256' | 'ES256' | 'HS256';
  /** Bodies of `POST /v1/issuers`, as a customer sends them. A test puts the URL of its own key server into `jwksUri`. */
  registrations: Json[];
  tokens: ProviderToken[];
}

const hour = 3_600;
const sub = '3f7a1e52-9c0d-4b7a-8a55-1f0f7f6f2a11';
const logoutEvents = { 'http://schemas.openid.net/event/backchannel-logout': {} };
const notHere = /not registered here/;

const auth0: IdentityProvider = {
  name: 'Auth0',
  algorithm: 'RS256',
  registrations: [
    {
      issuer: 'https://acme.eu.auth0.com/',
      audience: 'https://api.acme.example',
      jwksUri: 'https://acme.eu.auth0.com/.well-known/jwks.json',
      // An Action adds them to the access token: Auth0 demands a namespace in front of the names.
      claims: { userId: 'sub', role: 'https://acme.example/roles', name: 'https://acme.example/name' },
      roles: { Streamer: 'host', Moderators: 'moderator' },
    },
  ],
  tokens: [
    {
      kind: 'access token for the API',
      header: { typ: 'JWT' },
      claims: {
        iss: 'https://acme.eu.auth0.com/',
        sub: 'auth0|6507f1c0a1',
        aud: ['https://api.acme.example', 'https://acme.eu.auth0.com/userinfo'],
        azp: 'KJx8vB3Qn0',
        scope: 'openid profile email',
        'https://acme.example/roles': ['Moderators', 'Streamer'],
        'https://acme.example/name': 'Ann',
      },
      lifeSeconds: 24 * hour,
      expected: { userId: 'auth0|6507f1c0a1', role: 'host', name: 'Ann' },
    },
    {
      kind: 'access token of the RFC 9068 profile, without roles',
      header: { typ: 'at+jwt' },
      claims: {
        iss: 'https://acme.eu.auth0.com/',
        sub: 'google-oauth2|1057',
        aud: 'https://api.acme.example',
        client_id: 'KJx8vB3Qn0',
        jti: 'e4V2',
        permissions: [],
      },
      lifeSeconds: 24 * hour,
      expected: { userId: 'google-oauth2|1057', role: 'viewer' },
    },
    {
      kind: 'ID token: its audience is the application',
      header: { typ: 'JWT' },
      claims: {
        iss: 'https://acme.eu.auth0.com/',
        sub: 'auth0|6507f1c0a1',
        aud: 'KJx8vB3Qn0',
        nickname: 'ann',
        name: 'Ann',
        email: 'ann@acme.example',
        email_verified: true,
        sid: 'v2a',
        nonce: 'n0',
      },
      lifeSeconds: 10 * hour,
      expected: { refused: notHere },
    },
    {
      kind: 'logout token',
      header: { typ: 'logout+jwt' },
      claims: {
        iss: 'https://acme.eu.auth0.com/',
        sub: 'auth0|6507f1c0a1',
        aud: 'https://api.acme.example',
        events: logoutEvents,
        sid: 'v2a',
        jti: '1',
      },
      lifeSeconds: 120,
      expected: { refused: /typ must be JWT/ },
    },
  ],
};

const cognitoIss = 'https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Ab1Cd2Ef3';
const cognitoClient = '4s2k9q0v8example1h3t5u7w9y';
const cognito: IdentityProvider = {
  name: 'Amazon Cognito',
  algorithm: 'RS256',
  registrations: [
    {
      issuer: cognitoIss,
      audience: cognitoClient,
      audienceClaim: 'client_id',
      jwksUri: `${cognitoIss}/.well-known/jwks.json`,
      claims: { userId: 'sub', role: 'cognito:groups', name: 'username' },
      roles: { Hosts: 'host', Mods: 'moderator' },
    },
    {
      issuer: cognitoIss,
      audience: cognitoClient,
      jwksUri: `${cognitoIss}/.well-known/jwks.json`,
      claims: { userId: 'sub', role: 'cognito:groups', name: 'cognito:username' },
      roles: { Hosts: 'host', Mods: 'moderator' },
    },
  ],
  tokens: [
    {
      kind: 'access token: no aud, but client_id',
      claims: {
        sub,
        'cognito:groups': ['Mods', 'us-east-1_Ab1Cd2Ef3_Google'],
        iss: cognitoIss,
        version: 2,
        client_id: cognitoClient,
        origin_jti: 'a1',
        event_id: 'b2',
        token_use: 'access',
        scope: 'openid email',
        jti: 'c3',
        username: 'ann',
      },
      lifeSeconds: hour,
      expected: { userId: sub, role: 'moderator', name: 'ann' },
    },
    {
      kind: 'ID token',
      claims: {
        sub,
        'cognito:groups': ['Hosts'],
        email_verified: true,
        iss: cognitoIss,
        'cognito:username': 'ann',
        origin_jti: 'a1',
        aud: cognitoClient,
        event_id: 'b2',
        token_use: 'id',
        email: 'ann@acme.example',
      },
      lifeSeconds: 24 * hour,
      registration: 1,
      expected: { userId: sub, role: 'host', name: 'ann' },
    },
    {
      kind: 'access token of another app client',
      claims: { sub, iss: cognitoIss, client_id: 'another', token_use: 'access', username: 'ann' },
      lifeSeconds: hour,
      expected: { refused: notHere },
    },
  ],
};

const clerkIss = 'https://clerk.acme.example';
const clerk: IdentityProvider = {
  name: 'Clerk',
  algorithm: 'RS256',
  registrations: [
    {
      issuer: clerkIss,
      audience: 'https://app.acme.example',
      audienceClaim: 'azp',
      jwksUri: `${clerkIss}/.well-known/jwks.json`,
      claims: { userId: 'sub', role: 'o.rol' },
      roles: { admin: 'host', member: 'speaker' },
    },
  ],
  tokens: [
    {
      kind: 'session token, version 2, with an organization',
      header: { typ: 'JWT', cat: 'cl_B7d4PD111AAA' },
      claims: {
        azp: 'https://app.acme.example',
        fva: [7, -1],
        iss: clerkIss,
        jti: 'd51',
        o: { id: 'org_2b', slg: 'acme', rol: 'admin', per: 'read,manage', fpm: '3' },
        pla: 'u:free',
        sid: 'sess_2c',
        sub: 'user_2d',
        v: 2,
      },
      lifeSeconds: 60,
      expected: { userId: 'user_2d', role: 'host' },
    },
    {
      kind: 'session token without an organization',
      header: { typ: 'JWT', cat: 'cl_B7d4PD111AAA' },
      claims: { azp: 'https://app.acme.example', fva: [0, -1], iss: clerkIss, sid: 'sess_2c', sub: 'user_2d', v: 2 },
      lifeSeconds: 60,
      expected: { userId: 'user_2d', role: 'viewer' },
    },
    {
      kind: 'session token of another origin',
      header: { typ: 'JWT', cat: 'cl_B7d4PD111AAA' },
      claims: { azp: 'https://evil.example', iss: clerkIss, sid: 'sess_2c', sub: 'user_2d', v: 2 },
      lifeSeconds: 60,
      expected: { refused: notHere },
    },
  ],
};

const firebaseIss = 'https://securetoken.google.com/acme-live';
const firebase: IdentityProvider = {
  name: 'Firebase',
  algorithm: 'RS256',
  registrations: [
    {
      issuer: firebaseIss,
      audience: 'acme-live',
      // The URL in Firebase's own guide serves X.509 certificates. This one serves the same keys as a JWKS.
      jwksUri: 'https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
      claims: { userId: 'sub', role: 'role', name: 'name' },
    },
  ],
  tokens: [
    {
      kind: 'ID token with a custom claim',
      header: { typ: 'JWT' },
      claims: {
        role: 'speaker',
        name: 'Ann',
        iss: firebaseIss,
        aud: 'acme-live',
        auth_time: 1_760_000_000,
        user_id: 'Qh7Ab',
        sub: 'Qh7Ab',
        email: 'ann@acme.example',
        email_verified: false,
        firebase: { identities: { email: ['ann@acme.example'] }, sign_in_provider: 'password' },
      },
      lifeSeconds: hour,
      expected: { userId: 'Qh7Ab', role: 'speaker', name: 'Ann' },
    },
    {
      kind: 'ID token of an anonymous user',
      header: { typ: 'JWT' },
      claims: {
        provider_id: 'anonymous',
        iss: firebaseIss,
        aud: 'acme-live',
        user_id: 'Zz1',
        sub: 'Zz1',
        firebase: { identities: {}, sign_in_provider: 'anonymous' },
      },
      lifeSeconds: hour,
      expected: { userId: 'Zz1', role: 'viewer' },
    },
    {
      kind: 'session cookie',
      header: { typ: 'JWT' },
      claims: {
        iss: 'https://session.firebase.google.com/acme-live',
        aud: 'acme-live',
        sub: 'Qh7Ab',
        user_id: 'Qh7Ab',
      },
      lifeSeconds: 5 * 24 * hour,
      expected: { refused: notHere },
    },
    {
      kind: 'custom token: the service account’s, for signing in',
      claims: {
        iss: 'firebase-adminsdk@acme-live.iam.gserviceaccount.com',
        sub: 'firebase-adminsdk@acme-live.iam.gserviceaccount.com',
        aud: 'https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit',
        uid: 'Qh7Ab',
      },
      lifeSeconds: hour,
      expected: { refused: notHere },
    },
  ],
};

const supabaseIss = 'https://abcdefghijklmnop.supabase.co/auth/v1';
const supabaseClaims = {
  iss: supabaseIss,
  sub,
  aud: 'authenticated',
  email: 'ann@acme.example',
  phone: '',
  app_metadata: { provider: 'email', providers: ['email'], live_role: 'moderator' },
  user_metadata: { full_name: 'Ann' },
  role: 'authenticated',
  aal: 'aal1',
  amr: [{ method: 'password', timestamp: 1_760_000_000 }],
  session_id: '8d2',
  is_anonymous: false,
};
const supabase: IdentityProvider = {
  name: 'Supabase',
  algorithm: 'ES256',
  registrations: [
    {
      issuer: supabaseIss,
      audience: 'authenticated',
      jwksUri: `${supabaseIss}/.well-known/jwks.json`,
      // `role` is the role in Supabase's database. A user can change `user_metadata`, but not `app_metadata`.
      claims: { userId: 'sub', role: 'app_metadata.live_role', name: 'user_metadata.full_name' },
    },
  ],
  tokens: [
    {
      kind: 'access token',
      header: { typ: 'JWT' },
      claims: supabaseClaims,
      lifeSeconds: hour,
      expected: { userId: sub, role: 'moderator', name: 'Ann' },
    },
    {
      kind: 'access token of an anonymous user',
      header: { typ: 'JWT' },
      claims: { ...supabaseClaims, email: '', app_metadata: {}, user_metadata: {}, is_anonymous: true },
      lifeSeconds: hour,
      expected: { userId: sub, role: 'viewer' },
    },
    {
      kind: 'anon key: no user',
      header: { typ: 'JWT' },
      claims: { iss: 'supabase', ref: 'abcdefghijklmnop', role: 'anon' },
      lifeSeconds: 10 * 365 * 24 * hour,
      expected: { refused: notHere },
    },
  ],
};

const entraTenant = '9188040d-6c67-4c5b-b112-36a304b66dad';
const entraIss = `https://login.microsoftonline.com/${entraTenant}/v2.0`;
const entraApp = '6e74172b-be56-4843-9ff4-e66a39bb12e3';
const entra: IdentityProvider = {
  name: 'Microsoft Entra ID',
  algorithm: 'RS256',
  registrations: [
    {
      issuer: entraIss,
      audience: entraApp,
      jwksUri: `https://login.microsoftonline.com/${entraTenant}/discovery/v2.0/keys`,
      // `sub` differs from application to application; `oid` is the same person everywhere.
      claims: { userId: 'oid', role: 'roles', name: 'name' },
      roles: { 'Live.Host': 'host', 'Live.Speaker': 'speaker' },
    },
  ],
  tokens: [
    {
      kind: 'access token, version 2.0, for an API of one’s own',
      header: { typ: 'JWT' },
      claims: {
        aud: entraApp,
        iss: entraIss,
        aio: 'AWQA',
        azp: '1c1d',
        azpacr: '0',
        name: 'Ann',
        oid: '00000000-0000-0000-66f3-3332eca7ea81',
        preferred_username: 'ann@acme.example',
        rh: '0.AS',
        roles: ['Live.Speaker'],
        scp: 'access_as_user',
        sub: 'AAAAAAAAAAAAAAAAAAAAAIkz',
        tid: entraTenant,
        uti: 'fqi',
        ver: '2.0',
      },
      lifeSeconds: 75 * 60,
      expected: { userId: '00000000-0000-0000-66f3-3332eca7ea81', role: 'speaker', name: 'Ann' },
    },
    {
      kind: 'ID token, version 2.0',
      header: { typ: 'JWT' },
      claims: {
        ver: '2.0',
        iss: entraIss,
        sub: 'AAAAAAAAAAAAAAAAAAAAAIkz',
        aud: entraApp,
        name: 'Ann',
        oid: '00000000-0000-0000-66f3-3332eca7ea81',
        roles: ['Live.Host'],
        tid: entraTenant,
        nonce: '123523',
      },
      lifeSeconds: hour,
      expected: { userId: '00000000-0000-0000-66f3-3332eca7ea81', role: 'host', name: 'Ann' },
    },
    {
      kind: 'access token, version 1.0',
      header: { typ: 'JWT' },
      claims: {
        aud: `api://${entraApp}`,
        iss: `https://sts.windows.net/${entraTenant}/`,
        oid: '00000000-0000-0000-66f3-3332eca7ea81',
        ver: '1.0',
      },
      lifeSeconds: hour,
      expected: { refused: notHere },
    },
    {
      kind: 'access token for Microsoft Graph',
      header: { typ: 'JWT', nonce: 'Zx1' },
      claims: { aud: '00000003-0000-0000-c000-000000000000', iss: entraIss, oid: '1', ver: '2.0' },
      lifeSeconds: hour,
      expected: { refused: notHere },
    },
  ],
};

const oktaIss = 'https://acme.okta.com/oauth2/default';
const okta: IdentityProvider = {
  name: 'Okta',
  algorithm: 'RS256',
  registrations: [
    {
      issuer: oktaIss,
      audience: 'api://default',
      jwksUri: `${oktaIss}/v1/keys`,
      claims: { userId: 'uid', role: 'groups' },
      roles: { 'Live Hosts': 'host', 'Live Moderators': 'moderator' },
    },
    {
      issuer: oktaIss,
      audience: '0oa1example2client',
      jwksUri: `${oktaIss}/v1/keys`,
      claims: { userId: 'sub', role: 'groups', name: 'name' },
      roles: { 'Live Hosts': 'host', 'Live Moderators': 'moderator' },
    },
  ],
  tokens: [
    {
      kind: 'access token of a custom authorization server',
      claims: {
        ver: 1,
        jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
        iss: oktaIss,
        aud: 'api://default',
        cid: '0oa1example2client',
        uid: '00u1example',
        scp: ['openid', 'profile'],
        auth_time: 1_760_000_000,
        sub: 'ann@acme.example',
        groups: ['Everyone', 'Live Moderators'],
      },
      lifeSeconds: hour,
      expected: { userId: '00u1example', role: 'moderator' },
    },
    {
      kind: 'ID token',
      claims: {
        sub: '00u1example',
        name: 'Ann',
        ver: 1,
        iss: oktaIss,
        aud: '0oa1example2client',
        jti: 'ID.4eAWJOCMB3SX8XewDfVR',
        amr: ['pwd'],
        idp: '00o1',
        nonce: 'n',
        preferred_username: 'ann@acme.example',
        at_hash: 'cp',
        groups: ['Everyone', 'Live Hosts'],
      },
      lifeSeconds: hour,
      registration: 1,
      expected: { userId: '00u1example', role: 'host', name: 'Ann' },
    },
    {
      kind: 'access token of the org authorization server: for Okta alone',
      claims: { ver: 1, iss: 'https://acme.okta.com', aud: 'https://acme.okta.com', sub: 'ann@acme.example', uid: '1' },
      lifeSeconds: hour,
      expected: { refused: notHere },
    },
  ],
};

const keycloakIss = 'https://sso.acme.example/realms/acme';
const keycloakClaims = {
  iss: keycloakIss,
  aud: 'account',
  sub,
  typ: 'Bearer',
  azp: 'live-web',
  sid: '6c9',
  acr: '1',
  'allowed-origins': ['https://app.acme.example'],
  realm_access: { roles: ['default-roles-acme', 'offline_access', 'uma_authorization', 'host'] },
  resource_access: { account: { roles: ['manage-account', 'view-profile'] } },
  scope: 'openid profile email',
  email_verified: true,
  name: 'Ann Lee',
  preferred_username: 'ann',
};
const keycloak: IdentityProvider = {
  name: 'Keycloak',
  algorithm: 'RS256',
  registrations: [
    {
      issuer: keycloakIss,
      // A client has no `aud` of its own unless a mapper adds it. `azp` is always the client.
      audience: 'live-web',
      audienceClaim: 'azp',
      jwksUri: `${keycloakIss}/protocol/openid-connect/certs`,
      claims: { userId: 'sub', role: 'realm_access.roles', name: 'preferred_username' },
    },
  ],
  tokens: [
    {
      kind: 'access token',
      header: { typ: 'JWT' },
      claims: keycloakClaims,
      lifeSeconds: 300,
      expected: { userId: sub, role: 'host', name: 'ann' },
    },
    {
      kind: 'access token without any aud (lightweight)',
      header: { typ: 'JWT' },
      claims: { iss: keycloakIss, sub, typ: 'Bearer', azp: 'live-web', sid: '6c9', scope: 'openid' },
      lifeSeconds: 300,
      expected: { userId: sub, role: 'viewer' },
    },
    {
      kind: 'ID token',
      header: { typ: 'JWT' },
      claims: { ...keycloakClaims, aud: 'live-web', typ: 'ID', nonce: 'n', at_hash: 'h', realm_access: undefined },
      lifeSeconds: 300,
      expected: { userId: sub, role: 'viewer', name: 'ann' },
    },
    {
      kind: 'refresh token, when it is signed with the same key',
      header: { typ: 'JWT' },
      claims: { iss: keycloakIss, aud: keycloakIss, sub, typ: 'Refresh', azp: 'live-web', sid: '6c9' },
      lifeSeconds: 1_800,
      expected: { refused: /refresh token/ },
    },
    {
      kind: 'offline token',
      header: { typ: 'JWT' },
      claims: { iss: keycloakIss, aud: keycloakIss, sub, typ: 'Offline', azp: 'live-web', sid: '6c9' },
      lifeSeconds: 1_800,
      expected: { refused: /refresh token/ },
    },
    {
      kind: 'logout token',
      header: { typ: 'logout+jwt' },
      claims: {
        iss: keycloakIss,
        aud: 'live-web',
        azp: 'live-web',
        sub,
        typ: 'Logout',
        sid: '6c9',
        events: logoutEvents,
      },
      lifeSeconds: 120,
      expected: { refused: /typ must be JWT/ },
    },
    {
      kind: 'access token that is bound to a key of the client (DPoP)',
      header: { typ: 'JWT' },
      claims: { ...keycloakClaims, typ: 'DPoP', cnf: { jkt: 'thumbprint' } },
      lifeSeconds: 300,
      expected: { refused: /bound to a key/ },
    },
  ],
};

const googleClient = '812741506391-h38jh0j4fv0ce1krdkiq0hfvt6n5amrf.apps.googleusercontent.com';
const google: IdentityProvider = {
  name: 'Google',
  algorithm: 'RS256',
  registrations: [
    {
      issuer: 'https://accounts.google.com',
      audience: googleClient,
      jwksUri: 'https://www.googleapis.com/oauth2/v3/certs',
      claims: { userId: 'sub', name: 'name' },
      userIdPrefix: 'google:',
    },
  ],
  tokens: [
    {
      kind: 'ID token of Sign in with Google',
      header: { typ: 'JWT' },
      claims: {
        iss: 'https://accounts.google.com',
        azp: googleClient,
        aud: googleClient,
        sub: '110169484474386276334',
        hd: 'acme.example',
        email: 'ann@acme.example',
        email_verified: true,
        name: 'Ann',
        picture: 'https://lh3.googleusercontent.com/a/x',
        given_name: 'Ann',
      },
      lifeSeconds: hour,
      expected: { userId: 'google:110169484474386276334', role: 'viewer', name: 'Ann' },
    },
    {
      kind: 'ID token for another application',
      header: { typ: 'JWT' },
      claims: { iss: 'https://accounts.google.com', azp: 'other', aud: 'other', sub: '1101', name: 'Ann' },
      lifeSeconds: hour,
      expected: { refused: notHere },
    },
  ],
};

/** A secret that stands for a customer's own, as `openssl rand -base64 48` prints one. */
const homeMadeSecret = 'f5F0mY1yqk4v0dPwS2M4x9c8c9m3Hc1gqvU0cW0xP3bq7m1nTqk2Zr6uJ8h4Vw5s';
const homeMade: IdentityProvider = {
  name: 'A back end of one’s own',
  algorithm: 'HS256',
  registrations: [
    {
      issuer: 'https://api.acme.example',
      audience: 'live',
      secret: homeMadeSecret,
      secretEncoding: 'base64',
      maxLifeSeconds: 7 * 24 * hour,
      claims: { userId: 'sub', role: 'role', name: 'name' },
    },
  ],
  tokens: [
    {
      kind: 'JWT that lives for a week',
      header: { typ: 'JWT' },
      claims: { iss: 'https://api.acme.example', aud: 'live', sub: 'user-42', role: 'host', name: 'Ann' },
      lifeSeconds: 7 * 24 * hour,
      expected: { userId: 'user-42', role: 'host', name: 'Ann' },
    },
    {
      kind: 'JWT whose user id is a number',
      header: { typ: 'JWT' },
      claims: { iss: 'https://api.acme.example', aud: 'live', sub: 42 },
      lifeSeconds: hour,
      expected: { refused: /user id \(sub\) must be a string|user id/ },
    },
    {
      kind: 'JWT that lives for a month',
      header: { typ: 'JWT' },
      claims: { iss: 'https://api.acme.example', aud: 'live', sub: 'user-42' },
      lifeSeconds: 31 * 24 * hour,
      expected: { refused: /lives too long/ },
    },
  ],
};

/** Every provider that the documentation has a page for. */
export const identityProviders: readonly IdentityProvider[] = [
  auth0,
  cognito,
  clerk,
  firebase,
  supabase,
  entra,
  okta,
  keycloak,
  google,
  homeMade,
];
