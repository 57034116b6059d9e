"""The floor: the least a single Python process must do for the same job, as a measure of this machine.

    python -m bench.floor PORT UPDATES     prints {"ready": true}, then {"cpu_ms": …, "bytes": …}

Raw RFB in, comparison by NumPy, one zstd stream at level 3, TLS out to itself; blocking sockets, no
sessions, no pacing, no gateway, nothing but the bytes. Processor time differs from machine to machine
and with what else runs; the product's figure divided by this one does so much less.
"""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time

import numpy as np
import zstandard
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bench.traces import HEIGHT, WIDTH


class Floor:
    def __init__(self, port: int) -> None:
        self.server = socket.create_connection(("127.0.0.1", port))
        self.server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.screen = np.zeros((HEIGHT, WIDTH), "<u4")
        self.block = np.empty(HEIGHT * WIDTH, "<u4")
        parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=24)
        self.stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
        self.out = encrypted_pipe()
        self.sent = 0

    def receive(self, view: memoryview) -> None:
        while view:
            view = view[self.server.recv_into(view) :]

    def exactly(self, count: int) -> bytes:
        data = bytearray(count)
        self.receive(memoryview(data))
        return bytes(data)

    def handshake(self) -> None:
        self.server.sendall(self.exactly(12))
        self.exactly(self.exactly(1)[0])
        self.server.sendall(b"\1")
        self.exactly(4)
        self.server.sendall(b"\1")
        self.exactly(20)
        self.exactly(struct.unpack(">I", self.exactly(4))[0])

    def update(self) -> None:
        self.server.sendall(struct.pack(">BBHHHH", 3, 1, 0, 0, WIDTH, HEIGHT))
        (count,) = struct.unpack(">xxH", self.exactly(4))
        for _ in range(count):
            x, y, width, height, _ = struct.unpack(">HHHHi", self.exactly(12))
            block = self.block[: width * height]
            self.receive(memoryview(block).cast("B"))
            new, old = block.reshape(height, width), self.screen[y : y + height, x : x + width]
            changed = (new != old).any(axis=1)
            if changed.any():
                old[:] = new
                self.send(self.stream.compress(new[changed].data))
        self.send(self.stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))

    def send(self, data: bytes) -> None:
        self.out.sendall(data)
        self.sent += len(data)


def encrypted_pipe() -> ssl.SSLSocket:
    """Return the server's end of a TLS connection whose other end only reads."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "floor")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate.public_bytes(serialization.Encoding.PEM))
        file.write(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        file.flush()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file.name)
    listener = socket.create_server(("127.0.0.1", 0))

    def read() -> None:
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        end = client.wrap_socket(socket.create_connection(listener.getsockname()))
        while end.recv(1 << 16):
            pass

    threading.Thread(target=read, daemon=True).start()
    return context.wrap_socket(listener.accept()[0], server_side=True)


def main() -> None:
    floor = Floor(int(sys.argv[1]))
    floor.handshake()
    updates = int(sys.argv[2])
    print(json.dumps({"ready": True}), flush=True)
    before = time.thread_time()
    for _ in range(updates):
        floor.update()
    cpu_ms = round((time.thread_time() - before) * 1000, 1)
    print(json.dumps({"cpu_ms": cpu_ms, "bytes": floor.sent}), flush=True)


if __name__ == "__main__":
    main()
