"""Modules of a kernel package, as Debian 12 and 13 lay and pack them."""

import lzma

import pytest

from sessions.images.errors import BuildFailed
from sessions.images.kernel import Kernel, modules_in_order


@pytest.fixture
def kernel(tmp_path):
    (tmp_path / "kernel/drivers").mkdir(parents=True)
    (tmp_path / "modules.builtin").write_text("kernel/fs/ext4.ko\n")
    (tmp_path / "kernel/plain.ko").write_bytes(b"ELF\0depends=\0")
    packed = lzma.compress(b"ELF\0depends=plain,ext4\0", check=lzma.CHECK_CRC32)
    (tmp_path / "kernel/drivers/virtio-gpu.ko.xz").write_bytes(packed)
    (tmp_path / "kernel/drivers/broken.ko.xz").write_bytes(packed[:20] + b"rubbish")
    return Kernel("6", tmp_path / "vmlinux", tmp_path / "kernel")


def test_packed_modules_are_unpacked_and_come_after_what_they_need(kernel):
    for _ in range(2):  # the second time from what the first has left
        needed, wanted = modules_in_order(kernel, ["virtio_gpu"])
        assert needed.name == "plain.ko"
        assert wanted.name == "virtio-gpu.ko"
        assert wanted.read_bytes() == b"ELF\0depends=plain,ext4\0"
    assert not list(kernel.modules.rglob("*.partial"))


@pytest.mark.parametrize(("name", "said"), [("nothing", "no module nothing"), ("broken", "damaged")])
def test_modules_that_cannot_be_had(kernel, name, said):
    with pytest.raises(BuildFailed, match=said):
        modules_in_order(kernel, [name])
