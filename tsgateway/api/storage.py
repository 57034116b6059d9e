"""What lies on the disk: guest images, and the disks that are kept for people."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sessions.guests.qemu import personal
from sessions.guests.qemu.warm.store import WarmStore
from sessions.images import ImageBroken, ImageError, ImageStore
from tsgateway.api.route import Answer, Call, May, Model, Route, on_gateway
from tsgateway.config import Config
from tsgateway.exchange import ApiError
from tsgateway.hosts.uses import ImageInUse, Uses, remove_image, uses_of_images
from tsgateway.layout import Layout
from tsgateway.policy import Action

if TYPE_CHECKING:
    from tsgateway.api.api import Api


class ImageItem(Model):
    """A guest image. used_by: what is made from it, in words; warm: whether guests start from it at once."""

    name: str
    kind: str
    version: str
    memory_mb: int
    bytes: int
    used_by: list[str]
    warm: bool


class Images(Model):
    """The images. broken: what lies among them and is none, in words."""

    images: list[ImageItem]
    broken: list[str]


class Disk(Model):
    """A disk kept for somebody. bytes: what they have written; problem: "" while it is fine."""

    desktop: str
    user: str
    image: str
    version: str
    made: float
    bytes: int
    in_use: bool
    problem: str


class Disks(Model):
    """The disks of personal desktops."""

    disks: list[Disk]


async def list_images(api: Api, call: Call) -> Answer:
    """List guest images."""
    return await api.files(_images, api.config, api.layout)


async def delete_image(api: Api, call: Call) -> Answer:
    """Remove an image that nothing is made from, and its warm templates."""
    try:
        await api.files(remove_image, api.config, api.layout, call.id)
    except ImageInUse as error:
        raise ApiError(409, "image_in_use", f"{error}.") from None
    except ImageError as error:
        raise ApiError(404, "no_such_image", f"{error}.") from None
    except OSError as error:
        raise ApiError(500, "not_removed", f"{error.filename or call.id}: {error.strerror}.") from None
    return None


async def list_disks(api: Api, call: Call) -> Answer:
    """List the disks that are kept for people."""
    found = await api.files(lambda: list(personal.kept_disks(api.layout.disks)))
    return {"disks": [dataclasses.asdict(each) for each in found]}


async def delete_disk(api: Api, call: Call) -> Answer:
    """Remove somebody's disk: their next session makes a new one. What they kept on it is lost."""
    desktop, user = call.parts["desktop"], call.parts["user"]
    try:
        removed = await api.files(personal.remove, api.layout.disks, desktop, user)
    except personal.DiskInUse:
        message = f"The disk of {user} for {desktop} is in use; end that session first."
        raise ApiError(409, "disk_in_use", message) from None
    except OSError as error:
        raise ApiError(500, "not_removed", f"{error.filename or desktop}: {error.strerror}.") from None
    if not removed:
        raise ApiError(404, "no_such_disk", f"No disk is kept for {user} in {desktop}.")
    return None


def _images(config: Config, layout: Layout) -> dict[str, Any]:
    uses = uses_of_images(config, layout)
    entries = ImageStore(layout.images).list()
    warm = {(one.image, one.version) for one in WarmStore(layout.warm).list()}
    return {
        "images": [
            {
                "name": one.name,
                "kind": one.kind,
                "version": one.version,
                "memory_mb": one.memory_mb,
                "bytes": one.size,
                "used_by": uses.get(one.name, Uses()).all,
                "warm": (one.name, one.version) in warm,
            }
            for one in entries
            if not isinstance(one, ImageBroken)
        ],
        "broken": [str(one) for one in entries if isinstance(one, ImageBroken)],
    }


ROUTES = (
    Route(
        "GET", "/api/v1/images", list_images, "List guest images", May(Action.SEE_IMAGES, on_gateway),
        answer=Images,
    ),
    Route(
        "DELETE", "/api/v1/images/{id}", delete_image, "Delete a guest image",
        May(Action.SET_IMAGES, on_gateway),
    ),
    Route(
        "GET", "/api/v1/disks", list_disks, "List people's disks", May(Action.SEE_IMAGES, on_gateway),
        answer=Disks,
    ),
    Route(
        "DELETE", "/api/v1/disks/{desktop}/{user}", delete_disk, "Remove somebody's disk",
        May(Action.SET_IMAGES, on_gateway),
    ),
)  # fmt: skip
