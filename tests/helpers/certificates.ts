/** One authority for a test file, and a server of this machine that it vouches for under these names. */
import { makeCertificates } from "../../scripts/lib/certificates.ts";

export const certificates = await makeCertificates(["push.example.net", "localhost"], ["127.0.0.1", "::1"]);
