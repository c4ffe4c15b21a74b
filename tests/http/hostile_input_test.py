"""Hostile input: framing that two programs could read in two ways, malformed JSON, slow and greedy clients, and
the modes of what the daemon writes."""

import json
import os
import pathlib
import socket
import stat
import threading
import time
import unittest

from holdfast_process import Holdfast
from raw_http import ENVELOPE, RawConnection, request, with_json

SMUGGLED = request("GET /api/v1/users HTTP/1.1")
USER = b'{"name":"smuggled"}'
POST = "POST /api/v1/users HTTP/1.1"
GET = "GET /api/v1/health HTTP/1.1"
CHUNKED = b"13\r\n" + USER + b"\r\n0\r\n\r\n"
CLIENT_HELLO = bytes.fromhex("160301007b010000770303") + bytes(range(32)) + bytes(80)


def posted(*lines, body=USER, start=POST, host=True):
    return request(start, *lines, body=body, host=host)


def framing_forms():
    """name: (the bytes, the statuses that refuse them)"""
    length = f"Content-Length: {len(USER)}"
    forms = {
        "length and chunked": (posted(length, "Transfer-Encoding: chunked", body=CHUNKED), {400}),
        "chunked and length": (posted("Transfer-Encoding: chunked", length, body=CHUNKED), {400}),
        "length 0 and chunked": (posted("Content-Length: 0", "Transfer-Encoding: chunked", body=CHUNKED), {400}),
        "two equal lengths": (posted(length, length), {400}),
        "two different lengths": (posted(length, "Content-Length: 0"), {400}),
        "two lengths in two cases": (posted(length, "CONTENT-LENGTH: 0"), {400}),
        "1.0 and chunked": (posted("Transfer-Encoding: chunked", body=CHUNKED, start="POST /api/v1/users HTTP/1.0"), {400}),
        "1.0, length and chunked": (
            posted(length, "Transfer-Encoding: chunked", body=CHUNKED, start="POST /api/v1/users HTTP/1.0"), {400}),
        "two transfer encodings": (
            posted("Transfer-Encoding: chunked", "Transfer-Encoding: identity", body=CHUNKED), {400, 501}),
        "folded transfer encoding": (posted("Transfer-Encoding:", " chunked", body=CHUNKED), {400}),
    }
    for coding in ("chunked", "Chunked", "CHUNKED", "chunked ", "\tchunked", "chunked\t", "gzip", "identity", "xchunked",
                   "chunked, identity", "identity, chunked", "gzip, chunked", "chunked;q=1", '"chunked"', "", "x"):
        forms[f"transfer encoding {coding!r}"] = (posted(f"Transfer-Encoding: {coding}", body=CHUNKED), {400, 501})
        forms[f"length and transfer encoding {coding!r}"] = (
            posted(length, f"Transfer-Encoding: {coding}"), {400, 501})
    forms["transfer encoding with vertical tab"] = (posted(b"Transfer-Encoding: \x0bchunked", body=CHUNKED), {400, 501})
    for value in ("5, 5", "5,5", "+5", "-1", "-0", "0x10", "5 5", "", " ", "5;", "1e1", "5.0", "five", "\u00b2", "5\x00",
                  "18446744073709551616", "99999999999999999999999999", "9" * 400):
        forms[f"length {value!r}"[:60]] = (posted(f"Content-Length: {value}", body=b"hello"), {400})
    # A number, and more than anybody may send: refused without reading a byte of it.
    for value in ("18446744073709551615", "9223372036854775807", "9223372036854775808", "4294967296"):
        forms[f"length {value}"] = (posted(f"Content-Length: {value}", body=b"hello"), {413})
    return forms


