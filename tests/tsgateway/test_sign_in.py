import pytest_twisted

from tests.tsgateway.support import World

ME = "/api/v1/me"
LOGIN = "/api/v1/login"


@pytest_twisted.ensureDeferred
async def test_from_sign_in_to_the_picture(world: World):
    ada = await world.sign_in()
    assert (await ada.get(ME)).json == {"user": {"name": "ada", "groups": ["administrators", "users"]}}
    listed = (await ada.get("/api/v1/desktops")).json["desktops"]
    assert [desktop["id"] for desktop in listed] == ["one", "mine", "dying", "refused"]
    assert listed[0]["session"] is None
    session, ticket = await ada.ticket("one")
    viewer = await world.websocket()
    assert viewer.is_open
    viewer.send(b"")  # replaced below
