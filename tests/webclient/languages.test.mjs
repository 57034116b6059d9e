// Every language says the same: the same keys with the same {places}, in each folder of sentences, and everything
// the client asks for is there.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { LANGUAGES, languageFor } from "../../webclient/languages.js";

const CLIENT = new URL("../../webclient/", import.meta.url);
const FOLDERS = ["strings/", "admin/strings/"];

async function tablesOf(folder) {
  const files = readdirSync(new URL(folder, CLIENT)).filter((name) => name.endsWith(".js"));
  const tables = await Promise.all(files.map((name) => import(new URL(folder + name, CLIENT))));
  return new Map(files.map((name, at) => [name.slice(0, -".js".length), tables[at].default]));
}

const placesOf = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

for (const folder of FOLDERS) {
  test(`${folder} has a file for each language that is offered, and no other`, async () => {
    assert.deepEqual([...(await tablesOf(folder)).keys()].sort(), Object.keys(LANGUAGES).sort());
  });

  test(`${folder} has the same keys in every language`, async () => {
    const tables = await tablesOf(folder);
    const english = Object.keys(tables.get("en"));
    for (const [language, table] of tables) {
      const keys = new Set(Object.keys(table));
      assert.deepEqual(english.filter((key) => !keys.has(key)), [], `${language} lacks some`);
      assert.deepEqual([...keys].filter((key) => !english.includes(key)), [], `${language} has more`);
    }
  });

  test(`${folder} has the same places for values in every language`, async () => {
    const tables = await tablesOf(folder);
    for (const [key, text] of Object.entries(tables.get("en"))) {
      for (const [language, table] of tables) {
        assert.ok(table[key].trim() === table[key] && table[key], `${language}: "${key}" is empty or has blanks around it`);
        assert.deepEqual(placesOf(table[key]), placesOf(text), `${language}: places of "${key}"`);
      }
    }
  });

  // What a sentence of another language is equal to in English has most likely been forgotten.
  test(`${folder} is translated`, async () => {
    const tables = await tablesOf(folder);
    const same = [];
    for (const [language, table] of tables) {
      if (language === "en") continue;
      for (const [key, text] of Object.entries(tables.get("en"))) {
        if (table[key] === text && /[a-z]{3}/i.test(text.replaceAll(/\{\w+\}/g, "")) && key !== "product") same.push(`${language}: ${key}`);
      }
    }
    assert.deepEqual(same, []);
  });
}

test("no sentence is written twice in a file, where the second would silently win", () => {
  for (const folder of FOLDERS) {
    for (const language of Object.keys(LANGUAGES)) {
      const lines = readFileSync(new URL(`${folder}${language}.js`, CLIENT), "utf8").split("\n");
      const keys = lines.map((line) => /^ {2}"?([\w.-]+)"?: /.exec(line)?.[1]).filter(Boolean);
      assert.deepEqual(keys.filter((key, at) => keys.indexOf(key) !== at), [], `${folder}${language}.js`);
    }
  }
});

function* scripts(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.name === "node_modules") continue;
    if (entry.isDirectory()) yield* scripts(new URL(`${entry.name}/`, folder));
    else if (entry.name.endsWith(".js")) yield new URL(entry.name, folder);
  }
}

test("every sentence that a script names is there", async () => {
  const known = new Set();
  for (const folder of FOLDERS) Object.keys((await tablesOf(folder)).get("en")).forEach((key) => known.add(key));
  const missing = [];
  for (const script of scripts(CLIENT)) {
    for (const [, key] of readFileSync(script, "utf8").matchAll(/\bt\("([^"]+)"/g)) {
      if (!known.has(key)) missing.push(`${script.pathname.split("/").at(-1)}: ${key}`);
    }
  }
  assert.deepEqual(missing, []);
});

test("the language is the one chosen, else the browser's dearest that is there, else English", () => {
  assert.equal(languageFor(null, ["fr-FR", "ja-JP", "en"]), "ja");
  assert.equal(languageFor("en", ["ja"]), "en");
  assert.equal(languageFor(null, ["en-GB", "ja"]), "en");
  assert.equal(languageFor("xx", ["ja"]), "ja", "a choice that is not there any more does not count");
  assert.equal(languageFor(null, ["fr", "de-AT"]), "en");
  assert.equal(languageFor(null, []), "en");
  assert.equal(languageFor("__proto__", ["constructor"]), "en");
});

// ---- what the server says

test("each sentence for an error is for a code that the server has", async () => {
  const folder = new URL("../../tsgateway/", import.meta.url);
  const python = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".py"))
    .map((name) => readFileSync(new URL(name, folder), "utf8")).join("\n");
  for (const language of Object.keys(LANGUAGES)) {
    if (language === "en") continue;
    const { default: table } = await import(new URL(`strings/errors/${language}.js`, CLIENT));
    assert.deepEqual(Object.keys(table).filter((code) => !python.includes(`"${code}"`)), [], language);
    for (const text of Object.values(table)) assert.deepEqual(placesOf(text).filter((name) => name !== "message"), []);
  }
});

// A module that waits while it is loaded makes a worker deaf: what is posted to it meanwhile is lost.
test("the session's worker waits for no sentences", () => {
  const seen = new Set();
  const walk = (script) => {
    if (seen.has(script.href)) return;
    seen.add(script.href);
    const code = readFileSync(script, "utf8");
    const waits = code.split("\n").filter((line) => /^[a-z].*\bawait /.test(line) && !/\basync\b/.test(line));
    assert.deepEqual(waits, [], script.pathname);
    for (const [, name] of code.matchAll(/^(?:import|export) .*?from "(\.[^"]+)";$/gms)) walk(new URL(name, script));
  };
  walk(new URL("session/worker.js", CLIENT));
  assert.ok(seen.size > 5);
});
