// Which languages there are, and which one a person reads: the one chosen here, else the first that their browser
// asks for and we have. A language is added by a line here and by its files below strings/ and admin/strings/.

const KEY = "tsgateway.language";
export const FALLBACK = "en";

// By the code of the language: what it calls itself.
export const LANGUAGES = {
  en: "English",
  ja: "日本語",
};

// The code we have for one of the browser's ("ja-JP" → "ja"), or null.
function ours(code) {
  const parts = code.split("-");
  for (let length = parts.length; length > 0; length -= 1) {
    const known = Object.keys(LANGUAGES).find((each) => each.toLowerCase() === parts.slice(0, length).join("-").toLowerCase());
    if (known) return known;
  }
  return null;
}

// chosen: a code, or null; wanted: the browser's codes, the dearest first. → a code of LANGUAGES.
export function languageFor(chosen, wanted) {
  return [chosen ?? "", ...wanted].map(ours).find(Boolean) ?? FALLBACK;
}

// → what the person chose, null when they left it to the browser.
export function chosenLanguage() {
  try {
    const asked = new URLSearchParams(location.search).get("language");
    if (asked) return asked;
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be forbidden, or not there
  }
}

// Keeps the choice and reads everything anew in it. Where nothing can be kept, the address says it. code: of
// LANGUAGES, or null for the browser's.
export function chooseLanguage(code) {
  const address = new URL(location.href);
  address.searchParams.delete("language");
  try {
    if (code === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, code);
  } catch {
    if (code !== null) address.searchParams.set("language", code);
  }
  if (address.href === location.href) location.reload();
  else location.assign(address);
}

// What the browser asks for; tests without one read English.
const wanted = typeof document === "undefined" ? [] : navigator.languages;

export const language = languageFor(chosenLanguage(), wanted);
// For dates and numbers: with the country, where the browser names one for this language.
export const locale = wanted.find((each) => ours(each) === language) ?? language;

if (typeof document !== "undefined") document.documentElement.lang = language;
