"""What a session's guest plays, to its viewers; and a viewer's voice to the guest.

    channel   SoundChannel: who listens, who speaks
    cutting   sound cut into pieces of 10 ms with their times, and silence left out
    formats   how a piece becomes bytes: Opus, or plain samples

docs/sound.md tells how it works and what it costs.
"""

from sessions.sound.channel import SoundChannel

__all__ = ["SoundChannel"]
