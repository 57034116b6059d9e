"""Where the picture is on the widget, and which of the guest's pixels the pointer is on."""

from hypothesis import given
from hypothesis import strategies as st

from thinclient.window.placing import Monitor, placed, spanned
from thinclient.window.rate import Rate

side = st.integers(1, 8192)
look = st.floats(-1, 2)


def test_one_pixel_is_one_pixel() -> None:
    placing = placed((1000, 800), (1000, 800), fits=True)
    assert (placing.scale, placing.left, placing.top) == (1.0, 0, 0)
    assert placing.to_guest(999.5, 0) == (999, 0)


def test_what_is_smaller_is_in_the_middle_and_what_is_larger_follows_the_pointer() -> None:
    small = placed((1000, 800), (800, 600), fits=False)
    assert (small.scale, small.left, small.top) == (1.0, 100, 100)
    assert not small.holds(99, 100)
    assert small.holds(100, 100)
    for at, left in ((0.0, 0), (0.5, -200), (1.0, -400)):
        assert placed((600, 600), (1000, 600), fits=False, look=(at, 0.5)).left == left


def test_it_fits() -> None:
    placing = placed((1000, 1000), (2000, 1000), fits=True)
    assert (placing.scale, placing.left, placing.top) == (0.5, 0, 250)
    assert placing.to_guest(500, 500) == (1000, 500)


@given(side, side, side, side, st.booleans(), look, look, st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_the_pointer_is_always_on_the_screen(
    room_x: int,
    room_y: int,
    width: int,
    height: int,
    fits: bool,
    at_x: float,
    at_y: float,
    x: float,
    y: float,
) -> None:
    placing = placed((room_x, room_y), (width, height), fits=fits, look=(at_x, at_y))
    column, row = placing.to_guest(x, y)
    assert 0 <= column < width
    assert 0 <= row < height
    if fits:
        assert placing.left >= 0
        assert placing.top >= 0
        assert placing.left + width * placing.scale <= room_x + 1
        assert placing.top + height * placing.scale <= room_y + 1


def test_before_there_is_a_picture() -> None:
    assert placed((100, 100), (0, 0), fits=True).scale == 1.0


def test_rates_are_of_the_last_seconds() -> None:
    rate = Rate()
    assert [rate.add(total) for total in (0, 1000, 1000, 1000, 1000)] == [
        "0 kB/s", "0 kB/s", "0 kB/s", "0 kB/s", "0 kB/s",
    ]  # fmt: skip
    rate = Rate()
    assert rate.add(2_000_000) == "2.0 MB/s"
    assert rate.add(2_000_000) == "1.0 MB/s"
    assert rate.add(2_000_000) == "667 kB/s"
    assert rate.add(2_000_000) == "0 kB/s"


def test_monitors_make_one_room_pixel_by_pixel() -> None:
    beside = [Monitor(0, 200, 1920, 1080, 1.0), Monitor(1920, 0, 1280, 1024, 2.0)]
    assert spanned(beside, places_are_pixels=True) == ((4480, 2048), ((0, 200), (1920, 0)))
    left_of_the_first = [Monitor(0, 0, 1000, 800, 1.0), Monitor(-800, 0, 800, 600, 1.0)]
    assert spanned(left_of_the_first, places_are_pixels=True) == ((1800, 800), ((800, 0), (0, 0)))


@given(st.lists(st.sampled_from([1.0, 1.25, 1.5, 2.0]), min_size=2, max_size=4))
def test_monitors_of_different_density_never_overlap(ratios: list[float]) -> None:
    row = [Monitor(1000 * at, 0, 1000, 800, ratio) for at, ratio in enumerate(ratios)]
    room, offsets = spanned(row, places_are_pixels=False)
    ends = [x + round(1000 * ratio) for (x, _), ratio in zip(offsets, ratios, strict=True)]
    assert all(end <= x for end, (x, _) in zip(ends, offsets[1:], strict=False))
    assert room == (ends[-1], round(800 * max(ratios)))


@given(side, side, st.integers(0, 8192), st.booleans())
def test_a_part_of_the_room_shows_what_is_there_of_the_whole(
    width: int, height: int, left: int, fits: bool
) -> None:
    whole = placed((2 * width, height), (width, height), fits=fits)
    part = whole.seen_from(left, 0)
    assert part.to_guest(10, 20) == whole.to_guest(10 + left, 20)
