"""The planner on golden pictures: text stays exact, photographs go as stills, budgets hold."""

import numpy as np
from PIL import Image, ImageDraw

from sessions.encoders.base import FRAME_BYTES
from sessions.encoders.content import natural_tiles
from sessions.encoders.plan import Plan
from sessions.encoders.plan import plan as plan_tiles
from sessions.pixels.framebuffer import Pixels
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import Region
from tests.sessions.pixels.pictures import bgrx, photograph, text

SIZE = Size(1280, 800)


def plan(pixels: Pixels, damage: Region, stills: bool, budget: int = FRAME_BYTES) -> Plan:
    natural = natural_tiles(pixels, damage) if stills else np.zeros_like(damage.tiles)
    return plan_tiles(damage, natural, budget)


def drawing() -> Pixels:
    image = Image.new("RGB", SIZE, "#20242c")
    draw = ImageDraw.Draw(image)
    for i in range(60):
        draw.rounded_rectangle((i * 20, i * 10, i * 20 + 180, i * 10 + 90), 12, fill=(i * 4, 90, 200 - i))
    return bgrx(image)


def gradient() -> Pixels:
    return bgrx(Image.linear_gradient("L").resize(SIZE))


def test_text_and_drawings_are_never_lossy() -> None:
    for picture in (
        text(SIZE, 9),
        text(SIZE, 12),
        text(SIZE, 15, "lightgreen", "black"),
        drawing(),
        gradient(),
    ):
        chosen = plan(picture, Region.whole(SIZE), stills=True, budget=1 << 30)
        assert chosen.still == []
        assert chosen.exact == [Rect(0, 0, *SIZE)]


def test_a_photograph_is_a_still_and_the_text_around_it_is_not() -> None:
    screen = text(SIZE, 12)
    screen[160:640, 320:1088] = photograph(SIZE)[160:640, 320:1088]
    chosen = plan(screen, Region.whole(SIZE), stills=True, budget=1 << 30)
    inside = Region(SIZE)
    inside.add(Rect(320, 160, 768, 480))
    assert not (chosen.lossy.tiles & ~inside.tiles).any()
    assert chosen.lossy.tiles.sum() > 0.9 * inside.tiles.sum()


def test_only_damage_is_sent_and_every_tile_of_it_once() -> None:
    damage = Region(SIZE)
    damage.add(Rect(100, 100, 700, 500))
    chosen = plan(photograph(SIZE), damage, stills=True, budget=1 << 30)
    counts = np.zeros(SIZE[::-1], int)
    for rect in chosen.exact + chosen.still:
        counts[rect.y : rect.bottom, rect.x : rect.right] += 1
    expected = np.zeros_like(counts)
    for rect in damage.rects():
        expected[rect.y : rect.bottom, rect.x : rect.right] = 1
    assert np.array_equal(counts, expected)
    assert chosen.taken == damage


def test_small_natural_parts_are_cheap_enough_to_be_exact() -> None:
    damage = Region(SIZE)
    damage.add(Rect(0, 0, 128, 48))
    assert plan(photograph(SIZE), damage, stills=True).still == []


def test_a_viewer_without_stills_gets_none() -> None:
    assert plan(photograph(SIZE), Region.whole(SIZE), stills=False, budget=1 << 30).still == []


def test_the_budget_is_kept_from_the_top_and_nothing_is_lost() -> None:
    damage = Region.whole(SIZE)
    seen = Region(SIZE)
    while damage:
        chosen = plan(text(SIZE, 12), damage, stills=True, budget=1 << 20)
        assert 0 < sum(r.width * r.height * 4 for r in chosen.exact) <= 1 << 20
        assert not (seen.tiles & chosen.taken.tiles).any()
        seen.merge(chosen.taken)
        damage.tiles &= ~chosen.taken.tiles
    assert seen == Region.whole(SIZE)


def test_screens_smaller_than_a_tile() -> None:
    for size in (Size(1, 1), Size(3, 700), Size(700, 3)):
        picture = np.zeros(size[::-1], "<u4")
        assert plan(picture, Region.whole(size), stills=True).exact == [Rect(0, 0, *size)]
