"""What a browser can show at best: a page that does nothing but scroll 1920×1080 pixels in a worker.

The rows are moved in memory and all of them put on the canvas, at each of the worker's animation frames.
Nothing is received and nothing decoded, so no client of any kind is smoother in this browser on this machine.
"""

from __future__ import annotations

import json

from tests.e2e.browser import Browser

WORKER = """
self.onmessage = ({ data: { canvas, seconds } }) => {
  const [width, height, rows] = [1920, 1080, 60];
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { alpha: false });
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const began = performance.now();
  let [pictures, spent] = [0, 0];
  const draw = () => {
    const now = performance.now();
    if (now - began > 1000 * seconds) {
      self.postMessage({ pictures_a_second: 1000 * pictures / (now - began), drawing_ms: spent / pictures });
      return;
    }
    pixels.copyWithin(0, rows * width);
    pixels.fill(0xff000000 | 997 * pictures, (height - rows) * width);
    context.putImageData(image, 0, 0);
    pictures += 1;
    spent += performance.now() - now;
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
};
"""
PAGE = """(source, seconds) => new Promise((done) => {
  const canvas = document.createElement("canvas");
  canvas.style = "width: 1920px; height: 1080px; display: block";
  document.body.style.margin = 0;
  document.body.replaceChildren(canvas);
  const surface = canvas.transferControlToOffscreen();
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  worker.onmessage = ({ data }) => { worker.terminate(); done(data); };
  worker.postMessage({ canvas: surface, seconds }, [surface]);
})"""


def ceiling(browser: Browser, seconds: float) -> dict[str, float]:
    """Return pictures a second, and what the worker took for one; the browser shows another page then."""
    browser.open("about:blank")
    found = browser.evaluate(f"({PAGE})({json.dumps(WORKER)}, {seconds})")
    return {name: round(value, 2) for name, value in found.items()}
