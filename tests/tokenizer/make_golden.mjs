// Makes golden/cases.jsonl and golden/code_points.txt anew from the oracle: node make_golden.mjs DIR, where DIR holds the unpacked
// npm package tiktoken 1.0.22 (tests/tokenizer/every_code_point fetches and checks it). Fixed seed: the same every time.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";

const require = createRequire(import.meta.url);
const oracle = require(path.resolve(process.argv[2], "tiktoken.cjs"));
const encodings = { o200k_base: oracle.get_encoding("o200k_base"), cl100k_base: oracle.get_encoding("cl100k_base") };
const ids = (name, text) => Array.from(encodings[name].encode_ordinary(text));

let state = 12345;
const random = (below) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 4294967296) * below);
};
const pick = (list) => list[random(list.length)];

const words = "the quick brown fox jumps over a lazy dog Hello WORLD McDonald iPhone café naïve Straße ПРИВЕТ привет Ελληνικά मानक हिन्दी 中文 日本語 テスト 한국어 ภาษาไทย עברית العربية ǅ ŉ ﬁ ⅷ x̂ é ſ ΑΣ σς İı 𝔘𝔫𝔦 👍🏽 👨‍👩‍👧‍👦 🇩🇪 don't I'LL we'Ve they'RE it'ſ 'S 's 'tis rock'n'roll 1 12 123 1234 12345 3.14159 ½ ٣٤٥ 10,000 v2.0 C++ snake_case camelCase kebab-case http://example.com/a/b?c=d#e <|endoftext|> <|im_start|> {\"k\":[1,2]} // /* */ <html> => != === && || $x @y #z %w ^ ~ ` \\n \\t".split(" ");
const spaces = [" ", "  ", "   ", "\n", "\n\n", "\r\n", " \n", "\n ", "\t", "\t\t", " \t ", "\u00a0", "\u2003", "\u3000", "\u0085", "\u2028", "\u180e", "\u200b", "\v", "\f", "/", "\n/", ""];
const anywhere = () => {
  const point = pick([random(0x80), random(0x800), random(0x10000), random(0x110000), 0x1f300 + random(0x500), 0x4e00 + random(0x5000)]);
  return point >= 0xd800 && point <= 0xdfff ? "?" : String.fromCodePoint(point);
};
const makers = [
  () => Array.from({ length: 1 + random(12) }, () => pick(words) + pick(spaces)).join(""),
  () => Array.from({ length: 1 + random(20) }, () => pick(words)).join(" "),
  () => Array.from({ length: 1 + random(15) }, anywhere).join(""),
  () => Array.from({ length: 1 + random(10) }, () => pick(words) + anywhere() + pick(spaces)).join(""),
  () => Array.from({ length: 1 + random(8) }, () => pick(spaces)).join("") + pick(words),
  () => pick(["a", "A", "é", "中", " ", "\n", "-", "1", "👍", "ab", "aB", "\u0301", " \n"]).repeat(1 + random(150)),
  () => Array.from({ length: 1 + random(40) }, () => "abcXYZ123'_ .,\n\u0301ſK"[random(19)]).join(""),
];
const here = path.join(path.dirname(new URL(import.meta.url).pathname), "golden");
const lines = [];
for (let i = 0; i < 3000; ++i) {
  const text = makers[i % makers.length]().toWellFormed?.() ?? makers[i % makers.length]();
  lines.push(JSON.stringify({ text, o200k_base: ids("o200k_base", text), cl100k_base: ids("cl100k_base", text) }));
}
fs.writeFileSync(path.join(here, "cases.jsonl"), lines.join("\n") + "\n");

// Every code point in these contexts; one CRC-32 of all ids (as little-endian u32) for each block of 4,096.
const contexts = [["", ""], ["a", "b"], [" ", "'s"], ["A", "1 \n"]];
const digests = [];
for (const name of Object.keys(encodings)) {
  contexts.forEach(([before, after], context) => {
    for (let start = 0; start < 0x110000; start += 4096) {
      let crc = 0;
      for (let point = start; point < start + 4096; ++point) {
        if (point >= 0xd800 && point <= 0xdfff) continue;
        const found = encodings[name].encode_ordinary(before + String.fromCodePoint(point) + after);
        crc = zlib.crc32(Buffer.from(found.buffer, found.byteOffset, found.byteLength), crc);
      }
      digests.push(`${name} ${context} ${start.toString(16)} ${crc.toString(16)}`);
    }
  });
}
fs.writeFileSync(path.join(here, "code_points.txt"), digests.join("\n") + "\n");
