// node tokenizer_speed.mjs DIR TEXT.jsonl…: the same measurement of npm's tiktoken, unpacked in DIR; see tokenizer_speed.cpp.
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const oracle = createRequire(import.meta.url)(path.resolve(process.argv[2], "tiktoken.cjs")).get_encoding("o200k_base");
for (const file of process.argv.slice(3)) {
  const messages = fs.readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const bytes = messages.reduce((sum, message) => sum + Buffer.byteLength(message), 0);
  // It needs minutes for a megabyte of one letter.
  if (messages.length === 1) continue;
  const passes = [];
  let tokens = 0;
  for (let pass = 0; pass < 3; ++pass) {
    const began = process.cpuUsage();
    tokens = 0;
    for (const message of messages) tokens += oracle.encode_ordinary(message).length;
    const spent = process.cpuUsage(began);
    passes.push((spent.user + spent.system) / 1e6);
  }
  const seconds = passes.sort((a, b) => a - b)[1];
  const column = (value, width) => String(value).padStart(width);
  console.log(
    `${path.basename(file, ".jsonl").padEnd(24)} tiktoken WASM  ${column((bytes / 1e6).toFixed(2), 8)} MB ${column(tokens, 9)} tokens ` +
      `${column((bytes / 1e6 / seconds).toFixed(1), 9)} MB/s ${column((seconds * 1e3).toFixed(2), 9)} ms`,
  );
}
