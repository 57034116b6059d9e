"""What builds of the desktop image do to each other in their common cache."""

import threading

import pytest

from sessions.images.desktop import WORK, _alone, _as_root, _Installing
from sessions.images.errors import BuildFailed

PATIENCE = 180


def quiet(percent, text):
    pass


def test_what_a_killed_build_left_is_removed(tmp_path):
    (tmp_path / f"{WORK}x/root/etc").mkdir(parents=True)
    (tmp_path / "packages-1.tar").touch()
    said = []
    with _alone(tmp_path, lambda percent, text: said.append(text)):
        assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "packages-1.tar"]
    assert said == ["tidying up after an interrupted build"]


def test_a_second_build_waits_for_the_first(tmp_path):
    waits, let_in = threading.Event(), threading.Event()

    def second():
        with _alone(tmp_path, lambda percent, text: waits.set()):
            let_in.set()

    with _alone(tmp_path, quiet):
        (tmp_path / f"{WORK}first").mkdir()
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(PATIENCE)
        assert not let_in.is_set()
        assert (tmp_path / f"{WORK}first").exists()
    assert let_in.wait(PATIENCE)
    thread.join()


def test_installing_moves_package_by_package():
    shown = []
    installing = _Installing(lambda percent, text: shown.append((percent, text)))
    installing.line("I: installing remaining packages inside the chroot...")
    installing.line("0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.")
    for line in (
        "Get:1 http:x a 1",
        "Get:2 http:x b 1",
        "Unpacking a (1) ...",
        "Unpacking b (1) ...",
        "Processing triggers",
        "Setting up b (1) ...",
    ):
        installing.line(line)
    installing.line("Setting up a (1) ...")
    installing.line("Setting up one that was not counted (1) ...")
    installing.line("I: cleaning package lists and apt cache...")
    assert [percent for percent, _ in shown] == [30, 35, 40, 45, 50, 55, 60, 60]
    assert [text for _, text in shown] == ["installing the desktop"] * 7 + ["packing it up"]


@pytest.mark.parametrize(
    ("words", "last"), [("echo no more paint;", "no more paint"), ("", "it said nothing")]
)
def test_how_far_it_was_is_no_last_word(tmp_path, words, last):
    shown = []
    script = f"{words} echo 'STEP 40 adding our files'; exit 3"
    with pytest.raises(BuildFailed, match=rf"failed \(3\): {last}$") as failed:
        _as_root(["sh", "-c", script], tmp_path, lambda percent, text: shown.append((percent, text)))
    assert "STEP" not in failed.value.detail
    assert shown == [(72, "adding our files")]
