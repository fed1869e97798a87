/** A WebCrypto of another runtime, whose keys are written or read in another form: what is under it stays real. */
type Oddity = "exports another form" | "imports no minimal form";

export function oddSubtle(oddity: Oddity): SubtleCrypto {
  const { subtle } = crypto;
  const exportKey = async (format: "pkcs8", key: CryptoKey) => {
    const der = new Uint8Array(await subtle.exportKey(format, key));
    // An attribute behind the key, as RFC 5958 allows.
    return oddity === "exports another form" ? new Uint8Array([...der, 0xa0, 0]) : der;
  };
  const importKey = async (...args: Parameters<SubtleCrypto["importKey"]>) => {
    if (oddity === "imports no minimal form") throw new DOMException("no public key", "DataError");
    return await subtle.importKey(...args);
  };
  return new Proxy(subtle, {
    get(target, name) {
      if (name === "exportKey") return exportKey;
      if (name === "importKey") return importKey;
      const value = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
