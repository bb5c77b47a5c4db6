// Runs the npm package oidc-provider on loopback: node panva.mjs <port, 0 for a free one> <file of private keys, a JWK set>
// Prints "listening <issuer>" when it serves; reads the file of keys anew on SIGHUP, as a deployment of it rotates keys.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import Provider, { errors } from 'oidc-provider';

const [port, keysFile] = process.argv.slice(2);
const RESOURCES = new Set(['https://nexus.test', 'https://other.test']);
const OPAQUE = 'https://opaque.test';
const SCOPES = 'admin read:secret';

const configuration = () => ({
  clients: [{
    client_id: 'nexus-test',
    client_secret: 'secret-of-nexus-test-client',
    grant_types: ['client_credentials'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'client_secret_basic',
  }],
  scopes: ['openid', ...SCOPES.split(' ')],
  jwks: JSON.parse(readFileSync(keysFile, 'utf8')),
  ttl: { ClientCredentials: 600 },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
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
