// Drives one browser for the tests: a JSON command a line on standard input, an answer a line on standard
// output. {"id": 1, "do": "click", "selector": "button"} → {"id": 1, "result": …} or {"id": 1, "error": "…"}.
// Chromium by its DevTools protocol, Firefox by WebDriver BiDi.

import { createInterface } from "node:readline";

import puppeteer from "puppeteer-core";

const [, , browserName, executablePath, profile, voice] = process.argv;

// Keeps Chromium to itself: no update checks, no field trials, no reports.
const QUIET = [
  "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync",
  "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--no-first-run", "--no-pings",
  "--no-default-browser-check", "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
  "--metrics-recording-only", "--disable-breakpad", "--password-store=basic", "--disable-dev-shm-usage",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE 198.18.77.1",
];

const FIREFOX = {
  "app.update.enabled": false, "app.normandy.enabled": false, "browser.safebrowsing.downloads.enabled": false,
  "browser.safebrowsing.malware.enabled": false, "browser.safebrowsing.phishing.enabled": false,
  "datareporting.policy.dataSubmissionEnabled": false, "toolkit.telemetry.enabled": false,
  "network.captive-portal-service.enabled": false, "network.connectivity-service.enabled": false,
  "extensions.getAddons.cache.enabled": false, "services.settings.server": "data:,", "browser.region.network.url": "",
  "dom.disable_beforeunload": true, "signon.rememberSignons": false, "browser.startup.homepage_override.mstone": "ignore",
  // How long a page waits for the worker that owns a canvas when it reads that canvas. A worker that opens a
  // WebSocket waits for the page: each waits for the other until this is over, 10 s by default (see canvas()
  // in browser.py).
  "gfx.offscreencanvas.snapshot-timeout-ms": 250,
};

// A microphone that hears a file, and a person who lets the page use it.
const SPEAKING = [
  "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", `--use-file-for-fake-audio-capture=${voice}`,
];

function launchOptions() {
  const common = { executablePath, headless: true, acceptInsecureCerts: true, userDataDir: profile, dumpio: false };
  if (browserName === "firefox") {
    return { ...common, browser: "firefox", protocol: "webDriverBiDi", extraPrefsFirefox: FIREFOX };
  }
  const sandbox = process.getuid() === 0 ? ["--no-sandbox"] : []; // Chromium's sandbox refuses to run for root
  return { ...common, browser: "chrome", args: [...QUIET, ...sandbox, ...(voice ? SPEAKING : [])] };
}

const browser = await puppeteer.launch(launchOptions());
const page = (await browser.pages())[0] ?? (await browser.newPage());
const log = [];
page.on("console", (message) => log.push(`${message.type()}: ${message.text()}`));
page.on("pageerror", (error) => log.push(`error: ${error.message}`));

// Whoever leaves a page with something unfinished is asked; the tests mean it.
page.on("dialog", (dialog) => dialog.type() === "beforeunload" && dialog.accept());

