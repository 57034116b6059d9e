"""`tsadmin disk` and `image`: what lies on the gateway's disk."""

from __future__ import annotations

import datetime

import click

from tsgateway.admin.command import Gateway, Group, Said, command, confirm, note, yes_option
from tsgateway.admin.names import DESKTOP, IMAGE, USER
from tsgateway.admin.text import amount, clean, table


@command("list", examples=(("tsadmin disk list", "whose disks there are, and how large"),))
def list_disks(gateway: Gateway) -> Said:
    """List the disks that are kept for people.

    SIZE is what a person has written; VERSION that of the image the disk was made on.
    """
    found = gateway.client.list_disks()["disks"]
    if not found:
        return Said([], ["No personal disks are kept."])
    rows = [
        (
            each["desktop"],
            each["user"],
            each["image"],
            amount(each["bytes"]),
            datetime.date.fromtimestamp(each["made"]).isoformat() if each["made"] else "",
            "yes" if each["in_use"] else "no",
            f"cannot be used: {each['problem']}" if each["problem"] else each["version"],
        )
        for each in found
    ]
    return Said(found, table("DESKTOP|USER|IMAGE|>SIZE|MADE|IN USE|VERSION", rows), head=True)


@command(
    "reset",
    examples=(("tsadmin disk reset desktop1 user1", "user1 begins with an empty disk in desktop1"),),
)
@click.argument("desktop", type=DESKTOP)
@click.argument("user", type=USER)
@yes_option
def reset_disk(gateway: Gateway, desktop: str, user: str, yes: bool) -> Said:
    """Remove the disk of USER for DESKTOP; the next session makes a new one, from the image of that day.

    What the person has kept on it is lost.
    """
    confirm(f"Everything that {user} has kept in {desktop} is lost. Remove it?", yes)
    gateway.client.delete_disk(desktop, user)
    return Said({"desktop": desktop, "user": user}, [f"Removed: the disk of {user} for {desktop}."])


@command("list", examples=(("tsadmin image list", "images, their sizes, and what is made from them"),))
def list_images(gateway: Gateway) -> Said:
    """List the guest images.

    USED: by how many guests, desktops and personal disks. START: warm where guests start at once, as copies
    of one that has booted.
    """
    told = gateway.client.list_images()
    rows = [
        (
            each["name"], each["kind"], amount(each["bytes"]), f"{each['memory_mb']} MB",
            len(each["used_by"]), "warm" if each["warm"] else "boot", each["version"],
        )
        for each in told["images"]
    ]  # fmt: skip
    for problem in told["broken"]:
        note(clean(problem))
    if not rows:
        return Said(
            told, ["There are no images; `tsgateway image build` on the gateway's machine makes one."]
        )
    return Said(told, table("NAME|KIND|>SIZE|>MEMORY|>USED|START|VERSION", rows), head=True)


@command("delete", examples=(("tsadmin image delete old", "the image `old`, if nothing is made from it"),))
@click.argument("name", type=IMAGE)
@yes_option
def delete_image(gateway: Gateway, name: str, yes: bool) -> Said:
    """Remove the image NAME and its warm templates, if no desktop, guest or personal disk is made from it."""
    confirm(f"Remove the image {name}?", yes)
    gateway.client.delete_image(name)
    return Said({"image": name}, [f"Removed: the image {name}."])


disk = Group("disk", list_disks, reset_disk, help="List people's own disks, and give them new ones.")
image = Group("image", list_images, delete_image, help="List and delete guest images.")
