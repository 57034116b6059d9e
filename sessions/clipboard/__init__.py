"""The clipboard between a guest and its viewers.

base        what a guest with a clipboard offers, and is told
contents    what may pass: sizes, pictures, ends of lines
agent       the clipboard of a QEMU guest, by the agent in there
vnc         the clipboard of a VNC server
transfers   contents in pieces, not faster than they are acknowledged
channel     the viewers' side, and who may do what
"""
