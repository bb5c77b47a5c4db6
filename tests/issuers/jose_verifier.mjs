// The npm package jose as a verifier of access tokens: one JSON request per line on stdin, one JSON verdict per line on stdout.
// A request is {token, keys, issuer, audience, algorithms}; a verdict {claims} or {refused}.
import { createInterface } from 'node:readline';
import { createLocalJWKSet, jwtVerify } from 'jose';

async function verdict({ token, keys, ...rules }) {
  try {
    const requiredClaims = ['iss', 'aud', 'exp', 'sub'];
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), { ...rules, requiredClaims });
    return { claims: payload };
  } catch (error) {
    return { refused: error.code ?? error.name };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await verdict(JSON.parse(line))));
}
