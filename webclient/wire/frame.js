// Pictures: the message Frame and what is in it.

import { LimitExceeded, ProtocolError, Reader, u16, u32, u8, UnknownMessage } from "./fields.js";
import { Codec, Encoding, MAX_OPERATIONS, MAX_SCREEN, MAX_VIDEO_STREAMS } from "./numbers.js";

export function readFrame(reader) {
  const number = reader.u32();
  const flags = reader.u8();
  const count = reader.u16();
  const length = reader.u32();
  if (count > MAX_OPERATIONS) throw new LimitExceeded(`Frame: ${count} operations, at most ${MAX_OPERATIONS}`);
  const heads = new Reader(reader.take(13 * count));
  const history = reader.take(length);
  const operations = [];
  for (let index = 0; index < count; index += 1) operations.push(readOperation(heads, reader));
  if (reader.left) throw new ProtocolError(`Frame: ${reader.left} bytes too many`);
  return { name: "Frame", number, flags, operations, history };
}

function readOperation(head, reader) {
  const encoding = head.u8();
  const [x, y, width, height] = [head.u16(), head.u16(), head.u16(), head.u16()];
  const size = head.u32();
  if (encoding > Encoding.VIDEO) throw new UnknownMessage(`Frame: unknown encoding ${encoding}`);
  checkRectangle(x, y, width, height);
  if (encoding === Encoding.COPY && size !== 4) throw new ProtocolError(`Frame: ${size} bytes of data for a copy`);
  const data = reader.take(size);
  if (encoding === Encoding.COPY) checkRectangle(...copySource(data), width, height);
  if (encoding === Encoding.VIDEO) videoPicture(data);
  return { encoding, x, y, width, height, data };
}

// Where the pixels of a COPY operation stand now: [x, y] of their top left corner.
export function copySource(data) {
  const reader = new Reader(data);
  return [reader.u16(), reader.u16()];
}

// The data of a VIDEO operation: {stream, codec, flags, chunk}, the next picture of one of the videos.
export function videoPicture(data) {
  if (data.length < 4) throw new ProtocolError(`Frame: ${data.length} bytes of data for a video`);
  const [stream, codec, flags] = data;
  if (stream >= MAX_VIDEO_STREAMS) {
    throw new LimitExceeded(`Frame: video ${stream}, they are numbered below ${MAX_VIDEO_STREAMS}`);
  }
  if (codec > Codec.AV1) throw new UnknownMessage(`Frame: unknown codec ${codec}`);
  return { stream, codec, flags, chunk: data.subarray(3) };
}

function checkRectangle(x, y, width, height) {
  if (!width || !height || x + width > MAX_SCREEN || y + height > MAX_SCREEN) {
    throw new ProtocolError(`Frame: no such rectangle: ${width}×${height} at ${x},${y}`);
  }
}

// Viewers never send frames; the tests do.
export function writeFrame({ number, flags, operations, history }, out) {
  u32("number").write(number, out);
  u8("flags").write(flags, out);
  u16("count").write(operations.length, out);
  u32("history").write(history.length, out);
  for (const { encoding, x, y, width, height, data } of operations) {
    u8("encoding").write(encoding, out);
    for (const value of [x, y, width, height]) u16("rectangle").write(value, out);
    u32("data").write(data.length, out);
  }
  out.put(history);
  for (const { data } of operations) out.put(data);
}
