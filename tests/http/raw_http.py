"""HTTP by hand over a socket: sends any bytes, and reads answers one at a time without forgiving anything."""

import json
import socket

ENVELOPE = {"status", "code", "data", "message", "errors"}


class RawAnswer:
    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def field(self, name):
        found = [value for its_name, value in self.fields if its_name == name]
        assert len(found) < 2, f"{name} came {len(found)} times"
        return found[0] if found else None

    @property
    def json(self):
        return json.loads(self.body.decode("utf-8"))

    @property
    def closes(self):
        return (self.field("connection") or "").lower() == "close"


class RawConnection:
    def __init__(self, port, timeout=10, socket_made=None):
        self.socket = socket_made or socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)
        return self

    def more(self):
        """False at the end of the connection."""
        got = self.socket.recv(65536)
        self.buffer += got
        return bool(got)

    def answer(self, to_head=False):
        """The next answer, interim ones too; None when the connection ended without one."""
        while b"\r\n\r\n" not in self.buffer:
            if not self.more():
                assert not self.buffer, f"half an answer: {self.buffer!r}"
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        first, *lines = head.decode("latin-1").split("\r\n")
        version, status = first.split(" ")[:2]
        assert version == "HTTP/1.1", first
        fields = [(name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines)]
        answer = RawAnswer(int(status), fields, b"")
        length = 0 if to_head or status in ("100", "204") else int(answer.field("content-length"))
        while len(self.buffer) < length:
            assert self.more(), "the connection ended within a body"
        answer.body, self.buffer = self.buffer[:length], self.buffer[length:]
        return answer

    def rest(self):
        """All that comes until the other side closes."""
        while self.more():
            pass
        return self.buffer


def request(start="GET /api/v1/health HTTP/1.1", *lines, body=b"", host=True):
    """The bytes of a request; lines may be text or bytes."""
    head = [start] + (["Host: holdfast"] if host else []) + list(lines)
    encoded = [line if isinstance(line, bytes) else line.encode("latin-1") for line in head]
    return b"\r\n".join(encoded) + b"\r\n\r\n" + body


def with_json(start, body, *lines):
    payload = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request(start, f"Content-Length: {len(payload)}", "Content-Type: application/json", *lines, body=payload)
