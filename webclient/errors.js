// What went wrong, in the person's language. The server says it in English; for other languages strings/errors/ has
// sentences by its codes, and what is not among them stays as the server said it.

import { FALLBACK, language } from "./languages.js";
import { fill, t } from "./strings.js";

const sentences = language === FALLBACK ? {} : await import(`./strings/errors/${language}.js`).then(
  (module) => module.default,
  () => ({}), // a language may do without
);

// of: {status, code, message}, message "" where the server did not say anything. → a sentence.
export function inWords({ status, code, message }) {
  if (code === "unreachable") return t("api.unreachable");
  if (!message) return t("api.status", { status });
  return Object.hasOwn(sentences, code) ? fill(sentences[code], { message }) : message;
}
