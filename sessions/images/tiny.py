"""Building the tiny test guest: Debian's kernel and a first file system with one program of ours."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from sessions.images import cpio, kernel, recipe
from sessions.images.commands import need, run
from sessions.images.errors import BuildFailed, Progress
from sessions.images.store import Image, ImageStore, describe, version_of, writes_to

TEXT_PORT = "org.tsgateway.text"
APPEND = (
    "console=ttyS0 quiet mitigations=off audit=0 apparmor=0 selinux=0 cryptomgr.notests 8250.nr_uarts=1"
    " no_timer_check"
)
MEMORY_MB = 128


def build(
    store: ImageStore, cache: Path, progress: Progress, *, force: bool = False, name: str = "tiny"
) -> Image:
    """Make the image, unless the one in the store is of the same recipe and kernel.

    cache: folder for what takes long and is wanted again (the unpacked kernel).
    Raises BuildFailed, ToolsMissing, DiskFull.
    """
    need("The tiny guest", "gcc", "strip", "/usr/include/libdrm/drm.h")
    source = recipe.folder("tiny")
    with writes_to(cache):
        cache.mkdir(parents=True, exist_ok=True)
    linux = kernel.prepare(cache, progress)
    made_from = recipe.fingerprint(source, linux.version, APPEND)
    if not force and (present := store.made_from(name, made_from)):
        return present
    progress(None, "making the tiny guest")
    with store.writing(name) as folder:
        (folder / "initrd").write_bytes(_initrd(source, linux))
        (folder / "vmlinux").write_bytes(linux.vmlinux.read_bytes())
        image = Image(
            name=name, folder=folder, kind="tiny", version=version_of(made_from), memory_mb=MEMORY_MB,
            kernel=folder / "vmlinux", initrd=folder / "initrd", append=APPEND, recipe=made_from,
            text_port=TEXT_PORT,
        )  # fmt: skip
        describe(folder, image)
    progress(100, "the tiny guest is ready")
    return store.get(name)


def _initrd(source: Path, linux: kernel.Kernel) -> bytes:
    with TemporaryDirectory(prefix="tsgateway-tiny-") as name:
        work = Path(name)
        entries = [
            *map(cpio.folder, ("dev", "proc", "sys", "modules")),
            cpio.console(),
            cpio.file("init", _compile(source, work), 0o755),
        ]
        parameters = _wanted_modules(source)
        files = []
        for module in kernel.modules_in_order(linux, parameters):
            stripped = work / module.name
            run(["strip", "--strip-debug", "-o", stripped, module], work)
            files.append((module.name, stripped.read_bytes()))
        return cpio.pack([*entries, *cpio.modules(files, parameters)])


def _wanted_modules(source: Path) -> dict[str, str]:
    """Module names and their parameters, from the recipe's list."""
    lines = (source / "modules.txt").read_text(encoding="utf-8").splitlines()
    words = [line.split(maxsplit=1) for line in lines if line.strip() and not line.startswith("#")]
    return {name: " ".join(rest) for name, *rest in words}


def _compile(source: Path, work: Path) -> bytes:
    (work / "font.h").write_text(_font_header(source / "font.txt"), encoding="ascii")
    program = work / "init"
    files = sorted(source.glob("*.c"))
    run(["gcc", "-static", "-Os", "-s", "-Wall", "-Wextra", "-I", work, "-o", program, *files], work)
    return program.read_bytes()


def _font_header(font: Path) -> str:
    """C for the font: each line a character and its eight rows of five cells, '#' for ink."""
    rows = {}
    for line in font.read_text(encoding="ascii").splitlines():
        character, cells = line[0], line[2:].split(" ")
        if len(cells) != 8 or any(len(row) != 5 for row in cells):
            raise BuildFailed(f"{font}: {character!r} needs eight rows of five cells")
        rows[character] = ",".join(str(int(row.replace(".", "0").replace("#", "1"), 2)) for row in cells)
    glyphs = "".join(f"    [{ord(character)}] = {{{numbers}}},\n" for character, numbers in rows.items())
    return f"static const unsigned char font[128][8] = {{\n{glyphs}}};\n"
