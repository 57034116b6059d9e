// Small pieces of the page.

const SVG = "http://www.w3.org/2000/svg";

// The address of a file of the client, of the same version as this one. name: from the client's folder.
export const asset = (name) => new URL(name, import.meta.url).pathname;

const ICONS = asset("images/icons.svg");

// An element: attributes by name, listeners as on<name> functions, children as nodes or texts.
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// An icon of images/icons.svg; it says nothing to screen readers.
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${ICONS}#${name}`);
  svg.append(use);
  return svg;
}

export function setIcon(button, name) {
  button.querySelector("use").setAttribute("href", `${ICONS}#${name}`);
}

export function iconButton(name, label, onclick, attributes = {}) {
  const basics = { type: "button", class: "icon-button", "aria-label": label, title: label, onclick };
  return h("button", { ...basics, ...attributes }, icon(name));
}

export function logo() {
  return h("img", { class: "logo", src: asset("images/logo.svg"), alt: "", width: 40, height: 40 });
}

// Says something to screen readers only.
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

// Adds a style sheet, once. name: from the client's folder. → a promise that it is there.
export function stylesheet(name) {
  const href = asset(name);
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const fail = () => {
      link.remove();
      reject(new Error(`${href} could not be loaded`));
    };
    const link = h("link", { rel: "stylesheet", href, onload: resolve, onerror: fail });
    document.head.append(link);
  });
}

// Hands a Blob to the person as a file of this name.
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
