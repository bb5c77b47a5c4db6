// Runs the npm package oidc-provider on loopback: node panva.mjs <port, 0 for a free one> <file of private keys, a JWK set>
// Prints "listening <issuer>" when it serves; reads the file of keys anew on SIGHUP, as a deployment of it rotates keys.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider, { errors } from 'oidc-provider';

const [port, keysFile] = process.argv.slice(2);
const RESOURCES = new Set(['https://nexus.test', 'https://other.test']);
const OPAQUE = 'https://opaque.test';
const SCOPES = 'admin viewer read:secret';

const configuration = () => ({
  clients: [{
    client_id: 'nexus-test',
    client_secret: 'secret-of-nexus-test-client',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  }, {
    client_id: 'nexus-pages',
    client_secret: 'secret-of-the-pages-of-nexus',
    application_type: 'native', // whose redirect to loopback may be on any port (RFC 8252, section 7.3)
    grant_types: ['authorization_code'],
    redirect_uris: ['http://127.0.0.1/ui/callback', 'http://127.0.0.1/tools/nexus/ui/callback'],
    post_logout_redirect_uris: ['http://127.0.0.1/ui/sign-in', 'http://127.0.0.1/tools/nexus/ui/sign-in'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  scopes: ['openid', 'profile', ...SCOPES.split(' ')],
  claims: { openid: ['sub'], profile: ['name'] },
  conformIdTokenClaims: false,
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, name: `Name of ${id}` }) }),
  jwks: JSON.parse(readFileSync(keysFile, 'utf8')),
  ttl: {
    AccessToken: 600, AuthorizationCode: 60, ClientCredentials: 600, Grant: 600, IdToken: 600, Interaction: 600, Session: 600,
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true }, // its own forms: whoever comes is who they say
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo(_context, resource) {
        if (resource === OPAQUE) return { scope: SCOPES, accessTokenFormat: 'opaque' };
        if (!RESOURCES.has(resource)) throw new errors.InvalidTarget();
        return { scope: SCOPES, audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } };
      },
    },
  },
});

const server = createServer((request, response) => answer(request, response));
let answer;

server.listen(Number(port), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const configure = () => { answer = new Provider(issuer, configuration()).callback(); };
  configure();
  process.on('SIGHUP', configure);
  console.log(`listening ${issuer}`);
});
