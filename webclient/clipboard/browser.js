// The browser's own clipboard. Contents are {text, html, png}, see clipboard.js. HTML is data here: it is handed
// on and never made part of a page.

// Puts a content into it. Throws when the browser wants a gesture of the person first, or forbids it.
export async function write(content) {
  const { text, html, png } = content;
  if (!globalThis.ClipboardItem) {
    await navigator.clipboard.writeText(text ?? html ?? "");
    return;
  }
  const blob = (value, type) => new Blob([value], { type });
  const parts = {
    ...(text === undefined ? {} : { "text/plain": blob(text, "text/plain") }),
    ...(html === undefined ? {} : { "text/html": blob(html, "text/html") }),
    ...(png === undefined ? {} : { "image/png": png }),
  };
  try {
    await navigator.clipboard.write([new ClipboardItem(parts)]);
  } catch (error) {
    // A picture that the browser cannot decode, or a kind that it does not take: better the rest than nothing.
    if (error.name === "NotAllowedError" || text === undefined) throw error;
    await navigator.clipboard.writeText(text);
  }
}

// Whether it can be read without asking the person.
export async function isReadable() {
  try {
    const { state } = await navigator.permissions.query({ name: /** @type {PermissionName} */ ("clipboard-read") });
    return state === "granted";
  } catch {
    return false; // Firefox knows no such permission, and asks each time
  }
}

// Reads it; the browser may ask the person. Throws when it, or they, say no.
export async function read() {
  if (!navigator.clipboard.read) return { text: await navigator.clipboard.readText() };
  const found = {};
  for (const item of await navigator.clipboard.read()) {
    const get = async (type) => (item.types.includes(type) ? item.getType(type) : undefined);
    found.text ??= await (await get("text/plain"))?.text();
    found.html ??= await (await get("text/html"))?.text();
    found.png ??= await get("image/png");
  }
  return found;
}

// What a paste event brings.
export function pasted({ clipboardData }) {
  const files = [...clipboardData.files];
  return {
    text: clipboardData.getData("text/plain") || undefined,
    html: clipboardData.getData("text/html") || undefined,
    png: files.find(({ type }) => type === "image/png"),
  };
}

// A text that is the same for the same content, also after a clipboard has rewritten it: ends of lines, HTML that
// was cleaned, a picture that was encoded anew.
export async function mark({ text, html, png }) {
  if (text !== undefined) return `text ${text.replaceAll("\r\n", "\n")}`;
  if (png === undefined) return `html ${html}`;
  try {
    const picture = await createImageBitmap(png);
    const surface = new OffscreenCanvas(picture.width, picture.height).getContext("2d");
    surface.drawImage(picture, 0, 0);
    const { data } = surface.getImageData(0, 0, picture.width, picture.height);
    const digest = await crypto.subtle.digest("SHA-256", data);
    return `png ${picture.width} ${new Uint8Array(digest).join(" ")}`;
  } catch {
    return `png of ${png.size} bytes that cannot be shown`;
  }
}
