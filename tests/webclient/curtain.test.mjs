// A guest that changes its screen's size does not flash.

import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, mock, test } from "node:test";

import { Curtain } from "../../webclient/decode/curtain.js";

// Canvases of one colour, a grey of 0 to 255.
class OneColour {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.grey = 0;
  }

  getContext() {
    return {
      drawImage: (other) => {
        this.grey = other.grey;
      },
      getImageData: () => ({ data: Array.from({ length: 4 * 4 }, (_, at) => (at % 4 === 3 ? 255 : this.grey)) }),
    };
  }
}

describe("curtain", () => {
  let seen;
  let curtain;
  let told;
  const draw = (width, height, grey) => {
    curtain.stage(width, height).canvas.grey = grey;
    curtain.drawn();
  };

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout"] });
    globalThis.OffscreenCanvas = /** @type {any} */ (OneColour);
    seen = new OneColour(1, 1);
    told = [];
    curtain = new Curtain(seen, seen.getContext(), (width, height) => told.push([width, height, seen.grey]));
    draw(1000, 700, 0);
  });
  afterEach(() => mock.timers.reset());

  test("the first picture is shown at once, dark or not, and pictures of the same size always", () => {
    assert.deepEqual(told, [[1000, 700, 0]]);
    draw(1000, 700, 90);
    draw(1000, 700, 3);
    assert.equal(seen.grey, 3);
    assert.equal(told.length, 1);
  });

  test("of another size, dark pictures wait for one that is not", () => {
    draw(1000, 700, 90);
    draw(500, 350, 0);
    draw(500, 350, 10);
    assert.deepEqual([seen.width, seen.grey], [1000, 90], "the old one stays");
    draw(500, 350, 120);
    assert.deepEqual([seen.width, seen.grey], [500, 120]);
    assert.deepEqual(told.at(-1), [500, 350, 120]);
    mock.timers.tick(1000);
    assert.equal(told.length, 2);
  });

  test("a desktop that is dark is shown after a moment", () => {
    draw(1000, 700, 90);
    draw(500, 350, 0);
    mock.timers.tick(100);
    draw(500, 350, 5);
    mock.timers.tick(149);
    assert.equal(seen.width, 1000);
    mock.timers.tick(1);
    assert.deepEqual([seen.width, seen.height, seen.grey], [500, 350, 5]);
  });

  test("one size after the other: only the last is shown; back to the old one, that", () => {
    draw(1000, 700, 90);
    draw(500, 350, 0);
    draw(600, 400, 80);
    assert.deepEqual(told.slice(1), [[600, 400, 80]]);
    draw(700, 500, 0);
    draw(600, 400, 0);
    mock.timers.tick(1000);
    assert.deepEqual(told.slice(1), [[600, 400, 80]]);
    assert.equal(seen.grey, 0);
  });
});
