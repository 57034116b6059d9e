// JPEG operations: one JPEG file a rectangle, decoded by the browser.

import { DecodeError } from "./errors.js";

// Width and height that a JPEG file states. A few bytes can promise an enormous picture, so this is
// compared with the operation's rectangle before the browser takes memory. Throws DecodeError.
export function jpegSize(bytes) {
  const u16 = (at) => (bytes[at] << 8) | bytes[at + 1];
  let at = 2;
  if (bytes.length < 4 || u16(0) !== 0xffd8) throw new DecodeError("not a JPEG file");
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    const isFrameHeader = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrameHeader) return { width: u16(at + 7), height: u16(at + 5) };
    at += 2 + u16(at + 2);
  }
  throw new DecodeError("a JPEG file without a picture");
}

// Returns a promise of an ImageBitmap of exactly the operation's size. Throws DecodeError.
export async function decodeJpeg({ data, width, height }) {
  const stated = jpegSize(data);
  if (stated.width !== width || stated.height !== height) {
    throw new DecodeError(`a JPEG of ${stated.width}×${stated.height} for ${width}×${height}`);
  }
  try {
    /** @type {ImageBitmapOptions} */
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    return await createImageBitmap(new Blob([data], { type: "image/jpeg" }), options);
  } catch (error) {
    throw new DecodeError(`the browser refuses a JPEG: ${error.message}`);
  }
}