def header_forms():
    forms = {
        "no host": (request(GET, host=False), {400}),
        "two hosts": (request(GET, "Host: other"), {400}),
        "two equal hosts": (request(GET, "Host: holdfast"), {400}),
        "space before a colon": (posted(f"Content-Length : {len(USER)}"), {400}),
        "tab before a colon": (posted(f"Content-Length\t: {len(USER)}"), {400}),
        "folded line": (request(GET, "X-A: b", " c"), {400}),
        "folded line with a tab": (request(GET, "X-A: b", "\tc"), {400}),
        "folded first line": (request(GET, " X-A: b", host=False), {400}),
        "bare LF after the request line": (b"GET /api/v1/health HTTP/1.1\nHost: x\r\n\r\n", {400}),
        "bare LF in a field": (b"GET /api/v1/health HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n", {400}),
        "bare LF all over": (b"GET /api/v1/health HTTP/1.1\nHost: x\n\n", {400}),
        "bare CR in a value": (b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-A: b\rX-B: c\r\n\r\n", {400}),
        "bare CR after the request line": (b"GET /api/v1/health HTTP/1.1\rHost: x\r\n\r\n", {400}),
        "CR CR LF": (b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\r\n\r\n", {400}),
        "LF CR": (b"GET /api/v1/health HTTP/1.1\n\rHost: x\r\n\r\n", {400}),
        "field without a colon": (request(GET, "nothing"), {400}),
        "field without a name": (request(GET, ": nothing"), {400}),
        "header without an end": (b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n", {400}),
        "65 fields": (request(GET, *[f"X-{i}: {i}" for i in range(64)]), {431}),
        "65 fields of one name": (request(GET, *["X-A: b"] * 64), {431}),
        "more than 8 KiB": (request(GET, "X-A: " + "b" * 8192), {431}),
        "more than 8 KiB of target": (request(f"GET /{'a' * 8200} HTTP/1.1"), {431, 414}),
        "100 KiB": (request(GET, *["X-A: " + "b" * 1000] * 100), {431}),
        "two Connection": (request(GET, "Connection: close", "Connection: keep-alive"), {400}),
        "two Expect": (posted("Expect: 100-continue", "Expect: 100-continue", "Content-Length: 5", body=b"hello"), {400}),
        "unknown Expect": (posted("Expect: 200-ok", "Content-Length: 5", body=b"hello"), {417}),
        "compressed": (posted("Content-Encoding: gzip", "Content-Length: 5", body=b"hello"), {415}),
        "two keys": (request(GET, "X-API-Key: a", "X-API-Key: b"), {400}),
        "two Authorizations": (request(GET, "Authorization: Bearer a", "Authorization: Bearer b"), {400}),
        "two idempotency keys": (request(GET, "Idempotency-Key: a", "Idempotency-Key: b"), {400}),
    }
    for host in ("a, b", "a,b", "u@h", "a/b", "a b", "h\x7f", "h\xe9"):
        forms[f"host {host!r}"] = (request(GET, f"Host: {host}", host=False), {400})
    for byte in list(range(0x00, 0x20)) + [0x7F]:
        raw = bytes([byte])
        if raw not in (b"\t", b"\r", b"\n"):
            forms[f"control byte {byte:#x} in a value"] = (request(GET, b"X-A: b" + raw + b"c"), {400})
        if raw not in (b"\r", b"\n"):
            forms[f"control byte {byte:#x} in a name"] = (request(GET, b"X" + raw + b"A: b"), {400})
    for raw in (b" ", b'"', b"(", b"/", b"[", b"{", b"@", b"\\", b"=", b"\x80", b"\xff"):
        forms[f"{raw!r} in a name"] = (request(GET, b"X" + raw + b"A: b"), {400})
    return forms


def start_line_forms():
    forms = {
        "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), {400, 505}),
        "TLS on the plain port": (CLIENT_HELLO, {400}),
        "absolute form": (request("GET http://holdfast/api/v1/health HTTP/1.1"), {400}),
        "asterisk form": (request("OPTIONS * HTTP/1.1"), {400, 405}),
        "authority form": (request("CONNECT holdfast:80 HTTP/1.1"), {400, 405}),
        "no slash": (request("GET api/v1/health HTTP/1.1"), {400}),
        "no target": (request("GET HTTP/1.1"), {400}),
        "empty target": (request("GET  HTTP/1.1"), {400}),
        "two spaces": (request("GET  /api/v1/health HTTP/1.1"), {400}),
        "space in the target": (request("GET /api/v1/health x HTTP/1.1"), {400}),
        "tab as separator": (request("GET\t/api/v1/health\tHTTP/1.1"), {400}),
        "space before the method": (request(" GET /api/v1/health HTTP/1.1"), {400}),
        "space after the version": (request("GET /api/v1/health HTTP/1.1 "), {400}),
        "no version": (request("GET /api/v1/health"), {400}),
        "HTTP/0.9": (b"GET /api/v1/health\r\n\r\n", {400}),
        "a method that is no token": (request("GE(T /api/v1/health HTTP/1.1"), {400}),
        "a method with NUL": (request("G\0ET /api/v1/health HTTP/1.1"), {400}),
        "malformed percent": (request("GET /api/v1/users/%zz HTTP/1.1"), {400}),
        "cut off percent": (request("GET /api/v1/users/%4 HTTP/1.1"), {400}),
        "malformed percent in the query": (request("GET /api/v1/users?name=%f HTTP/1.1"), {400}),
        "%00 in the query": (request("GET /api/v1/users?name=a%00b HTTP/1.1"), {400}),
    }
    for version in ("HTTP/1.2", "HTTP/2.0", "HTTP/9.9", "HTTP/1.10", "HTTP/1", "HTTP/01.1", "http/1.1", "HTTP/1,1", "HTTPS/1.1",
                    "ICY/1.1", "HTTP/+1.1"):
        forms[f"version {version}"] = (request(f"GET /api/v1/health {version}"), {400, 505})
    for byte in (0x00, 0x01, 0x0B, 0x1B, 0x7F, 0x80, 0xA0, 0xC3, 0xFF):
        forms[f"byte {byte:#x} in the target"] = (request(b"GET /api/v1/users/a".decode() + chr(byte) + " HTTP/1.1"), {400})
        forms[f"byte {byte:#x} in the query"] = (request("GET /api/v1/users?name=" + chr(byte) + " HTTP/1.1"), {400})
    for code in ("%00", "%0d%0a", "%0a", "%1f", "%7f", "a%00.txt"):
        forms[f"{code} in a path"] = (request(f"GET /api/v1/users/{code} HTTP/1.1"), {400})
    return forms


class Framing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Holdfast()
        cls.d.start()

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def tearDown(self):
        self.assertIsNone(self.d.process.poll(), "the daemon ended")
        self.assertEqual(self.d.get("/api/v1/health").status, 200)
        self.assertEqual([u for u in self.d.get("/api/v1/users").data["users"] if u["name"] == "smuggled"], [])

    def check_refused(self, sent, statuses):
        with RawConnection(self.d.port) as connection:
            connection.send(sent + SMUGGLED)
            answer = connection.answer()
            self.assertIsNotNone(answer, "closed without an answer")
            self.assertIn(answer.status, statuses, answer.body)
            self.assertEqual(set(answer.json), ENVELOPE)
            self.assertEqual((answer.json["status"], answer.json["code"], answer.json["data"]), ("error", answer.status, None))
            self.assertTrue(answer.closes, answer.fields)
            self.assertEqual(connection.rest(), b"", "more than one answer")

    def check_all(self, forms):
        for name, (sent, statuses) in forms.items():
            with self.subTest(name):
                self.check_refused(sent, statuses)

    def test_ambiguous_framing(self):
        self.check_all(framing_forms())

    def test_malformed_headers(self):
        self.check_all(header_forms())

    def test_malformed_request_lines(self):
        self.check_all(start_line_forms())

    def test_a_refusal_in_the_middle_of_a_pipeline_ends_it(self):
        with RawConnection(self.d.port) as connection:
            connection.send(request() + posted("Transfer-Encoding: chunked", body=CHUNKED) + SMUGGLED)
            self.assertEqual(connection.answer().status, 200)
            self.assertIn(connection.answer().status, (400, 501))
            self.assertEqual(connection.rest(), b"")

    def test_paths_that_climb_are_just_unknown(self):
        for path in ("/api/v1/users/..%2f..%2fetc%2fpasswd", "/..%2f..%2fetc/passwd", "/api/v1/users/../users",
                     "/api/v1/sessions/%2e%2e/messages", "/../../etc/passwd", "/api/v1/users/%2e%2e%2f%2e%2e", "//api/v1/users",
                     "/api/v1//users", "/status.js%2f..%2f..%2fetc", "/api/v1/dead-letters/..%2f..%2fjournal/retry"):
            with self.subTest(path), RawConnection(self.d.port) as connection:
                connection.send(request(f"GET {path} HTTP/1.1") + request())
                first = connection.answer()
                self.assertIn(first.status, (400, 404, 405), first.body)
                self.assertEqual(set(first.json), ENVELOPE)
                self.assertNotIn(b"root:", first.body)
                if not first.closes:
                    self.assertEqual(connection.answer().status, 200)

    def test_an_escaped_slash_does_not_separate_segments(self):
        for path in ("/api/v1%2fusers", "/health%2flive", "/api%2Fv1%2Fhealth"):
            with self.subTest(path), RawConnection(self.d.port) as connection:
                self.assertEqual(connection.send(request(f"GET {path} HTTP/1.1")).answer().status, 404)

    def test_escaped_bytes_that_are_not_utf8(self):
        for start in ("GET /api/v1/users/%ff", "GET /api/v1/users?name=%ff", "GET /api/v1/sessions/%c0%80/messages",
                      "GET /api/v1/sessions?name=%ed%a0%80", "DELETE /api/v1/dead-letters/%ff", "GET /%fe",
                      "GET /api/v1/sessions?user_id=%ff", "GET /api/v1/agents?name=%80%80"):
            with self.subTest(start), RawConnection(self.d.port) as connection:
                answer = connection.send(request(start + " HTTP/1.1")).answer()
                self.assertLess(answer.status, 500, answer.body)
                self.assertEqual(set(answer.json), ENVELOPE)  # and so it is valid UTF-8

    def test_every_method_is_answered_and_framed(self):
        for method in ("PATCH", "OPTIONS", "TRACE", "FOO", "get", "A" * 200):
            with self.subTest(method), RawConnection(self.d.port) as connection:
                connection.send(request(f"{method} /api/v1/users HTTP/1.1") + request())
                first = connection.answer()
                self.assertEqual(first.status, 405)
                self.assertIn("GET", first.field("allow"))
                self.assertEqual(connection.answer().status, 200)

    def test_an_answer_to_head_has_no_body(self):
        """RFC 9110, 9.3.2: whatever the status; a body would be read as the next answer."""
        for path in ("/api/v1/health", "/api/v1/users", "/nowhere"):
            with self.subTest(path), RawConnection(self.d.port) as connection:
                connection.send(request(f"HEAD {path} HTTP/1.1") + request())
                first = connection.answer(to_head=True)
                self.assertIn(first.status, (200, 404, 405))
                if not first.closes:
                    self.assertEqual(connection.answer().status, 200)
                self.assertEqual(connection.buffer, b"")


class GoodForms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Holdfast()
        cls.d.start()

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def connect(self):
        connection = RawConnection(self.d.port)
        self.addCleanup(connection.socket.close)
        return connection

    def test_pipelined_requests_are_answered_in_order(self):
        connection = self.connect()
        names = [f"pipelined {i}" for i in range(30)]
        connection.send(b"".join(with_json(POST, {"name": name}) for name in names))
        self.assertEqual([connection.answer().json["data"]["user"]["name"] for _ in names], names)
        connection.send(b"".join(request(f"GET /api/v1/users?name=pipelined+{i} HTTP/1.1") for i in range(30)))
        self.assertEqual([connection.answer().json["data"]["users"][0]["name"] for _ in names], names)

    def test_a_request_in_one_byte_pieces(self):
        connection = self.connect()
        for byte in with_json(POST, {"name": "in pieces"}):
            connection.send(bytes([byte]))
        self.assertEqual(connection.answer().status, 201)

    def test_forms_of_a_header_that_are_right(self):
        body = b'{"name":"'
        for i, lines in enumerate((["content-length:{}"], ["CONTENT-LENGTH: {}"], ["Content-Length: \t {} \t"],
                                   ["Content-Length: 00{}"], ["Content-Length: {}", "X-Empty:"],
                                   ["Content-Length: {}", "X-Latin: caf\xe9"], ["Content-Length: {}", "Content-Encoding: identity"],
                                   ["Content-Length: {}"] + [f"X-{n}: n" for n in range(62)],
                                   ["Content-Length: {}", "X-Long: " + "v" * 7900])):
            with self.subTest(lines[-1][:40]):
                payload = body + f'right {i}"}}'.encode()
                connection = self.connect()
                connection.send(request(POST, *[line.replace("{}", str(len(payload))) for line in lines], body=payload))
                self.assertEqual(connection.answer().status, 201)
                self.assertEqual(connection.send(request()).answer().status, 200)

    def test_hosts_that_are_right(self):
        for host in ("localhost:8000", "[::1]:8000", "127.0.0.1", "a-b.example"):
            with self.subTest(host):
                self.assertEqual(self.connect().send(request(GET, f"Host: {host}", host=False)).answer().status, 200)

    def test_100_continue(self):
        connection = self.connect()
        payload = b'{"name":"continued"}'
        connection.send(request(POST, "Expect: 100-Continue", f"Content-Length: {len(payload)}"))
        self.assertEqual(connection.answer().status, 100)
        connection.send(payload)
        self.assertEqual(connection.answer().status, 201)
        self.assertEqual(connection.send(request()).answer().status, 200)

    def test_what_is_refused_anyway_gets_no_100(self):
        for start, length, status in ((POST, 2 << 20, 413), ("POST /nowhere HTTP/1.1", 10, 404),
                                      ("PUT /api/v1/users HTTP/1.1", 10, 405)):
            with self.subTest(status):
                connection = self.connect()
                connection.send(request(start, "Expect: 100-continue", f"Content-Length: {length}"))
                answer = connection.answer()
                self.assertEqual(answer.status, status)
                # The client may send the body or the next request now; nobody can tell, so it must end.
                self.assertTrue(answer.closes)
                self.assertEqual(connection.rest(), b"")

    def test_http_1_0_never_gets_a_100(self):
        """RFC 9110, 10.1.1: the expectation in an HTTP/1.0 request is ignored."""
        connection = self.connect()
        connection.send(with_json("POST /api/v1/users HTTP/1.0", {"name": "old and expecting"}, "Expect: 100-continue"))
        self.assertEqual(connection.answer().status, 201)

    def test_connection_close(self):
        for value in ("close", "Close", "keep-alive, close", "close , x"):
            with self.subTest(value):
                connection = self.connect()
                connection.send(request(GET, f"Connection: {value}") + SMUGGLED)
                answer = connection.answer()
                self.assertEqual((answer.status, answer.closes), (200, True))
                self.assertEqual(connection.rest(), b"")

    def test_http_1_0(self):
        connection = self.connect()
        connection.send(request("GET /api/v1/health HTTP/1.0", host=False) + SMUGGLED)
        self.assertEqual(connection.answer().status, 200)
        self.assertEqual(connection.rest(), b"")
        connection = self.connect()
        connection.send(request("GET /api/v1/health HTTP/1.0", "Connection: Keep-Alive") + request())
        self.assertEqual([connection.answer().status, connection.answer().status], [200, 200])

    def test_trailing_slashes_and_query_strings(self):
        connection = self.connect()
        for target in ("/api/v1/health/", "/api/v1/health?", "/api/v1/health?a=b&c", "/api/v1/users/?x=%20+%41&&=&",
                       "/api/v1/%68ealth", "/api/v1/health?" + "q=1&" * 500):
            with self.subTest(target[:40]):
                self.assertEqual(connection.send(request(f"GET {target} HTTP/1.1")).answer().status, 200)

    def test_a_body_with_get(self):
        connection = self.connect()
        connection.send(with_json(GET, b"hello") + request())
        self.assertEqual([connection.answer().status, connection.answer().status], [200, 200])

    def test_refused_with_a_body_and_still_in_step(self):
        connection = self.connect()
        for start, status in (("POST /nowhere HTTP/1.1", 404), ("PUT /api/v1/users HTTP/1.1", 405),
                              ("POST /api/v1/sessions/none/messages HTTP/1.1", 404)):
            body = {"messages": [{"role": "user", "content": SMUGGLED.decode()}]}
            connection.send(with_json(start, body) + request())
            self.assertEqual([connection.answer().status, connection.answer().status], [status, 200])

    def test_a_client_that_half_closes_gets_its_answer(self):
        connection = self.connect()
        connection.send(request())
        connection.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(connection.answer().status, 200)


class Bodies(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = Holdfast()
        cls.d.start()
        cls.user = cls.d.make_user()
        cls.session = cls.d.make_session(cls.user)
        cls.path = f"/api/v1/sessions/{cls.session}/messages"

    @classmethod
    def tearDownClass(cls):
        cls.d.__exit__(None, None, None)

    def tearDown(self):
        self.assertIsNone(self.d.process.poll(), "the daemon ended")
        self.assertEqual(self.d.get("/api/v1/health").status, 200)

    def check_422(self, answer):
        self.assertEqual(answer.status, 422, answer.text[:300])
        self.assertEqual(list(answer.json), ["detail"])
        self.assertTrue(answer.json["detail"])
        for entry in answer.json["detail"]:
            self.assertLessEqual({"loc", "msg", "type"}, set(entry))

    def message(self, **more):
        return {"messages": [{"role": "user", "content": "hello", **more}]}

    def raw_message(self, content=b'"hello"', extra=b""):
        return b'{"messages":[{"role":"user","content":' + content + extra + b"}]}"

    def nested(self, depth, innermost):
        """A body whose containers are nested so deep: three around the metadata, which brings the rest."""
        inside = depth - 4
        return self.raw_message(extra=b',"metadata":{"m":' + b"[" * inside + innermost + b"]" * inside + b"}")

    def test_depth(self):
        for innermost in (b"1", b""):
            with self.subTest(innermost):
                self.assertEqual(self.d.post(self.path, raw=self.nested(32, innermost)).status, 201)
                self.check_422(self.d.post(self.path, raw=self.nested(33, innermost)))
        self.check_422(self.d.post(self.path, raw=b"[" * 500_000))
        self.check_422(self.d.post(self.path, raw=b'{"a":' * 150_000))

    def test_text_that_is_not_unicode(self):
        for content in (b'"\\ud800"', b'"\\udc00"', b'"\\ud800\\u0041"', b'"\\udc00\\ud800"', b'"a\xff"', b'"\xc0\x80"',
                        b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\xe2\x82"', b'"\xf0\x9f\x98"', b'"\\u12"', b'"\\x41"',
                        b'"a\x00b"', b'"a\nb"'):
            with self.subTest(content):
                self.check_422(self.d.post(self.path, raw=self.raw_message(content)))
                self.check_422(self.d.post(self.path, raw=self.raw_message(extra=b',"metadata":{"m":' + content + b"}")))
                self.check_422(self.d.post(self.path, raw=self.raw_message(extra=b',"metadata":{' + content + b":1}")))
                self.check_422(self.d.post("/api/v1/users", raw=b'{"name":' + content + b"}"))
                self.check_422(self.d.post(f"/api/v1/users/{self.user}/query", raw=b'{"query":' + content + b"}"))

    def test_text_that_is_unusual_but_right(self):
        texts = ["\U0001f600", "\u0000 in the middle \u0000", "\u202e\u200b", "\uffff", "a\u0301", "\x7f\x1b[31m", "\"'\\;--"]
        ids = self.d.add(self.session, *texts)
        messages = self.d.post(self.path + "/read", {"message_ids": ids}).data["messages"]
        self.assertEqual([m["content"] for m in messages], texts)
        self.d.flush()
        messages = self.d.post(self.path + "/read", {"message_ids": ids}).data["messages"]
        self.assertEqual([m["content"] for m in messages], texts)
        for text in texts:
            self.d.query(self.user, text)

    def test_ids_with_control_characters(self):
        for bad in ("a\x00b", "\x00", "a\nb", "a\x7fb", "", "x" * 257):
            with self.subTest(bad[:10]):
                self.check_422(self.d.post(self.path, self.message(id=bad)))
                self.assertIn(self.d.post(self.path + "/read", {"message_ids": [bad]}).status, (404, 422))
                self.assertIn(self.d.delete(self.path, {"message_ids": [bad]}).status, (404, 422))
                self.assertIn(self.d.post("/api/v1/sessions", {"user_id": bad, "agent_id": bad}).status, (404, 422))
                self.assertIn(self.d.post(f"/api/v1/users/{self.user}/query", {"query": "q", "session_id": bad}).status,
                              (404, 422))
                self.assertIn(self.d.post("/api/v1/buffer/flush", {"session_id": bad}).status, (200, 404, 422))

    def test_ids_that_look_like_paths_stay_ids(self):
        for odd in ("../../etc/passwd", "a/b", "..", ".", "C:\\x", "%2e%2e", "x" * 256):
            answer = self.d.post(self.path, self.message(id=odd))
            self.assertEqual((answer.status, answer.data["message_ids"]), (201, [odd]))
        names = [name for _, _, files in os.walk(self.d.folder) for name in files]
        self.assertFalse([name for name in names if "passwd" in name or "x" * 20 in name])

    def test_json_that_is_not_quite(self):
        whole = json.dumps(self.message()).encode()
        for raw in (b"", b" ", b"nul", b"{", b"}", whole[:-1], whole + b"x", whole + whole, b"{'a':1}", b'{"a":1,}', b"\xef\xbb\xbf{",
                    b"\x00", self.raw_message(extra=b',"metadata":{"n":NaN}'), self.raw_message(extra=b',"metadata":{"n":Infinity}'),
                    self.raw_message(extra=b',"metadata":{"n":-Infinity}'), self.raw_message(extra=b',"metadata":{"n":1e999}'),
                    self.raw_message(extra=b',"metadata":{"n":01}'), self.raw_message(extra=b',"metadata":{"n":.5}'),
                    b"/* c */" + whole, whole + b"\x00"):
            with self.subTest(raw[:60]):
                self.check_422(self.d.post(self.path, raw=raw))

    def test_the_wrong_top_level_type(self):
        for raw in (b"null", b"true", b"1", b'"text"', b"[]", b'[{"messages":[]}]'):
            for path in (self.path, self.path + "/read", "/api/v1/users", "/api/v1/sessions", "/api/v1/buffer/flush",
                         f"/api/v1/users/{self.user}/query", f"/api/v1/users/{self.user}/knowledge"):
                with self.subTest(path=path, raw=raw):
                    self.check_422(self.d.post(path, raw=raw))

    def test_the_wrong_type_within(self):
        for value in (None, 1, -1, 1.5, True, [], [[]], {}, {"a": {}}, "", [None], [1], [{}], [{"role": 1, "content": 1}]):
            with self.subTest(value=value):
                self.check_422(self.d.post(self.path, {"messages": value}))
                self.check_422(self.d.post(self.path + "/read", {"message_ids": value}))
                self.check_422(self.d.delete(self.path, {"message_ids": value}))
                self.check_422(self.d.put(self.path, {"message_ids": value, "new_messages": value}))
        for name in ("role", "content"):
            for value in (None, 1, [], {}, True, ""):
                with self.subTest(name=name, value=value):
                    self.check_422(self.d.post(self.path, self.message(**{name: value})))
        for more in ({"metadata": 1}, {"metadata": []}, {"metadata": "x"}, {"created_at": "yesterday"}, {"created_at": 5},
                     {"created_at": "9999999999-01-01T00:00:00Z"}, {"created_at": "2024-13-45T99:99:99Z"}, {"id": 7}, {"id": []}):
            with self.subTest(more=more):
                self.check_422(self.d.post(self.path, self.message(**more)))

    def test_numbers_however_large(self):
        query = f"/api/v1/users/{self.user}/query"
        for number in ("1e999", "-1e999", "1" * 400 + ".5", "1.5"):
            with self.subTest(number[:20]):
                self.check_422(self.d.post(query, raw=b'{"query":"q","top_k":' + number.encode() + b"}"))
        for number in ("9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775808",
                       "-9223372036854775809", "1e15", "1" * 400, "-" + "1" * 400, "1e308", "0", "-0", "-0.0", "5.0"):
            with self.subTest(number[:20]):
                self.assertIn(self.d.post(query, raw=b'{"query":"q","top_k":' + number.encode() + b"}").status, (200, 422))
                answer = self.d.post(self.path, raw=self.raw_message(extra=b',"metadata":{"n":' + number.encode() + b"}"))
                self.assertIn(answer.status, (201, 422))
        self.assertEqual(self.d.get(self.path + "?include=metadata&limit=100").status, 200)
        self.d.flush()
        self.assertEqual(self.d.get(self.path + "?include=metadata&limit=100").status, 200)

    def test_a_name_twice_in_an_object(self):
        """Refused, or read as everybody reads it: the last one counts."""
        answer = self.d.post(self.path, raw=self.raw_message(b'"first"', b',"content":"last"'))
        self.assertIn(answer.status, (201, 422))
        if answer.status == 201:
            read = self.d.post(self.path + "/read", {"message_ids": answer.data["message_ids"]})
            self.assertEqual(read.data["messages"][0]["content"], "last")

    def test_times_at_the_edge(self):
        for time_text in ("0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59Z",
                          "2024-02-29T12:00:00+23:59", "2024-01-01T00:00:00.123456789123456789Z"):
            with self.subTest(time_text):
                self.assertIn(self.d.post(self.path, self.message(created_at=time_text)).status, (201, 422))
                self.assertEqual(self.d.get(self.path + "?limit=100").status, 200)

    def test_an_idempotency_key_that_is_none(self):
        for key in ("a" * 257, "caf\xe9"):
            answer = self.d.post(self.path, self.message(), headers={"Idempotency-Key": key})
            self.assertIn(answer.status, (201, 400), key)
            self.assertIn(self.d.post(self.path, self.message(), headers={"Idempotency-Key": key}).status, (201, 400))

    def test_a_large_body_is_refused_before_it_is_sent(self):
        for start, length in ((POST, (1 << 20) + 1), (f"POST {self.path} HTTP/1.1", 1 << 40),
                              ("POST /api/v1/messages/batch HTTP/1.1", (64 << 20) + 1)):
            with self.subTest(length), RawConnection(self.d.port) as connection:
                answer = connection.send(request(start, f"Content-Length: {length}")).answer()
                self.assertEqual((answer.status, set(answer.json), answer.closes), (413, ENVELOPE, True))

    def test_a_client_that_sends_a_large_body_all_the_same_reads_the_413(self):
        with RawConnection(self.d.port) as connection:
            connection.send(request(POST, f"Content-Length: {4 << 20}") + b"x" * (4 << 20))
            self.assertEqual(connection.answer().status, 413)
            self.assertEqual(connection.rest(), b"")

    def test_the_largest_body_is_taken(self):
        body = json.dumps({"name": "largest", "description": ""}).encode()
        body = body[:-2] + b"d" * ((1 << 20) - len(body)) + b'"}'
        self.assertEqual(len(body), 1 << 20)
        self.assertEqual(self.d.post("/api/v1/users", raw=body).status, 201)

    def test_message_and_batch_limits(self):
        limit = 256 << 10
        self.assertEqual(self.d.post(self.path, self.message(content="w" * limit)).status, 201)
        for more in ({"content": "w" * (limit + 1)}, {"metadata": {"m": "w" * limit}}):
            answer = self.d.post(self.path, self.message(**more))
            self.assertEqual((answer.status, set(answer.json)), (413, ENVELOPE))
        self.assertEqual(self.d.post(self.path, {"messages": [{"role": "user", "content": "x"}] * 1000}).status, 201)
        self.assertEqual(self.d.post(self.path, {"messages": [{"role": "user", "content": "x"}] * 1001}).status, 413)
        self.assertEqual(self.d.post(f"/api/v1/users/{self.user}/knowledge", {"knowledge": ["w" * (limit + 1)]}).status, 413)
        mid = self.d.add(self.session, "small")
        answer = self.d.put(self.path, {"message_ids": mid, "new_messages": [{"role": "user", "content": "w" * (limit + 1)}]})
        self.assertEqual(answer.status, 413)

    def test_bulk_lines_of_every_kind(self):
        good = json.dumps({"session_id": self.session, "role": "user", "content": "bulk"}).encode()
        bad = [b"{", b"null", b"[]", b"1", b"\xff", b'{"session_id":"x"}', b'{"session_id":"\\u0000","role":"user","content":"c"}',
               b"[" * 1000, good.replace(b'"bulk"', b'"\\ud800"'), good.replace(b'"bulk"', b'"' + b"w" * (257 << 10) + b'"')]
        answer = self.d.post("/api/v1/messages/batch", raw=b"\r\n".join([good] + bad + [b"", good]))
        self.assertEqual(answer.status, 201, answer.text[:300])
        self.assertEqual((answer.data["accepted"], answer.data["rejected"]), (2, len(bad)))
        self.assertEqual([error["line"] for error in answer.data["errors"]], list(range(2, 2 + len(bad))))
        answer = self.d.post("/api/v1/messages/batch", raw=b"\n".join(bad))
        self.assertEqual(answer.status, 422)

    def test_an_answer_is_not_many_times_its_request(self):
        """A line or an element of two bytes must not cost a hundred in memory and on the wire."""
        bulk = b"1\n" * (512 << 10)
        listed = b'{"message_ids":[' + b"1," * (500 << 10) + b"1]}"
        for path, raw in (("/api/v1/messages/batch", bulk), (self.path + "/read", listed)):
            with self.subTest(path.split("/")[-1]):
                answer = self.d.post(path, raw=raw)
                self.assertIn(answer.status, (413, 422))
                self.assertLess(len(answer.text), 4 * len(raw))


class Limits(unittest.TestCase):
    def connect(self, daemon):
        connection = RawConnection(daemon.port)
        self.addCleanup(connection.socket.close)
        return connection

    def check_alive(self, daemon):
        self.assertIsNone(daemon.process.poll(), "the daemon ended")
        self.assertEqual(daemon.get("/api/v1/health").status, 200)

    def test_slow_clients_are_ended_and_disturb_nobody(self):
        with Holdfast("server.limits.header_timeout=300ms", "server.limits.body_timeout=400ms",
                      "server.limits.idle_timeout=600ms") as d:
            silent, cut, idle, body = (self.connect(d) for _ in range(4))
            cut.send(b"GET /api/v1/health HTTP/1.1\r\nHost")
            body.send(request(POST, "Content-Length: 100", body=b"{"))
            self.assertEqual(idle.send(request()).answer().status, 200)
            half_next = self.connect(d).send(request() + b"GET /api")
            self.assertEqual(half_next.answer().status, 200)
            began = time.monotonic()
            self.check_alive(d)
            self.assertEqual(silent.rest(), b"")
            for slow in (cut, body, half_next):
                answer = slow.answer()
                self.assertIn(answer.status if answer else None, (408, None))
                self.assertEqual(slow.rest(), b"")
            self.assertEqual(idle.rest(), b"")
            self.assertLess(time.monotonic() - began, 5)
            self.check_alive(d)

    def test_who_was_too_slow_is_told_so(self):
        with Holdfast("server.limits.header_timeout=200ms", "server.limits.body_timeout=200ms") as d:
            for part in (b"GET /api/v1/health HTTP/1.1\r\nHost", request(POST, "Content-Length: 100", body=b"{")):
                with self.subTest(part[:10]):
                    answer = self.connect(d).send(part).answer()
                    self.assertIsNotNone(answer, "closed without an answer")
                    self.assertEqual((answer.status, set(answer.json), answer.closes), (408, ENVELOPE, True))

    def test_a_header_that_drips_does_not_gain_time(self):
        with Holdfast("server.limits.header_timeout=300ms") as d:
            dripping = self.connect(d).send(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n")
            dripping.socket.settimeout(0.02)
            began = time.monotonic()
            while not dripping.buffer and time.monotonic() - began < 8:
                try:
                    dripping.send(b"a")
                    if not dripping.more():
                        break
                except TimeoutError:
                    pass
                except ConnectionError:
                    break
            self.assertLess(time.monotonic() - began, 5)
            self.check_alive(d)

    def test_connections_over_the_limit(self):
        with Holdfast("server.limits.connections=3") as d:
            open_ones = [self.connect(d) for _ in range(3)]
            for connection in open_ones:
                self.assertEqual(connection.send(request()).answer().status, 200)
            for sends in (b"", request()):
                beyond = self.connect(d)
                if sends:
                    beyond.send(sends)
                answer = beyond.answer()
                self.assertEqual((answer.status, set(answer.json), answer.closes), (503, ENVELOPE, True))
                self.assertGreaterEqual(int(answer.field("retry-after")), 1)
                beyond.socket.close()
            for connection in open_ones:
                self.assertEqual(connection.send(request()).answer().status, 200)
            open_ones[0].socket.close()
            deadline = time.monotonic() + 10
            while d.get("/api/v1/health").status != 200:
                self.assertLess(time.monotonic(), deadline)

    def test_bytes_are_reserved_before_a_body_is_read(self):
        with Holdfast("server.limits.inflight_bytes=1MiB", "server.limits.bulk_body_bytes=1MiB", "server.shards=1") as d:
            first, second = self.connect(d), self.connect(d)
            body = b'{"name":"first"' + b" " * (900 << 10) + b"}"
            first.send(request(POST, f"Content-Length: {len(body)}", "Expect: 100-continue"))
            self.assertEqual(first.answer().status, 100)
            second.send(request(POST, f"Content-Length: {len(body)}", "Expect: 100-continue"))
            answer = second.answer()
            self.assertIn(answer.status, (429, 503))
            self.assertEqual(set(answer.json), ENVELOPE)
            self.assertGreaterEqual(int(answer.field("retry-after")), 1)
            self.check_alive(d)
            self.assertEqual(first.send(body).answer().status, 201)
            answer = self.connect(d).send(with_json(POST, body.replace(b"first", b"other"))).answer()
            self.assertEqual(answer.status, 201)

    def test_what_is_reserved_comes_back_however_a_request_ends(self):
        with Holdfast("server.limits.inflight_bytes=1MiB", "server.limits.bulk_body_bytes=1MiB", "server.shards=1", "server.limits.body_timeout=200ms",
                      "server.limits.body_bytes=1MiB") as d:
            for _ in range(5):
                vanishes = self.connect(d).send(request(POST, f"Content-Length: {900 << 10}", "Expect: 100-continue"))
                self.assertEqual(vanishes.answer().status, 100)
                vanishes.socket.close()
                deadline = time.monotonic() + 5
                while self.connect(d).send(with_json(POST, b"{" + b" " * (900 << 10))).answer().status != 422:
                    self.assertLess(time.monotonic(), deadline)

    def test_one_user_cannot_take_all_the_bytes(self):
        with Holdfast("server.limits.inflight_bytes=4MiB", "server.limits.bulk_body_bytes=1MiB", "server.shards=1",
                      "memory.user_share=0.25") as d:
            greedy, quiet = d.make_user("greedy"), d.make_user("quiet")
            line = f"Content-Length: {900 << 10}"
            first = self.connect(d).send(request(f"POST /api/v1/users/{greedy}/query HTTP/1.1", line, "Expect: 100-continue"))
            self.assertEqual(first.answer().status, 100)
            again = self.connect(d).send(request(f"POST /api/v1/users/{greedy}/query HTTP/1.1", line, "Expect: 100-continue"))
            answer = again.answer()
            self.assertEqual(answer.status, 429)
            self.assertGreaterEqual(int(answer.field("retry-after")), 1)
            other = self.connect(d).send(request(f"POST /api/v1/users/{quiet}/query HTTP/1.1", line, "Expect: 100-continue"))
            self.assertEqual(other.answer().status, 100)

    def test_many_hostile_clients_at_once(self):
        with Holdfast("server.limits.header_timeout=300ms") as d:
            noise = [os.urandom(n) for n in (1, 10, 1000, 20000)] + [CLIENT_HELLO, b"\r\n" * 5000, b"\0" * 9000, b"GET " * 5000]

            def attack():
                for data in noise:
                    try:
                        RawConnection(d.port).send(data).socket.close()
                    except ConnectionError:
                        pass
            threads = [threading.Thread(target=attack) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.check_alive(d)


class Files(unittest.TestCase):
    def start_with_open_umask(self, daemon):
        before = os.umask(0)
        try:
            daemon.start()
        finally:
            os.umask(before)

    def test_only_the_owner_may_read_what_is_written(self):
        d = Holdfast()
        self.addCleanup(d.__exit__, None, None, None)
        d.settings += [f"store.sqlite.path={d.folder}/store/holdfast.db"]
        self.start_with_open_umask(d)
        d.add(d.make_session(), "private")
        d.flush()
        d.add(d.make_session(d.make_user("other")), "private too")
        wrong = []
        for folder, folders, files in os.walk(d.folder):
            wrong += [path for path in (os.path.join(folder, f) for f in folders)
                      if stat.S_IMODE(os.lstat(path).st_mode) != 0o700]
            wrong += [f"{path} {stat.S_IMODE(os.lstat(path).st_mode):o}" for path in (os.path.join(folder, f) for f in files)
                      if path != d.log_path and stat.S_IMODE(os.lstat(path).st_mode) & 0o077]
        self.assertEqual(wrong, [])

    def test_a_segment_that_is_a_symlink_is_not_followed(self):
        with Holdfast() as d:
            d.add(d.make_session(), "x")
            d.kill()
            journal, outside = os.path.join(d.folder, "journal"), os.path.join(d.folder, "outside")
            segments = [name for name in os.listdir(journal) if os.path.getsize(os.path.join(journal, name)) >= 1 << 20]
            self.assertTrue(segments)
            for name in segments:
                os.rename(os.path.join(journal, name), outside + name)
                os.symlink(outside + name, os.path.join(journal, name))
            before = {name: pathlib.Path(outside + name).read_bytes() for name in segments}
            try:
                d.start()
                d.add(d.make_session(d.make_user("b")), "y" * 1000)
                d.stop()
            except AssertionError as refused:
                self.assertIn("ended with 2", str(refused))
            for name in segments:
                self.assertEqual(pathlib.Path(outside + name).read_bytes(), before[name], "written through a symlink")


if __name__ == "__main__":
    unittest.main()