const TIMEOUT = 120_000;
// To WebDriver, "Enter" is the one of the number block; U+E006 is the other.
const named = (key) => (browserName === "firefox" && key === "Enter" ? "\ue006" : key);
// What Shift makes of a US keyboard's keys. Puppeteer would press the key alone, which nobody can.
const SHIFTED = /^[A-Z~!@#$%^&*()_+{}|:"<>?]$/;
const found = (selector) => page.waitForSelector(selector, { visible: true, timeout: TIMEOUT });

// use(element)'s value, once there is such an element. A handle that was kept would keep its whole page from going.
async function of(selector, use) {
  const element = await found(selector);
  const value = await use(element);
  await element.dispose();
  return value;
}

// Runs in the page. Where a person would click on an element: its middle, once it stands still from one
// picture to the next, within the window, and nothing lies over it; null until then.
async function target(selector) {
  const find = () => document.querySelector(selector)?.getBoundingClientRect();
  const before = find();
  await new Promise((next) => requestAnimationFrame(next));
  const at = find();
  if (!before || !at || !at.width || !at.height) return null;
  if (["x", "y", "width", "height"].some((side) => at[side] !== before[side])) return null;
  const [x, y] = [at.x + at.width / 2, at.y + at.height / 2];
  const element = document.querySelector(selector);
  if (element.contains(document.elementFromPoint(x, y))) return { x, y };
  if (x < 0 || y < 0 || x > innerWidth - 1 || y > innerHeight - 1) element.scrollIntoView({ block: "nearest", inline: "nearest" });
  return null;
}

async function click(selector) {
  const spot = await page.waitForFunction(target, { polling: "raf", timeout: TIMEOUT }, selector);
  const { x, y } = await spot.jsonValue();
  await spot.dispose();
  // Not mouse.click(): with WebDriver it leaves no trace of where the pointer is, and the next move would come
  // from where the last one ended.
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.up();
}

const commands = {
  open: ({ url }) => page.goto(url, { waitUntil: "load", timeout: TIMEOUT }).then(() => null),
  reload: () => page.reload({ timeout: TIMEOUT }).then(() => null),
  address: () => page.url(),
  click: ({ selector }) => click(selector),
  wait: async ({ selector, gone }) => {
    if (gone) await page.waitForSelector(selector, { hidden: true, timeout: TIMEOUT });
    else await of(selector, () => null);
  },
  type: async ({ selector, text }) => {
    if (selector) await click(selector);
    for (const character of text) {
      const isShifted = SHIFTED.test(character);
      if (isShifted) await page.keyboard.down("ShiftLeft");
      await page.keyboard.type(character);
      if (isShifted) await page.keyboard.up("ShiftLeft");
    }
  },
  key: ({ key }) => page.keyboard.press(named(key)),
  down: ({ key }) => page.keyboard.down(named(key)),
  // As people paste. Chromium's debugger has to be told what the key does; Firefox knows.
  paste: async () => {
    await page.keyboard.down("ControlLeft");
    await page.keyboard.down("KeyV", browserName === "firefox" ? {} : { commands: ["Paste"] });
    await page.keyboard.up("KeyV");
    await page.keyboard.up("ControlLeft");
  },
  permit: async ({ permissions }) => {
    await browser.defaultBrowserContext().overridePermissions(new URL(page.url()).origin, permissions);
  },
  up: ({ key }) => page.keyboard.up(named(key)),
  insert: ({ text }) => page.keyboard.sendCharacter(text),
  compose: async ({ steps, text }) => {
    const devtools = await page.createCDPSession();
    for (const step of steps) {
      await devtools.send("Input.imeSetComposition", { text: step, selectionStart: step.length, selectionEnd: step.length });
    }
    await devtools.send("Input.insertText", { text });
    await devtools.detach();
  },
  move: ({ x, y, steps }) => page.mouse.move(x, y, { steps: steps ?? 1 }),
  press: ({ button }) => page.mouse.down({ button: button ?? "left" }),
  release: ({ button }) => page.mouse.up({ button: button ?? "left" }),
  wheel: ({ dx, dy }) => page.mouse.wheel({ deltaX: dx ?? 0, deltaY: dy ?? 0 }),
  tap: ({ x, y }) => page.touchscreen.tap(x, y),
  // fingers: of each step, the places [x, y] of all that touch; from the first to the last, then all are lifted.
  touch: async ({ steps }) => {
    const devtools = await page.createCDPSession();
    let down = 0;
    for (const places of steps) {
      const touchPoints = places.map(([x, y], id) => ({ x, y, id }));
      const type = places.length > down ? "touchStart" : places.length < down ? "touchEnd" : "touchMove";
      down = places.length;
      await devtools.send("Input.dispatchTouchEvent", { type, touchPoints });
    }
    if (down) await devtools.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
    await devtools.detach();
  },
  composing: async ({ text }) => {
    const devtools = await page.createCDPSession();
    await devtools.send("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
    await devtools.detach();
  },
  evaluate: ({ script }) => page.evaluate(script),
  text: ({ selector }) => of(selector, (element) => element.evaluate((node) => node.innerText)),
  choose: async ({ selector, paths }) => {
    const input = await page.waitForSelector(selector, { timeout: TIMEOUT });
    await input.uploadFile(...paths);
  },
  downloads: async ({ folder }) => {
    const devtools = await browser.target().createCDPSession();
    await devtools.send("Browser.setDownloadBehavior", { behavior: "allow", downloadPath: folder });
  },
  screenshot: async ({ path }) => {
    await page.screenshot({ path });
  },
  viewport: ({ width, height, scale, mobile }) => page.setViewport({
    width, height, deviceScaleFactor: scale ?? 1, ...(mobile ? { isMobile: true, hasTouch: true } : {}),
  }),
  // How many nodes and listeners there are in the end, when what nobody holds has gone.
  held: async () => {
    const devtools = await page.createCDPSession();
    await devtools.send("HeapProfiler.collectGarbage");
    const { Nodes, JSEventListeners } = await page.metrics();
    await devtools.detach();
    return [Nodes, JSEventListeners];
  },
  scheme: ({ scheme }) => page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]),
  offline: ({ offline }) => page.setOfflineMode(offline),
  log: () => log,
};

const answer = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
answer({ id: 0, result: await browser.version() });

for await (const line of createInterface({ input: process.stdin })) {
  const { id, do: name, ...values } = JSON.parse(line);
  try {
    answer({ id, result: (await commands[name](values)) ?? null });
  } catch (error) {
    answer({ id, error: `${name} ${JSON.stringify(values).slice(0, 300)}: ${error.message}` });
  }
}
await browser.close();
