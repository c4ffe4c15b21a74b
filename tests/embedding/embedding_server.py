"""An embedding server of the test's own on a free loopback port: answers POST /v1/embeddings as OpenAI does, or as badly as told.
A vector is what its words mean: words of one group share a direction, so "car" finds "automobile"."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIMENSIONS = 8
MEANINGS = [{"car", "automobile", "vehicle"}, {"dog", "puppy", "hound"}, {"paris", "france"}, {"bread", "baker", "loaf"}]


def embed(text, dimensions=DIMENSIONS):
    words = set("".join(c if c.isalpha() else " " for c in text.lower()).split())
    vector = [0.001] * dimensions
    for place, group in enumerate(MEANINGS):
        vector[place] += len(words & group)
    return vector


class EmbeddingServer:
    """behave: what the next answers are (see Answering.do_POST); a number: it refuses texts of more bytes. requests: (headers, body) of each."""

    def __init__(self, tls=None):
        self.behave, self.requests, self.port = "well", [], 0
        self.tls, self.server = tls, None
        self.released = threading.Event()  # what "slow" waits for

    def start(self):
        owner = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                owner.requests.append((dict(self.headers), body))
                how = owner.behave
                if how == "slow":
                    owner.released.wait(60)
                if how == "too many requests":
                    return self.answer(429, b"{}", {"Retry-After": "1"})
                if how == "broken":
                    return self.answer(500, b"oops")
                if how == "garbage":
                    return self.answer(200, b'{"data": [{"index": 0, "embedding": [1, NaN')
                if how == "endless":
                    return self.answer(200, b" " * (8 << 20))
                if how == "refuses poison" and any("poison" in text for text in body["input"]):
                    return self.answer(400, b'{"error": {"message": "too long"}}')
                if isinstance(how, int) and any(len(text.encode()) > how for text in body["input"]):
                    return self.answer(400, b'{"error": {"message": "the input length exceeds the context length"}}')
                if how == "refuses all":
                    return self.answer(400, b'{"error": {"message": "no such model"}}')
                dimensions = DIMENSIONS + (how == "wrong dimensions")
                data = [{"object": "embedding", "index": i, "embedding": embed(text, dimensions)} for i, text in enumerate(body["input"])]
                self.answer(200, json.dumps({"object": "list", "data": data[::-1]}).encode())

            def answer(self, status, body, headers=None):
                try:
                    self.send_response(status)
                    for name, value in (headers or {}).items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass  # it has given up on us

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, address):
                pass

        self.server = Server(("127.0.0.1", self.port), Answering)
        self.port = self.server.server_address[1]  # kept for a second start
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def stop(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()

    def texts(self):
        return [text for _, body in self.requests for text in body["input"]]

    def __enter__(self):
        return self.start()

    def __exit__(self, *what):
        self.stop()
