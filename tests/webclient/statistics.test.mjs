import assert from "node:assert/strict";
import { test } from "node:test";

import { Statistics } from "../../webclient/session/statistics.js";
import { Codec, Encoding } from "../../webclient/wire/tsg.js";

test("which ways the picture comes: the most frequent first, each once a frame, since the last reading", () => {
  const statistics = new Statistics();
  const rectangle = { x: 0, y: 0, width: 960, height: 540 };
  const video = { ...rectangle, encoding: Encoding.VIDEO, data: Uint8Array.of(0, Codec.H264, 0, 1) };
  const exact = { ...rectangle, encoding: Encoding.HISTORY, data: new Uint8Array() };
  statistics.read(0);
  for (let frame = 0; frame < 28; frame += 1) statistics.travelled([video, ...(frame % 2 ? [exact, exact] : [])]);
  assert.deepEqual(statistics.read(1000).ways, [
    { way: "video", detail: "H.264 960×540", rate: 28 },
    { way: "exact", detail: "", rate: 14 },
  ]);
  assert.deepEqual(statistics.read(2000).ways, []);
  for (let width = 1; width < 40; width += 1) statistics.travelled([{ ...video, width }]);
  assert.equal(statistics.read(3000).ways.length, 4);
});
