// How the guest's screen lies in the window, and what is remembered of it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { edgePull, fit, moved, toGuest, wishedSize } from "../../webclient/session/scaling.js";
import { SIZES, View } from "../../webclient/session/view.js";

const box = { width: 1000, height: 700 };

describe("scalings", () => {
  test("one to one: device pixels, whatever the display's density; what is larger is seen from its middle", () => {
    for (const ratio of [1, 1.25, 1.5, 2, 3]) {
      const placed = fit(box, { width: 4000, height: 3000 }, ratio, { mode: "exact" });
      assert.ok(placed.exact);
      assert.equal(placed.width * ratio, 4000);
      for (const side of [placed.left * ratio, placed.top * ratio]) assert.ok(Math.abs(side - Math.round(side)) < 1e-9);
    }
    const small = fit(box, { width: 400, height: 300 }, 1, { mode: "exact" });
    assert.deepEqual([small.left, small.top, small.scale], [300, 200, 1]);
    const large = fit(box, { width: 2000, height: 1400 }, 1, { mode: "exact" });
    assert.deepEqual([large.left, large.top], [-500, -350]);
  });

  test("sharp: whole factors only, and all of it where not even one fits", () => {
    const factor = (width, height, ratio) => fit(box, { width, height }, ratio, { mode: "sharp" }).scale * ratio;
    assert.equal(factor(400, 300, 1), 2);
    assert.equal(factor(501, 300, 1), 1);
    assert.equal(factor(1000, 700, 2), 2);
    assert.equal(factor(1001, 700, 2), 1);
    assert.equal(factor(2000, 700, 1), 0.5);
    assert.ok(fit(box, { width: 400, height: 300 }, 1.5, { mode: "sharp" }).exact);
  });

  test("a picture that is larger than the window never leaves a gap at an edge", () => {
    for (const centre of [{ x: 0, y: 0 }, { x: 1, y: 1 }, { x: -3, y: 7 }, { x: 0.5, y: 0.2 }]) {
      const { left, top, width, height } = fit(box, { width: 1600, height: 1200 }, 1, { mode: "exact", centre });
      assert.ok(left <= 0 && left + width >= box.width, `${left}`);
      assert.ok(top <= 0 && top + height >= box.height, `${top}`);
    }
  });

  test("zooming keeps the pixel under the fingers, and moving moves by what was asked", () => {
    const screen = { width: 1000, height: 700 };
    const place = { x: 600, y: 400 };
    const before = fit(box, screen, 1);
    const centre = moved(box, before, place, { x: 0, y: 0 }, 2);
    const after = fit(box, screen, 1, { zoom: 2, centre });
    assert.deepEqual(toGuest(place, after, screen), toGuest(place, before, screen));
    const further = fit(box, screen, 1, { zoom: 2, centre: moved(box, after, place, { x: -30, y: 20 }, 1) });
    assert.deepEqual([further.left - after.left, further.top - after.top], [-30, 20]);
  });

  test("a scale that is kept stays while a keyboard takes half of the window", () => {
    const screen = { width: 1000, height: 700 };
    const placed = fit({ width: 1000, height: 350 }, screen, 1, { scale: 1, centre: { x: 0.5, y: 650 / 700 } });
    assert.deepEqual([placed.scale, placed.top], [1, -350], "what is written at the lower end is in view");
  });

  test("edges pull only where there is more to see", () => {
    const placed = { left: -100, top: 0, width: 1100, height: 700 };
    assert.deepEqual(edgePull(box, placed, { x: 500, y: 350 }, 48), { x: 0, y: 0 });
    assert.ok(edgePull(box, placed, { x: 2, y: 350 }, 48).x > 0.9);
    assert.deepEqual(edgePull(box, placed, { x: 999, y: 699 }, 48), { x: 0, y: 0 }, "both ends are in view");
  });

  test("all pixels of a dense display", () => {
    assert.deepEqual(wishedSize(1440, 900, 2), [1440, 900]);
    assert.deepEqual(wishedSize(1440, 900, 2, true), [2880, 1800]);
    assert.deepEqual(wishedSize(1440, 900, 1.5, true), [2160, 1350]);
  });
});

describe("what is remembered of a desktop", () => {
  const shelf = () => {
    const kept = new Map();
    return {
      kept, getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value), removeItem: (key) => kept.delete(key),
    };
  };

  test("each has its own, and only what differs from the beginning is kept", () => {
    const storage = shelf();
    const one = new View("office", storage);
    one.choose("scaling", "sharp");
    one.choose("size", "1280x800");
    assert.deepEqual(new View("office", storage).fixed, [1280, 800]);
    assert.equal(new View("other", storage).scaling, "fit");
    one.choose("scaling", "fit");
    one.choose("size", "auto");
    assert.equal(storage.kept.size, 0);
  });

  test("nonsense in the storage, and a storage that fails, cost nothing", () => {
    for (const text of ["", "{", "null", "7", '{"scaling":"huge","size":"1x1","fingers":null}', '{"scaling":["fit"]}']) {
      const storage = shelf();
      storage.kept.set("tsgateway.view.office", text);
      const view = new View("office", storage);
      assert.deepEqual([view.scaling, view.size, view.fingers, view.keyboard], ["fit", "auto", "direct", "keys"]);
    }
    const full = { getItem: () => { throw new Error("no"); }, setItem: () => { throw new Error("full"); } };
    const view = new View("office", full);
    view.choose("scaling", "exact");
    assert.equal(view.scaling, "exact");
    assert.throws(() => view.choose("scaling", "huge"));
  });

  test("a desktop that becomes known later brings what was chosen for it", () => {
    const storage = shelf();
    new View("office", storage).choose("size", "dense");
    const view = new View(null, storage);
    view.choose("scaling", "exact");
    view.belongsTo("office");
    assert.deepEqual([view.size, view.fixed], ["dense", null]);
    assert.ok(SIZES.every((size) => size === "auto" || size === "dense" || /^\d+x\d+$/.test(size)));
  });
});
