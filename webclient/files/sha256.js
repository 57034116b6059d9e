// SHA-256 of what comes piece by piece, by hash-wasm: crypto.subtle wants everything at once.

const library = new URL("../vendor/sha256.umd.min.js", import.meta.url).href;

// → {update(bytes), digest()}; digest() says what it is so far, and more may follow.
export async function makeSha256() {
  await import(library); // it makes itself known as `hashwasm`
  const hasher = await globalThis.hashwasm.createSHA256();
  hasher.init();
  return {
    update: (bytes) => hasher.update(bytes),
    digest() {
      const state = hasher.save();
      const digest = hasher.digest("hex");
      hasher.load(state);
      return digest;
    },
  };
}
