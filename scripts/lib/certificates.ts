/** Certificates made for one run: an authority, and a server that it vouches for. Nothing of them is kept. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY = 86_400_000;

/** All in PEM. */
export type Certificates = { ca: string; cert: string; key: string };

/** An authority and a server's certificate for these host names and IP addresses, for so many days from now on. */
export async function makeCertificates(names: string[], addresses: string[], days = 1): Promise<Certificates> {
  const [authority, server] = await Promise.all([makeKeys(), makeKeys()]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: "CN=Carillon test authority",
    keys: authority,
    signingAlgorithm: ECDSA,
    extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
  });
  const cert = await x509.X509CertificateGenerator.create({
    ...validity(days),
    subject: "CN=Carillon test server",
    issuer: ca.subject,
    publicKey: server.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: ECDSA,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: "dns" as const, value })),
        ...addresses.map((value) => ({ type: "ip" as const, value })),
      ]),
    ],
  });
  const key = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", server.privateKey), "PRIVATE KEY");
  return { ca: ca.toString("pem"), cert: cert.toString("pem"), key };
}

async function makeKeys(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(ECDSA, true, ["sign", "verify"]) as CryptoKeyPair;
}

/** Less than none: it has expired. */
function validity(days = 1) {
  return { notBefore: new Date(Date.now() - 10 * DAY), notAfter: new Date(Date.now() + days * DAY) };
}
