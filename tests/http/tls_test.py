"""TLS: who is let in, what happens to other talk on the port, new certificates while running, broken ones refused."""

import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
import warnings

from configured_process import ConfiguredHoldfast
from holdfast_process import Answer
from raw_http import RawConnection, request, with_json

OPENSSL = shutil.which("openssl")


class Certificates:
    """Self-signed ones, of which a name tells one from the other. Made once for all tests."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="holdfast-tls-")

    def make(self, name, *more):
        paths = tuple(os.path.join(self.folder, f"{name}.{kind}") for kind in ("crt", "key"))
        if not os.path.exists(paths[0]):
            subprocess.run([OPENSSL, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2",
                            "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", *(more or ("-nodes",)),
                            "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True, stdin=subprocess.DEVNULL)
        return paths


class TlsHoldfast(ConfiguredHoldfast):
    def __init__(self, certificates, name="first", settings=()):
        super().__init__(settings=settings)
        self.certificates = certificates
        self.certificate, self.key = (os.path.join(self.folder, n) for n in ("server.crt", "server.key"))
        self.file.update({"server.tls.cert": self.certificate, "server.tls.key": self.key})
        self.install(name)

    def install(self, name, key=None):
        """key: that of another name, which does not fit."""
        for source, target in ((self.certificates.make(name)[0], self.certificate), (self.certificates.make(key or name)[1], self.key)):
            shutil.copy(source, target + ".new")
            os.replace(target + ".new", target)

    def _wait_for_port(self, already):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with open(self.log_path, "rb") as log:
                log.seek(already)
                self.log = log.read().decode("utf-8", "replace")
            if "ready on https://" in self.log:
                return int(self.log.split("ready on https://")[1].split(" ")[0].rsplit(":", 1)[1])
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended with {self.process.returncode}:\n{self.log}")
            time.sleep(0.01)
        raise AssertionError("the daemon did not get ready")

    def trust(self, *names):
        context = ssl.create_default_context()
        for name in names:
            context.load_verify_locations(self.certificates.make(name)[0])
        return context

    def connect(self, *names, context=None):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        try:
            return (context or self.trust(*(names or ("first",)))).wrap_socket(plain, server_hostname="127.0.0.1")
        except BaseException:
            plain.close()
            raise

    def request(self, method, path, body=None, headers=None, raw=None):
        context = ssl._create_unverified_context()
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30, context=context)
        try:
            payload = raw if raw is not None else (None if body is None else json.dumps(body).encode())
            connection.request(method, path, payload, headers or {})
            response = connection.getresponse()
            return Answer(response, response.read())
        finally:
            connection.close()


@unittest.skipUnless(OPENSSL, "there is no openssl command to make certificates with")
class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.certificates = Certificates()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.certificates.folder)

    def daemon(self, *settings, name="first"):
        return TlsHoldfast(self.certificates, name, settings)

    def raw(self, daemon, *names):
        wrapped = daemon.connect(*names)
        self.addCleanup(wrapped.close)
        return RawConnection(daemon.port, socket_made=wrapped)

    def check_alive(self, daemon):
        self.assertIsNone(daemon.process.poll(), "the daemon ended")
        self.assertEqual(daemon.get("/api/v1/health").status, 200)

    def subject(self, connection):
        return dict(pair[0] for pair in connection.socket.getpeercert()["subject"])["commonName"]

    def test_https_works(self):
        with self.daemon() as d:
            user = d.make_user()
            session = d.make_session(user)
            d.add(session, "sealed words")
            self.assertEqual(d.query(user, "sealed")[0]["content"], "sealed words")
            connection = self.raw(d)
            self.assertIn(connection.socket.version(), ("TLSv1.2", "TLSv1.3"))
            connection.send(request() * 20)
            self.assertEqual([connection.answer().status for _ in range(20)], [200] * 20)
            for byte in with_json("POST /api/v1/users HTTP/1.1", {"name": "in pieces"}):
                connection.send(bytes([byte]))
            self.assertEqual(connection.answer().status, 201)
            self.assertEqual(d.stop(), 0)

    def test_large_bodies_go_both_ways(self):
        with self.daemon() as d:
            session = d.make_session()
            content = "w" * (200 << 10)
            for _ in range(4):
                d.add(session, content)
            messages = d.get(f"/api/v1/sessions/{session}/messages").data["messages"]
            self.assertEqual([m["content"] for m in messages], [content] * 4)

    def test_a_certificate_nobody_trusts_is_not_ours(self):
        """That the other tests check something: the wrong trust fails."""
        with self.daemon() as d:
            with self.assertRaises(ssl.SSLCertVerificationError):
                d.connect("second")

    def test_other_talk_on_the_port_does_no_harm(self):
        with self.daemon("server.limits.header_timeout=300ms") as d:
            for data in (request(), request() * 100, b"\x16\x03\x01\x02\x00" + os.urandom(512), os.urandom(5000), b"\0" * 20000, b"",
                         b"\x16\x03\x01", bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0")):
                connection = RawConnection(d.port)
                if data:
                    connection.send(data)
                try:
                    got = connection.rest()
                except ConnectionResetError:
                    got = b""
                self.assertNotIn(b"200 OK", got)
                connection.socket.close()
            self.check_alive(d)

    def test_old_versions_are_refused(self):
        with self.daemon() as d:
            for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
                context = ssl._create_unverified_context()
                context.set_ciphers("ALL:@SECLEVEL=0")
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", DeprecationWarning)
                    context.minimum_version = context.maximum_version = version
                with self.subTest(version), self.assertRaises((ssl.SSLError, ConnectionError)) as refused:
                    d.connect(context=context)
                self.assertNotIn("NO_PROTOCOLS_AVAILABLE", str(refused.exception), "this end would not try it")
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                context = d.trust("first")
                context.minimum_version = context.maximum_version = version
                d.connect(context=context).close()
            self.check_alive(d)

    def test_a_handshake_that_stalls_is_ended(self):
        with self.daemon("server.limits.header_timeout=300ms", "server.limits.connections=3") as d:
            stalled = [RawConnection(d.port) for _ in range(3)]
            for connection in stalled:
                self.assertEqual(connection.rest(), b"")
                connection.socket.close()
            deadline = time.monotonic() + 5
            while True:
                try:
                    self.check_alive(d)
                    break
                except (ssl.SSLError, ConnectionError):
                    self.assertLess(time.monotonic(), deadline)

    def test_a_new_certificate_while_running(self):
        with self.daemon() as d:
            old = self.raw(d)
            self.assertEqual(old.send(request()).answer().status, 200)
            d.install("second")
            still = self.raw(d)
            self.assertEqual(self.subject(still), "first")
            self.assertIn("configuration reloaded", d.hang_up())
            new = self.raw(d, "second")
            self.assertEqual((self.subject(old), self.subject(new)), ("first", "second"))
            for connection in (old, still, new):
                self.assertEqual(connection.send(request()).answer().status, 200)
            d.install("first")
            self.assertEqual(d.reload().status, 200)
            self.assertEqual(self.subject(self.raw(d)), "first")

    def test_a_session_ticket_of_the_old_certificate_is_no_error(self):
        with self.daemon() as d:
            context = d.trust("first", "second")
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            first = d.connect(context=context)
            session = first.session
            first.close()
            d.install("second")
            d.hang_up()
            plain = socket.create_connection(("127.0.0.1", d.port), timeout=10)
            again = context.wrap_socket(plain, server_hostname="127.0.0.1", session=session)
            self.addCleanup(again.close)
            self.assertEqual(RawConnection(d.port, socket_made=again).send(request()).answer().status, 200)

    def break_certificate(self, daemon, how):
        if how == "no certificate":
            os.remove(daemon.certificate)
        elif how == "no key":
            os.remove(daemon.key)
        elif how == "key of another":
            daemon.install("first", key="second")
        elif how == "key with a passphrase":
            daemon.install("first", key="locked")
        else:
            path = daemon.certificate if how == "certificate is no PEM" else daemon.key
            with open(path, "w") as out:
                out.write("-----BEGIN NOTHING-----\nnonsense\n")

    BREAKS = ("no certificate", "no key", "certificate is no PEM", "key is no PEM", "key of another", "key with a passphrase")

    def test_broken_files_refuse_the_start(self):
        self.certificates.make("locked", "-passout", "pass:secret")
        for how in self.BREAKS:
            with self.subTest(how):
                d = self.daemon()
                self.addCleanup(d.__exit__, None, None, None)
                self.break_certificate(d, how)
                d.write()
                done = subprocess.run(d.command(), capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL,
                                      start_new_session=True)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
                path = d.certificate if "certificate" in how else d.key
                self.assertIn(path, done.stderr)
                self.assertIn("server.tls.", done.stderr)

    def test_broken_files_refuse_a_reload_without_harm(self):
        self.certificates.make("locked", "-passout", "pass:secret")
        with self.daemon() as d:
            old = self.raw(d)
            for how in self.BREAKS:
                with self.subTest(how):
                    self.break_certificate(d, how)
                    d.write(server__limits__batch_messages=1)
                    self.assertIn("configuration refused", d.hang_up())
                    answer = d.reload()
                    self.assertEqual(answer.status, 400)
                    self.assertIn("server.tls.", answer.json["message"])
                    new = self.raw(d)
                    self.assertEqual(self.subject(new), "first")
                    for connection in (old, new):
                        self.assertEqual(connection.send(request()).answer().status, 200)
                    body = {"messages": [{"role": "user", "content": "x"}] * 2}
                    self.assertEqual(d.post("/api/v1/sessions/none/messages", body).status, 404, "the limit was taken")
                    d.install("first")
            self.assertEqual(d.reload().status, 200)

    def test_a_certificate_without_a_key_is_refused(self):
        for missing in ("server.tls.cert", "server.tls.key"):
            d = self.daemon()
            self.addCleanup(d.__exit__, None, None, None)
            d.file[missing] = "none"
            d.write()
            done = subprocess.run(d.command(), capture_output=True, text=True, timeout=20)
            self.assertEqual((done.returncode, "server.tls" in done.stderr), (2, True), done.stderr)

    def test_a_refusal_reaches_a_client_that_is_still_sending(self):
        with self.daemon() as d:
            for _ in range(5):
                connection = self.raw(d)
                connection.send(request("POST /api/v1/users HTTP/1.1", f"Content-Length: {8 << 20}"))
                for _ in range(128):
                    connection.send(b"x" * (64 << 10))
                self.assertEqual(connection.answer().status, 413)

    def test_an_end_is_announced(self):
        """Without close_notify a client cannot tell an end from a cut connection."""
        with self.daemon() as d:
            connection = self.raw(d)
            connection.send(request("GET /api/v1/health HTTP/1.1", "Connection: close"))
            self.assertEqual(connection.answer().status, 200)
            connection.socket.suppress_ragged_eofs = False
            self.assertEqual(connection.rest(), b"")

    def test_the_admin_listener_speaks_tls_too(self):
        with self.daemon("server.admin.port=0") as d:
            main, d.port = d.port, d.logged_port("operational routes on https")
            self.assertNotEqual(main, d.port)
            self.assertEqual(d.get("/metrics").status, 200)

    def test_tls_cannot_be_switched_off_by_a_reload(self):
        with self.daemon() as d:
            d.write(server__tls__cert="none", server__tls__key="none")
            self.assertIn("server.tls", d.hang_up())
            self.assertEqual(self.raw(d).send(request()).answer().status, 200)


if __name__ == "__main__":
    unittest.main()
