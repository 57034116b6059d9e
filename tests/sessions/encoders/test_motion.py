"""Videos are found where tiles keep changing, and nowhere else."""

import numpy as np

from sessions.encoders.motion import Motion
from sessions.pixels.geometry import Rect, Size
from sessions.pixels.region import Grid, Region

SIZE = Size(1920, 1080)


def tiles(*rects: Rect) -> Grid:
    region = Region(SIZE)
    for rect in rects:
        region.add(rect)
    return region.tiles


def watched(changes: list[Grid], every: float) -> list[Rect]:
    motion = Motion(SIZE)
    for number, changed in enumerate(changes):
        motion.saw(changed, changed, number * every)
    return sorted(motion.places(tiles()))


PLAYER = Rect(320, 160, 960, 544)
SMALL = Rect(1600, 800, 192, 144)


def test_the_third_picture_in_a_row_makes_a_video() -> None:
    assert watched([tiles(PLAYER)] * 2, 1 / 30) == []
    assert watched([tiles(PLAYER)] * 3, 1 / 30) == [PLAYER]


def test_ten_pictures_a_second_are_a_video_and_two_are_none() -> None:
    assert watched([tiles(PLAYER)] * 12, 1 / 10) == [PLAYER]
    assert watched([tiles(PLAYER)] * 12, 1 / 2) == []


def test_two_videos_far_apart_are_two() -> None:
    assert watched([tiles(PLAYER, SMALL)] * 4, 1 / 30) == sorted([PLAYER, SMALL])


def test_what_is_small_is_none() -> None:
    assert watched([tiles(Rect(64, 64, 256, 64))] * 9, 1 / 30) == []


def test_what_lies_scattered_is_none() -> None:
    rng = np.random.default_rng(1)
    few = rng.random(tiles().shape) < 0.1
    assert watched([few] * 9, 1 / 30) == []


def test_a_part_that_stands_still_now_and_then_belongs_to_it() -> None:
    rng = np.random.default_rng(1)
    shape = tiles().shape
    pictures = [tiles(PLAYER) & (rng.random(shape) < 0.7) for _ in range(15)]
    [place] = watched(pictures, 1 / 30)
    assert place == PLAYER


def test_what_was_only_moved_is_forgotten() -> None:
    motion = Motion(SIZE)
    for number in range(5):
        motion.saw(tiles(PLAYER, SMALL), tiles(PLAYER, SMALL), number / 30)
    motion.forget(tiles(PLAYER))
    assert motion.places(tiles()) == [SMALL]


def test_what_has_stopped_cools_down() -> None:
    motion = Motion(SIZE)
    for number in range(30):
        motion.saw(tiles(PLAYER), tiles(PLAYER), number / 30)
    motion.saw(tiles(), tiles(), 3.0)
    assert motion.places(tiles()) == []


def test_time_that_goes_back_does_no_harm() -> None:
    motion = Motion(SIZE)
    for now in (5.0, 1.0, 0.0):
        motion.saw(tiles(PLAYER), tiles(PLAYER), now)
    assert motion.places(tiles()) == [PLAYER]


def test_the_sky_belongs_to_a_film_that_is_natural_elsewhere_and_drawings_are_none() -> None:
    motion, drawn = Motion(SIZE), Motion(SIZE)
    ground = Rect(PLAYER.x, PLAYER.y + 352, PLAYER.width, PLAYER.height - 352)
    for number in range(5):
        motion.saw(tiles(PLAYER), tiles(ground), number / 30)
        drawn.saw(tiles(PLAYER), tiles(ground._replace(height=64)), number / 30)
    assert motion.places(tiles()) == [PLAYER]
    assert drawn.places(tiles()) == []


def test_a_second_film_is_found_where_it_touches_one_that_plays() -> None:
    motion = Motion(SIZE)
    second = Rect(PLAYER.right - 64, PLAYER.bottom, 640, 320)
    for number in range(5):
        changed = tiles(PLAYER, second)
        motion.saw(changed, changed, number / 30)
    assert motion.places(tiles(PLAYER)) == [second]
