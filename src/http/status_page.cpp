// GET /: what the daemon says of itself, for people. Everything it shows comes from /api/v1/buffer/stats and
// the health documents; where these ask for a key, the page asks for an admin's and keeps it in the tab.
// Script and style are files of their own, so that the policy can forbid inline ones.
#include <string>

#include "route_functions.hpp"

namespace holdfast::http {
namespace {

constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Holdfast</title>
<link rel="stylesheet" href="/status.css">
<script src="/status.js" defer></script>
</head>
<body>
<header><h1>Holdfast</h1><p id="state" role="status">loading</p>
<label id="ask" hidden>admin key <input id="key" type="password" autocomplete="off"></label></header>
<main>
<section><h2>Health</h2><table id="health"></table></section>
<section><h2>Now</h2><div id="numbers"></div></section>
</main>
</body>
</html>
)";

constexpr std::string_view kStyle =
    R"(:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 68rem; padding: 1rem; }
header { display: flex; gap: 1rem; align-items: baseline; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1.05rem; margin: 1.4rem 0 .4rem; }
h3 { font-size: .95rem; margin: 0 0 .3rem; }
table { border-collapse: collapse; width: 100%; }
td { border-top: 1px solid #8884; padding: .25rem .6rem .25rem 0; vertical-align: top; overflow-wrap: anywhere; }
td:last-child { text-align: right; font-variant-numeric: tabular-nums; }
#health td:last-child { text-align: left; }
#numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1.2rem 2rem; }
.pass { color: #1a7f37; } .warn { color: #b35900; } .fail { color: #c62828; }
@media (prefers-color-scheme: dark) { .pass { color: #5bd07a; } .warn { color: #ffb45c; } .fail { color: #ff7b72; } }
)";

constexpr std::string_view kScript = R"(const state = document.getElementById("state");
const ask = document.getElementById("ask");
document.getElementById("key").addEventListener("change", event => sessionStorage.setItem("key", event.target.value));
async function read(path) {
  const key = sessionStorage.getItem("key");
  const answer = await fetch(path, {headers: key ? {Authorization: "Bearer " + key} : {}});
  const body = await answer.json();
  if (answer.status === 401 || answer.status === 403) {
    ask.hidden = false;
    throw new Error(body.message);
  }
  return body;
}
function row(table, cells, status) {
  const line = table.insertRow();
  for (const text of cells) line.insertCell().textContent = text;
  if (status) line.cells[0].className = status;
}
function number(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  return Number.isInteger(value) ? value.toLocaleString("en") : value.toPrecision(4);
}
function showHealth(documents) {
  const table = document.getElementById("health");
  table.replaceChildren();
  for (const one of documents) for (const [name, checks] of Object.entries(one.checks ?? {}))
    for (const check of checks) {
      const what = check.componentId ? name + " · " + check.componentId : name;
      const observed = typeof check.observedValue === "object" && check.observedValue
        ? Object.entries(check.observedValue).map(([key, value]) => key + " " + number(value)).join(", ")
        : number(check.observedValue) + " " + (check.observedUnit ?? "");
      row(table, [check.status, what, observed, check.output ?? ""], check.status);
    }
}
function showNumbers(data) {
  const place = document.getElementById("numbers");
  place.replaceChildren();
  for (const [name, part] of Object.entries(data)) {
    if (typeof part !== "object" || part === null) continue;
    const block = document.createElement("div");
    const title = document.createElement("h3");
    title.textContent = name.replaceAll("_", " ");
    const table = document.createElement("table");
    for (const [key, value] of Object.entries(part)) {
      const text = typeof value === "object" && value
        ? Object.entries(value).map(([inner, of]) => inner + " " + (typeof of === "object" && of ? number(of.p50) : number(of))).join(", ")
        : number(value);
      row(table, [key.replaceAll("_", " "), text]);
    }
    block.append(title, table);
    place.append(block);
  }
}
async function refresh() {
  try {
    const [buffer, performance, stats] = await Promise.all(
      ["/health/buffer", "/health/performance", "/api/v1/buffer/stats"].map(read));
    ask.hidden = true;
    showHealth([buffer, performance]);
    showNumbers(stats.data);
    const worst = [buffer, performance].some(one => one.status === "fail") ? "fail"
      : [buffer, performance].some(one => one.status === "warn") ? "warn" : "pass";
    state.textContent = worst + " · mode " + stats.data.mode + " · version " + buffer.version;
    state.className = worst;
  } catch (problem) {
    state.textContent = "no answer: " + problem.message;
    state.className = "fail";
  }
  setTimeout(refresh, 2000);
}
refresh();
)";

Reply page(std::string_view body, std::string_view content_type) {
  return {200,
          std::string(body),
          content_type,
          {{"Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; "
            "form-action 'none'; frame-ancestors 'none'"},
           {"X-Content-Type-Options", "nosniff"},
           {"X-Frame-Options", "DENY"},
           {"Referrer-Policy", "no-referrer"},
           {"Cache-Control", "no-store"}}};
}

}  // namespace

asio::awaitable<Reply> status_page(Api&, Request) {
  co_return page(kPage, "text/html; charset=utf-8");
}

asio::awaitable<Reply> status_style(Api&, Request) {
  co_return page(kStyle, "text/css; charset=utf-8");
}

asio::awaitable<Reply> status_script(Api&, Request) {
  co_return page(kScript, "text/javascript; charset=utf-8");
}

}  // namespace holdfast::http
